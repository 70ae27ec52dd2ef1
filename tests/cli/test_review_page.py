"""The page for decisions: over HTTP, in a browser, and against those who should not reach it."""

import re
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import attrs
import httpx
import pytest

pytest.importorskip("sqlalchemy", reason="a ledger that is kept needs the extra ledger")
pytest.importorskip("starlette", reason="the page needs the extra sandbox")
pytest.importorskip("jinja2", reason="the page needs the extra report")

from bitstamp_ledger.cli._questions import Review
from bitstamp_ledger.cli._review_page import serve
from bitstamp_ledger.ledger import DecisionKind, Ledger
from tests.cli.test_review import a_ledger

CHROMIUM = shutil.which("chromium")


@attrs.define
class Served:
    """A page that is being served, by a thread of its own."""

    url: str
    place: Path
    thread: threading.Thread

    def decisions(self) -> list[DecisionKind]:
        with Ledger.open(self.place) as ledger:
            return [each.kind for each in ledger.decisions()]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    a_ledger(tmp_path).close()
    urls: list[str] = []
    ready = threading.Event()

    def announce(url: str) -> None:
        urls.append(url)
        ready.set()

    def work() -> None:
        with Ledger.open(tmp_path / "l.db") as ledger:
            serve(Review(ledger, "Ada"), announce=announce)

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(20)
    yield Served(urls[0], tmp_path / "l.db", thread)
    if thread.is_alive():
        httpx.post(f"{urls[0]}end", trust_env=False)
    thread.join(20)
    assert not thread.is_alive()


@pytest.fixture
def http(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, trust_env=False, follow_redirects=True) as client:
        yield client


def keys(page: str) -> list[str]:
    return re.findall(r'name="key" value="([0-9a-f]+)"', page)


def test_decide_undo_and_end(served: Served, http: httpx.Client) -> None:
    """The whole way over HTTP; every answer is in the ledger before the page shows it."""
    page = http.get("").text
    key, *others = keys(page)
    assert len(others) == 2
    said = http.post("decide", data={"key": key, "verdict": "confirm", "reason": "same day"}).text
    assert "Decision 1: one event." in said
    assert keys(said) == others
    with Ledger.open(served.place) as ledger:
        (made,) = ledger.decisions()
    assert (made.author, made.reason) == ("Ada", "same day")
    again = http.post("decide", data={"key": key, "verdict": "reject", "reason": ""}).text
    assert "no longer open" in again
    assert keys(http.post("undo", data={"decision": "1"}).text) == [key, *others]
    assert "Ended. Decided: 0; still open: 3." in http.post("end").text
    served.thread.join(20)
    assert not served.thread.is_alive()


def test_it_listens_on_loopback_only(served: Served) -> None:
    """No other machine can reach it."""
    address = urlsplit(served.url)
    assert address.hostname == "127.0.0.1"
    assert len(address.path.strip("/")) >= 43
    # Another address of loopback is not even listened on, let alone one of the network.
    with socket.socket() as other:
        assert other.connect_ex(("127.0.0.2", address.port or 0)) != 0


def test_without_the_token_there_is_nothing(served: Served, http: httpx.Client) -> None:
    """For any method; nor does it tell that something is near."""
    address = urlsplit(served.url)
    for path in ("/", "/x/", "/x/decide", "/docs", "//", "/favicon.ico"):
        for method in ("GET", "POST"):
            reply = http.request(method, f"http://{address.netloc}{path}")
            assert (reply.status_code, reply.text) == (404, "There is nothing here.")
    almost = served.url[:-2] + ("A/" if served.url[-2] != "A" else "B/")
    assert http.get(almost).status_code == 404
    assert served.decisions() == []


def test_a_foreign_name_is_not_answered_to(served: Served, http: httpx.Client) -> None:
    """DNS rebinding: an enemy's name that points here would make his page one of ours."""
    for name in ("evil.example", "127.0.0.1.evil.example:80", ""):
        assert http.get(served.url, headers={"Host": name}).status_code == 400


def test_a_form_of_another_page_is_refused(served: Served, http: httpx.Client) -> None:
    """Even with the token; and reading changes nothing."""
    form = {"key": keys(http.get("").text)[0], "verdict": "confirm", "reason": ""}
    for origin in ("https://evil.example", "null"):
        assert http.post("decide", data=form, headers={"Origin": origin}).status_code == 403
    assert http.get("decide", params=form).status_code == 405
    assert http.post("decide", data={**form, "verdict": "perhaps"}).status_code == 400
    assert http.post("decide", data={**form, "reason": "x" * 20_000}).status_code == 400
    assert served.decisions() == []


def test_it_loads_nothing_runs_nothing_and_cannot_be_framed(http: httpx.Client) -> None:
    """The policy is sent, not only written into the page; nothing is stored on the way."""
    reply = http.get("")
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert "script" not in policy
    assert "<script" not in reply.text
    assert not re.search(r"<[^>]*\s(?:src|href)=|url\(", reply.text)
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["referrer-policy"] == "same-origin"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "&lt;img src=x onerror=alert(3)&gt;" in reply.text


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_in_a_browser(served: Served) -> None:
    """A person decides, gives a reason, takes it back, and ends; axe finds nothing to blame."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not there")
    noise: list[str] = []
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(bypass_csp=True)  # Only for axe, which is a script.
        page.goto(served.url)
        found = axe.Axe().run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
        page.close()
        page = browser.new_page()
        page.on("console", lambda said: noise.append(said.text))
        page.on("request", lambda sent: noise.append(sent.url))
        page.goto(served.url)
        first = page.locator("article").first
        first.get_by_label("Why").fill("<b>seen</b>")
        first.get_by_role("button", name="Two events").click()
        assert page.get_by_role("status").inner_text() == "Decision 1: two events."
        assert page.locator("article").count() == 2
        assert page.locator("b").count() == 0
        page.get_by_role("button", name="Undo").click()
        assert page.locator("article").count() == 3
        page.get_by_role("button", name="End the review").click()
        page.get_by_text("Ended.").wait_for()
        browser.close()
    assert [url for url in noise if not url.startswith(served.url)] == []
    assert served.decisions() == [DecisionKind.REJECT, DecisionKind.UNDO]
