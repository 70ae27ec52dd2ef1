"""Anyone's text in one line: for people, or so that a program has it back.

Names of accounts and identities can hold any text.  Notes and tags cannot.
"""

import re
from typing import Final
from urllib.parse import quote

# Beside what begins, ends or separates a value in a note or a tag: space at an edge, or a second
# one, which programs remove; and the sign by which all of these are written.
_unsafe: Final = re.compile(r"[%;,\[\]]|^ | $|(?<= ) ")


def plain(text: str) -> str:
    """Return ``text`` in one line of valid Unicode, without what only a terminal understands."""
    valid = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return " ".join("".join(char if char.isprintable() else " " for char in valid).split())


def escaped(text: str) -> str:
    """Return ``text`` in one line, so that no two texts become one.

    Ordinary text stays as it is.  What a note or a tag cannot hold is written as in addresses
    (``%20``): ``urllib.parse.unquote(..., errors="surrogatepass")`` has it back.
    """
    safe = _unsafe.sub(lambda found: f"%{ord(found[0]):02X}", text)
    if safe.isprintable():
        return safe
    return "".join(
        char if char.isprintable() else quote(char, errors="surrogatepass") for char in safe
    )
