"""Keeps passwords out of what people see: foreign errors repeat addresses and settings."""

import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import parse_qsl, unquote

MASK: Final = "***"

_WORD: Final = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secret\w*|token|credentials?"
    r"|(?:api|access|private|signing)[_-]?key|authorization|signature|sig)"
)
_SECRET_NAME: Final = re.compile(rf"(?:^|_){_WORD}$", re.IGNORECASE)
_PATTERNS: Final = (
    (re.compile(r"(://[^\s/?#@:]*:)[^\s/]*@"), rf"\1{MASK}@"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]+", re.IGNORECASE), rf"\1 {MASK}"),
    (
        re.compile(
            rf"(\b{_WORD}[\"']?\s*[=:]\s*)(?!\s*(?:bearer|basic)\b)"
            r"""(?:'[^']*'|"[^"]*"|[^\s"',;&)]+)""",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
)
_SHORTEST: Final = 3
"""Shorter ones would leave holes in every word, and tell by them what they are."""


def secrets_in(options: Mapping[str, object]) -> tuple[str, ...]:
    """Return the secrets among the options of a sink, longest first."""
    found = {
        secret
        for name, value in options.items()
        if isinstance(value, str)
        for secret in _secrets_of(name, value)
        if len(secret) >= _SHORTEST
    }
    return tuple(sorted(found, key=len, reverse=True))


def _secrets_of(name: str, value: str) -> Iterator[str]:
    if _SECRET_NAME.search(name):
        yield value
    _, separator, rest = value.partition("://")
    if not separator:
        return
    user, at, _ = rest.rpartition("@")
    _, colon, password = user.partition(":")
    if at and colon:
        yield password
        yield unquote(password)
    for key, stated in parse_qsl(rest.partition("?")[2]):
        if _SECRET_NAME.search(key):
            yield stated


def masked(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return ``text`` without the secrets, and without what looks like one."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def tells(error: BaseException, secrets: tuple[str, ...] = ()) -> bool:
    """Say whether a secret stands in an error, in its notes, or in what it came from."""
    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        each = todo.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        todo += (each.__cause__, each.__context__)
        texts = (str(each), *map(repr, each.args), *getattr(each, "__notes__", ()))
        if any(masked(text, secrets) != text for text in texts):
            return True
    return False
