"""Delta: the older and the newer import file.

Facts: docs/facts/files.md, "Delta".
"""

from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.files._entries import DEPOSIT, TRADE, WITHDRAWAL, labels
from bitstamp_ledger.files._format import Shape, StatementFormat
from bitstamp_ledger.files._named_columns import (
    NamedColumns,
    NamedLayout,
    Place,
    Way,
    named_reader,
)
from bitstamp_ledger.files._sent_received import AS_MADE, AS_MADE_NOTE, ZERO_FEE_NOTE
from bitstamp_ledger.files._statement import ZoneBasis

_ENDS: Final = ("Sent/Received from", "Sent to")
_KINDS: Final = labels(
    {
        TRADE: "buy, sell",
        DEPOSIT: "deposit",
        WITHDRAWAL: "withdraw, withdrawal",
    }
)
_WAYS: Final = MappingProxyType(
    {
        "buy": Way.IN,
        "deposit": Way.IN,
        "sell": Way.OUT,
        "withdraw": Way.OUT,
        "withdrawal": Way.OUT,
    }
)
_NOTES: Final = (
    AS_MADE_NOTE,
    ZERO_FEE_NOTE,
    "A time without an offset is in the zone of the device that wrote it.",
)

OLD: Final = StatementFormat(
    name="delta-old",
    title="Delta, older file",
    shapes=(
        Shape(
            required=(
                *("Date", "Type", "Exchange", "Base amount", "Base currency", "Quote amount"),
                *("Quote currency", "Fee", "Fee currency"),
            ),
            optional=frozenset(
                {
                    "Costs/Proceeds",
                    "Costs/Proceeds currency",
                    "Sync Holdings",
                    "Sent/Received from",
                    "Sent to",
                    "Notes",
                }
            ),
        ),
    ),
    precision=attrs.evolve(AS_MADE, orientation_open=False),
    zone=ZoneBasis.ASSUMED,
    notes=_NOTES,
    read=named_reader(
        NamedLayout(
            columns=NamedColumns(
                time=("Date",),
                label="Type",
                base=Place(amount="Base amount", currency="Base currency"),
                quote=Place(amount="Quote amount", currency="Quote currency"),
                fee=Place(amount="Fee", currency="Fee currency"),
                exchange=("Exchange", *_ENDS),
                ends=_ENDS,
            ),
            kinds=_KINDS,
            ways=_WAYS,
            transfers=frozenset({"transfer"}),
        )
    ),
)

NEW: Final = StatementFormat(
    name="delta-new",
    title="Delta",
    shapes=(
        Shape(
            required=(
                *("Date", "Way", "Base amount", "Base currency (name)", "Quote amount"),
                *("Quote currency", "Exchange", "Fee amount", "Fee currency (name)"),
            ),
            optional=frozenset({"Base type", "Sent/Received from", "Sent to", "Broker", "Notes"}),
        ),
    ),
    precision=attrs.evolve(AS_MADE, orientation_open=False),
    zone=ZoneBasis.ASSUMED,
    notes=_NOTES,
    read=named_reader(
        NamedLayout(
            columns=NamedColumns(
                time=("Date",),
                label="Way",
                base=Place(amount="Base amount", currency="Base currency (name)"),
                quote=Place(amount="Quote amount", currency="Quote currency"),
                fee=Place(amount="Fee amount", currency="Fee currency (name)"),
                exchange=("Exchange", *_ENDS),
                ends=_ENDS,
            ),
            kinds=_KINDS,
            ways=_WAYS,
            transfers=frozenset({"transfer"}),
        )
    ),
)
