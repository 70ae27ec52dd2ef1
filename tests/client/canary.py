"""A secret that must be found nowhere, and the search for it in all its disguises."""

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

KEY = "CanaryKeyB7dTqWm3XzLr9PsVn5GhJk2"
SECRET = "CanarySecret+Qx7/Vz3=%Jw9&Kd2Lm5Ht8Rf4"
"""With characters that change when a text is encoded for an address, a page or JSON."""

FRAGMENT_LENGTH = 12
"""Half a secret is a leak too; a text that is cut short shows its beginning or its end."""

_BLANK = re.compile(rb"\s+|\xe2\x94\x82|\x1b\[[0-9;]*m")
"""Blanks, the frame around a traceback (a vertical line), and colours."""


def forms_of(secret: str) -> dict[str, bytes]:
    """Return what a secret looks like after whatever a program may do to it before printing."""
    raw = secret.encode()
    forms = {
        "plain": raw,
        "its first half": raw[:FRAGMENT_LENGTH],
        "its second half": raw[-FRAGMENT_LENGTH:],
        "reversed": raw[::-1],
        "swapped case": secret.swapcase().encode(),
        "upper case": secret.upper().encode(),
        "lower case": secret.lower().encode(),
        "hex": raw.hex().encode(),
        "upper hex": raw.hex().upper().encode(),
        "spaced hex": raw.hex(" ").encode(),
        "quoted": quote(secret, safe="").encode(),
        "quoted but for slashes": quote(secret).encode(),
        "quoted as a form": quote_plus(secret).encode(),
        "escaped for a page": html.escape(secret).encode(),
        "escaped for JSON": secret.replace("/", "\\/").encode(),
        "UTF-16, little end first": secret.encode("utf-16-le"),
        "UTF-16, big end first": secret.encode("utf-16-be"),
        "UTF-32, little end first": secret.encode("utf-32-le"),
        "UTF-32, big end first": secret.encode("utf-32-be"),
        "a list of numbers": ", ".join(str(byte) for byte in raw).encode(),
        "base 32": base64.b32encode(raw).rstrip(b"="),
        "base 85": base64.b85encode(raw),
    }
    for name in ("md5", "sha1", "sha256", "sha512"):
        forms[name] = hashlib.new(name, raw, usedforsecurity=False).hexdigest().encode()
    for shift in range(3):  # The text around it decides at which third of a group it begins.
        encoded = base64.b64encode(b"\0" * shift + raw)
        inner = encoded[4 if shift else 0 : -4]
        forms[f"base 64, shifted by {shift}"] = inner
        forms[f"base 64 for addresses, shifted by {shift}"] = inner.translate(
            bytes.maketrans(b"+/", b"-_")
        )
    return forms


def found_in(content: bytes, needles: Mapping[str, bytes]) -> Iterator[str]:
    """Yield the names of the needles that stand in ``content``, however its lines are broken."""
    joined = _BLANK.sub(b"", content)
    for name, needle in needles.items():
        if needle in content or _BLANK.sub(b"", needle) in joined:
            yield name


def written_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of every file, and every name as a content of its own."""
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        yield f"the name {name}", name.encode()
        if path.is_file():
            yield name, path.read_bytes()


def leaks_below(folder: Path, needles: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Return each file with each needle that stands in it."""
    return [
        (name, needle)
        for name, content in written_below(folder)
        for needle in found_in(content, needles)
    ]


def named(values: Iterable[str], what: str) -> dict[str, bytes]:
    """Return needles of one kind."""
    return {f"{what} {value[:8]}…": value.encode() for value in values if value}
