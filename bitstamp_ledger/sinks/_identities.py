"""No entry of a run overwrites another: repeats are skipped, contradictions kept side by side."""

import sqlite3
from typing import Final

import attrs

from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks._row import content_bytes, content_digest, content_hash

IN_MEMORY_MAX: Final = 100_000
"""So many ids take some 15 MB; a longer history continues in a file."""


class Identities:
    """The ids of one run, each with a hash of what was stated under it.

    Without a memory of all ids nobody can know a repeat.  The latest are held here, the others in a
    file without a name that SQLite makes and removes by itself.

    Args:
        in_memory_max: how many ids may be held here.
    """

    def __init__(self, *, in_memory_max: int = IN_MEMORY_MAX) -> None:
        self._in_memory_max = in_memory_max
        self._contents: dict[str, int] = {}
        self._file: sqlite3.Connection | None = None
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
        if self._file is not None:
            self._file.close()
            self._file = None

    def _content_of(self, name: str) -> int | None:
        if (content := self._contents.get(name)) is not None or self._file is None:
            return content
        row = self._file.execute("SELECT content FROM seen WHERE id = ?", (name,)).fetchone()
        return None if row is None else int(row[0])

    def _move_to_file(self) -> None:
        if self._file is None:
            # Entries may be written from one thread and the run ended from another.
            self._file = sqlite3.connect("", check_same_thread=False, isolation_level=None)
            self._file.execute("PRAGMA journal_mode = OFF")
            self._file.execute(
                "CREATE TABLE seen (id TEXT PRIMARY KEY, content INTEGER NOT NULL) WITHOUT ROWID"
            )
        self._file.execute("BEGIN")
        self._file.executemany("INSERT INTO seen VALUES (?, ?)", sorted(self._contents.items()))
        self._file.execute("COMMIT")
        self._contents.clear()
