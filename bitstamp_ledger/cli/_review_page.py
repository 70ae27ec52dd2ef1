"""A page of this machine on which a person decides; it ends with its last button or Ctrl-C.

Who may use it, and what keeps others out:

1. It listens on loopback only; other machines cannot reach it.
2. Its address holds a random token: other users and pages of this machine do not know it.
3. It answers only to the names of loopback, so that no foreign name can be pointed at it (DNS
   rebinding), and takes no form that another page sent.
4. It loads nothing and runs no script, and tells the browser to run none.
"""

import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import parse_qs

from bitstamp_ledger._page import AskedPair, MadeHere, ReviewPage, plain
from bitstamp_ledger.cli._questions import Review
from bitstamp_ledger.errors import BitstampLedgerError, MissingExtraError
from bitstamp_ledger.reconcile import Verdict

try:
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.base import BaseHTTPMiddleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
    from starlette.routing import Route
    from uvicorn import Config, Server
except ModuleNotFoundError:
    raise MissingExtraError("A review in the browser", extra="sandbox") from None

LOOPBACK: Final = "127.0.0.1"
TOKEN_BYTES: Final = 32
BODY_MAX: Final = 16 * 1024
SHOWN_MAX: Final = 20
"""So many questions at once; more would be scrolled over."""

_TITLE: Final = "Review"
_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_Next = Callable[[Request], Awaitable[Response]]


class _Desk:
    """Answers the requests of one page."""

    def __init__(self, review: Review, token: str, end: Callable[[], None]) -> None:
        self._review = review
        self._token = token.encode()
        self._end = end
        self._notice = ""

    async def show(self, request: Request) -> Response:  # noqa: ARG002 - the form of an endpoint
        """Show what is open."""
        questions = self._review.open()
        notice, self._notice = self._notice, ""
        return _page(
            ReviewPage(
                title=_TITLE,
                subject=(
                    "Are these two one event? Each answer is written into the ledger at once, "
                    f"as said by {plain(self._review.author or 'nobody in particular')}."
                ),
                notice=notice,
                open=len(questions),
                questions=tuple(
                    AskedPair(key=each.key, shown=each.shown, can_be_decided=each.can_be_decided)
                    for each in questions[:SHOWN_MAX]
                ),
                made=tuple(
                    MadeHere(
                        numbers=" ".join(str(each.id) for each in made),
                        text=f"{_said(verdict)}: {question.shown.text}",
                    )
                    for question, verdict, made in self._review.made
                ),
            )
        )

    async def decide(self, request: Request) -> Response:
        """Write an answer down."""
        form = await _form(request)
        if form.get("verdict") not in {each.value for each in Verdict}:
            return _refused("The form is not one of this page.", 400)
        verdict = Verdict(form["verdict"])
        try:
            made = self._review.answer(form.get("key", ""), verdict, form.get("reason"))
        except BitstampLedgerError as problem:
            self._notice = f"{problem.args[0]} {problem.hint or ''}".strip()
        else:
            numbers = ", ".join(str(each.id) for each in made)
            self._notice = f"Decision {numbers}: {_said(verdict).lower()}."
        return _back()

    async def undo(self, request: Request) -> Response:
        """Take back what was decided on this page."""
        wanted = (await _form(request)).get("decision", "")
        for _, _, made in list(self._review.made):
            if " ".join(str(each.id) for each in made) == wanted:
                self._notice = f"Decision {wanted} is undone."
                try:
                    for each in made:
                        self._review.undo(each.id)
                except BitstampLedgerError as problem:
                    self._notice = str(problem.args[0])
        return _back()

    async def end(self, request: Request) -> Response:  # noqa: ARG002 - the form of an endpoint
        """Say good-bye, and stop."""
        left = len(self._review.open())
        self._end()
        decided = len(self._review.made)
        return _page(
            ReviewPage(
                title=_TITLE,
                subject=f"Ended. Decided: {decided:,}; still open: {left:,}. Close this page.",
                ended=True,
            )
        )

    async def guard(self, request: Request, answer: _Next) -> Response:
        """Let in who knows the token and comes from this page itself; say little to others."""
        own = f"http://{request.headers.get('host', '')}"
        parts = request.url.path.split("/")
        if len(parts) < 3 or not secrets.compare_digest(parts[1].encode(), self._token):  # noqa: PLR2004
            response: Response = _refused("There is nothing here.", 404)
        elif request.headers.get("origin", own) != own:
            response = _refused("Another page sent this.", 403)
        else:
            response = await answer(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response


def application(review: Review, token: str, end: Callable[[], None]) -> Starlette:
    """Return the page as an ASGI application.

    Args:
        review: what is asked, and where answers go.
        token: what the path begins with.
        end: called when the person has finished.
    """
    desk = _Desk(review, token, end)
    return Starlette(
        routes=[
            Route("/{token}/", desk.show, methods=["GET"]),
            Route("/{token}/decide", desk.decide, methods=["POST"]),
            Route("/{token}/undo", desk.undo, methods=["POST"]),
            Route("/{token}/end", desk.end, methods=["POST"]),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=[LOOPBACK, "localhost"]),
            Middleware(BaseHTTPMiddleware, dispatch=desk.guard),
        ],
    )


def serve(review: Review, *, announce: Callable[[str], None]) -> None:
    """Serve the page until its last button is pressed, or Ctrl-C.

    Args:
        review: what is asked, and where answers go.
        announce: called with the address once it can be opened.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    server: Server

    def end() -> None:
        server.should_exit = True

    with socket.create_server((LOOPBACK, 0)) as listener:
        server = Server(
            Config(
                application(review, token, end),
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,  # An access log would hold the token.
                access_log=False,
                proxy_headers=False,
                server_header=False,
            )
        )
        # The socket listens already: whoever is quicker than the server waits in its queue.
        announce(f"http://{LOOPBACK}:{listener.getsockname()[1]}/{token}/")
        server.run(sockets=[listener])


async def _form(request: Request) -> Mapping[str, str]:
    """Return the fields of a form; none of one that is too long to be ours."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY_MAX:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    return {name: values[0] for name, values in fields.items()}


def _page(page: ReviewPage) -> Response:
    from bitstamp_ledger._page._render import render_review  # noqa: PLC0415 - needs the extra report

    text, policy = render_review(page)
    return HTMLResponse(text, headers={"Content-Security-Policy": policy})


def _back() -> Response:
    return RedirectResponse("./", status_code=303)


def _refused(text: str, status: int) -> Response:
    return PlainTextResponse(text, status_code=status)


def _said(verdict: Verdict) -> str:
    return "One event" if verdict is Verdict.CONFIRM else "Two events"
