"""What comes in and what goes out, without any HTTP library."""

import urllib.parse
from collections.abc import Mapping
from typing import Final

import attrs
import msgspec

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
HTML: Final = "text/html"

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_TITLES: Final[Mapping[int, str]] = {
    200: "Please wait while your request is being checked",
    403: "Request unsuccessful",
    404: "404 Not Found",
    500: "Server Error (500)",
    502: "502 Bad Gateway",
}


@attrs.frozen(kw_only=True)
class Call:
    """One request as it came over the wire."""

    method: str
    path: str
    query: str = ""
    """Raw, without the question mark."""

    host: str = ""
    """As in the Host header, with the port."""

    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    """Names in lower case."""

    body: bytes = attrs.field(default=b"", repr=False)

    @property
    def parameters(self) -> dict[str, str]:
        """Names and values of the query, the form or the JSON object; the last of twins wins."""
        found = dict(urllib.parse.parse_qsl(self.query, keep_blank_values=True))
        if self.headers.get("content-type") == JSON:
            return found | _json_parameters(self.body)
        body = self.body.decode("utf-8", "replace")
        return found | dict(urllib.parse.parse_qsl(body, keep_blank_values=True))


@attrs.frozen(kw_only=True)
class Reply:
    """One answer, before it is signed."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


def _json_parameters(body: bytes) -> dict[str, str]:
    try:
        fields = msgspec.json.decode(body or b"{}")
    except msgspec.DecodeError:
        return {}
    if not isinstance(fields, dict):
        return {}
    return {name: str(value) for name, value in fields.items() if value is not None}


def json_reply(content: object, status: int = 200) -> Reply:
    """Return ``content`` as JSON."""
    return Reply(status=status, body=_ENCODER.encode(content))


def rows_reply(rows: list[bytes]) -> Reply:
    """Return a JSON array of rows that are encoded already."""
    return Reply(body=b"[" + b", ".join(rows) + b"]")


def html_reply(status: int) -> Reply:
    """Return a page as the edge in front of the exchange sends it."""
    title = _TITLES.get(status, f"{status} Service Unavailable")
    page = f"<html>\n<head><title>{title}</title></head>\n<body><h1>{title}</h1></body>\n</html>\n"
    return Reply(status=status, body=page.encode(), content_type=HTML)
