"""JSON Lines: one JSON object a line, everything that an entry states, numbers exact as text.

Every line has the same keys, in this order; what is not stated, or what the kind does not have,
is null.  Schema 1:

=================  ================================================================
``schema``         1; raised when a key changes its meaning
``id``, ``kind``   text
``time``           ISO 8601, UTC, six decimals: ``2024-03-01T00:41:37.512000Z``
``account``        text
``transaction_id`` integer
``order_id``       integer
``self_trade``     true or false
``side``           ``buy`` or ``sell``
``base``           ``{"currency", "value"}``, unsigned; trades only
``quote``          as ``base``
``price``          text
``legs``           a list of ``{"currency", "value"}``, signed, without the fee
``fee``            ``{"currency", "value"}``
``counterparty``   text; transfers only
``code``           text: the type as the source states it
``reason``         text: why it was not understood; unknown entries only
``source``         ``{"endpoint", "path", "row", "precision"}``
``raw``            the record as received; numbers with a fraction as text, keys sorted
``annotation``     ``{"label", "note", "price"}``: what a person said, only where anything was
                   said; its price is ``{"currency", "value"}``, the currency null if not said
=================  ================================================================

`json_schema` returns the same as a JSON Schema, which ships with the package as ``entry.v1.json``.

``value`` and ``price`` are text without an exponent: a JSON number would pass through a float in
most readers.  ``source.precision`` says how exact the row of a file is; its ``time_step_us`` is in
microseconds.
"""

import os
from importlib import resources
from typing import ClassVar

import msgspec

from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks._annotations import Annotations
from bitstamp_ledger.sinks._contract import Batch, Capabilities, Receipt
from bitstamp_ledger.sinks._file_sink import FileSink
from bitstamp_ledger.sinks._row import json_line


class JsonLinesSink(FileSink):
    """Writes one JSON object per entry, UTF-8, each line ended by a line feed."""

    name: ClassVar[str] = "jsonl"
    capabilities = Capabilities(annotations=True, decimals="text")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self._said: Annotations = {}

    def write(self, batch: Batch) -> Receipt:
        """Add the entries of ``batch``, or none of them."""
        self._said = batch.annotations or {}
        return super().write(batch)

    def _head(self) -> bytes:
        return b""

    def _encoded(self, entry: Entry) -> bytes:
        return json_line(entry, self._said.get(entry.id))


def json_schema() -> dict[str, object]:
    """Return the JSON Schema (2020-12) that every line keeps."""
    text = resources.files("bitstamp_ledger.sinks").joinpath("entry.v1.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, object])
