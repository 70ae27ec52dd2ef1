"""No entry of a run overwrites another: repeats are skipped, contradictions kept side by side."""

import attrs

from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks._row import content_digest


class Identities:
    """The ids of one run, each with a digest of what was stated under it.

    Costs about 150 bytes an entry: without a memory of all ids nobody can know a repeat.
    """

    def __init__(self) -> None:
        self._digests: dict[str, bytes] = {}
        self.repeats = 0
        self.conflicts = 0

    def admit(self, entry: Entry) -> Entry | None:
        """Return ``entry``, under an id that no other content has; None for a repeat.

        An entry whose id came before with other content gets the id ``<id>~<digest>``.

        Raises:
            ValueError: a text is no valid Unicode.
        """
        digest = content_digest(entry)
        name = entry.id
        while (stored := self._digests.get(name)) is not None:
            if stored.hex() == digest:
                self.repeats += 1
                return None
            name = f"{name}~{digest}"
        self._digests[name] = bytes.fromhex(digest)
        if name == entry.id:
            return entry
        self.conflicts += 1
        return attrs.evolve(entry, id=name)
