"""No entry of a run overwrites another: repeats are skipped, contradictions kept side by side."""

import sqlite3
from typing import Final

import attrs

from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks._row import content_bytes, content_digest, content_hash

IN_MEMORY_MAX: Final = 100_000
"""So many ids take some 15 MB; a longer history continues in a file."""

_FILTER_BITS: Final = 2**26
"""Eight megabytes: of a million ids in the file, one new id in seventy is looked for in vain."""


class Identities:
    """The ids of one run, each with a hash of what was stated under it.

    Without a memory of all ids nobody can know a repeat.  The latest are held here, the others in a
    file without a name that SQLite makes and removes by itself.  A bit for each id in the file says
    that a new one is not there, which is what nearly all are: the file is hardly ever asked.

    Args:
        in_memory_max: how many ids may be held here.
    """

    def __init__(self, *, in_memory_max: int = IN_MEMORY_MAX) -> None:
        self._in_memory_max = in_memory_max
        self._contents: dict[str, int] = {}
        self._file: sqlite3.Connection | None = None
        self._chunks = 0
        self._find = ""
        self._bits = bytearray()
        self.repeats = 0
        self.conflicts = 0

    def admit(self, entry: Entry, *, is_valid: bool = False) -> Entry | None:
        """Return ``entry``, under an id that no other content has; None for a repeat.

        An entry whose id came before with other content gets the id ``<id>~<digest>``.

        Args:
            entry: the entry.
            is_valid: `content_bytes` has taken it.

        Raises:
            ValueError: a text is no valid Unicode.
        """
        if not is_valid:
            content_bytes(entry)
        content = content_hash(entry)
        name = entry.id
        while (stored := self._content_of(name)) is not None:
            if stored == content:
                self.repeats += 1
                return None
            name = f"{name}~{content_digest(entry)}"
        self._contents[name] = content
        if len(self._contents) >= self._in_memory_max:
            self._move_to_file()
        if name == entry.id:
            return entry
        self.conflicts += 1
        return attrs.evolve(entry, id=name)

    def knows(self, entry_id: str) -> bool:
        """Say whether an entry was admitted under this id."""
        return self._content_of(entry_id) is not None

    def forget(self) -> None:
        """Drop all ids; the counts stay."""
        self._contents.clear()
        self._bits = bytearray()
        self._chunks = 0
        if self._file is not None:
            self._file.close()
            self._file = None

    def _content_of(self, name: str) -> int | None:
        if (content := self._contents.get(name)) is not None or self._file is None:
            return content
        bit = hash(name) % _FILTER_BITS
        if not self._bits[bit >> 3] >> (bit & 7) & 1:
            return None
        row = self._file.execute(self._find, (name,)).fetchone()
        return None if row is None else int(row[0])

    def _move_to_file(self) -> None:
        if self._file is None:
            # Entries may be written from one thread and the run ended from another.
            self._file = sqlite3.connect("", check_same_thread=False, isolation_level=None)
            self._file.execute("PRAGMA journal_mode = OFF")
            self._file.execute(
                "CREATE TABLE seen (chunk INTEGER, id TEXT, content INTEGER NOT NULL, "
                "PRIMARY KEY (chunk, id)) WITHOUT ROWID"
            )
            self._bits = bytearray(_FILTER_BITS // 8)
        # Each time behind what is there: among the others, every id would touch a page of its own.
        insertion = f"INSERT INTO seen VALUES ({self._chunks}, ?, ?)"  # noqa: S608 - a number
        self._file.execute("BEGIN")
        names = sorted(self._contents)  # Texts alone: pairs take several times as long to sort.
        self._file.executemany(insertion, zip(names, map(self._contents.get, names), strict=True))
        self._file.execute("COMMIT")
        self._chunks += 1
        chunks = ", ".join(map(str, range(self._chunks)))
        self._find = f"SELECT content FROM seen WHERE chunk IN ({chunks}) AND id = ?"  # noqa: S608 - numbers
        bits = self._bits
        for name in names:
            bit = hash(name) % _FILTER_BITS
            bits[bit >> 3] |= 1 << (bit & 7)
        self._contents.clear()
