"""Divly's template: date and time of day in two columns.

Facts: docs/facts/files.md, "Coinpanda and Divly".
"""

from typing import Final

from bitstamp_ledger.files._format import Shape, StatementFormat
from bitstamp_ledger.files._named_columns import (
    NamedColumns,
    NamedLayout,
    Place,
    named_reader,
)
from bitstamp_ledger.files._sent_received import (
    AS_MADE,
    AS_MADE_NOTE,
    NO_EXCHANGE_NOTE,
    ZERO_FEE_NOTE,
)
from bitstamp_ledger.files._statement import ZoneBasis
from bitstamp_ledger.files.coinpanda import TAGS, TYPES

FORMAT: Final = StatementFormat(
    name="divly",
    title="Divly template",
    shapes=(
        Shape(
            required=(
                *("date", "time (UTC)", "transaction_type", "sent_amount", "sent_currency"),
                *("received_amount", "received_currency", "fee_amount", "fee_currency"),
            ),
            optional=frozenset({"label", "custom_description", "tx_hash"}),
        ),
    ),
    precision=AS_MADE,
    zone=ZoneBasis.DOCUMENTED,
    notes=(AS_MADE_NOTE, ZERO_FEE_NOTE, NO_EXCHANGE_NOTE),
    read=named_reader(
        NamedLayout(
            columns=NamedColumns(
                time=("date", "time (UTC)"),
                label="transaction_type",
                tag="label",
                sent=Place(amount="sent_amount", currency="sent_currency"),
                received=Place(amount="received_amount", currency="received_currency"),
                fee=Place(amount="fee_amount", currency="fee_currency"),
            ),
            kinds=TYPES,
            tags=TAGS,
        )
    ),
)
