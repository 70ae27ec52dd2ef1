"""Waltio's import layout, with or without the columns that it gained later.

Facts: docs/facts/files.md, "Waltio".
"""

from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.files._clock import DateOrder
from bitstamp_ledger.files._entries import DEPOSIT, REWARD, STAKING, TRADE, WITHDRAWAL, labels
from bitstamp_ledger.files._format import Shape, StatementFormat
from bitstamp_ledger.files._sent_received import (
    AS_MADE,
    AS_MADE_NOTE,
    ZERO_FEE_NOTE,
    Field,
    SentReceived,
    reader,
)
from bitstamp_ledger.files._statement import ZoneBasis

LAYOUT: Final = SentReceived(
    columns=MappingProxyType(
        {
            Field.LABEL: ("Type",),
            Field.TAG: ("Label",),
            Field.TIME: ("Date",),
            Field.ZONE: ("Fuseau horaire",),
            Field.RECEIVED: ("Montant reçu", "Montant recu"),
            Field.RECEIVED_CODE: ("Monnaie ou jeton reçu", "Monnaie ou jeton recu"),
            Field.SENT: ("Montant envoyé", "Montant envoye"),
            Field.SENT_CODE: ("Monnaie ou jeton envoyé", "Monnaie ou jeton envoye"),
            Field.FEE: ("Frais",),
            Field.FEE_CODE: ("Monnaie ou jeton des frais",),
            Field.EXCHANGE: ("Exchange / Plateforme",),
            Field.ID: ("ID Externe",),
        }
    ),
    labels=labels(
        {
            DEPOSIT: "dépôt, depôt, dépot, depot, deposit",
            WITHDRAWAL: "retrait, withdrawal",
            TRADE: "échange, echange, exchange, trade",
        }
    ),
    tags=labels(
        {
            REWARD: "staking reward, récompense, récompense de staking, reward, cashback, intérêts",
            STAKING: "mise en staking, retrait de staking",
        }
    ),
    date_order=DateOrder.DAY_FIRST,
)

_ACCENTED: Final = (
    *("Montant reçu", "Monnaie ou jeton reçu"),
    *("Montant envoyé", "Monnaie ou jeton envoyé"),
)
_PLAIN: Final = tuple(name.translate(str.maketrans("çé", "ce")) for name in _ACCENTED)

FORMAT: Final = StatementFormat(
    name="waltio",
    title="Waltio import layout",
    shapes=tuple(
        Shape(
            required=("Type", "Date", *amounts),
            optional=frozenset(
                {
                    *("Fuseau horaire", "Frais", "Monnaie ou jeton des frais"),
                    *("Exchange / Plateforme", "Description", "Label"),
                    *("Adresse", "Transaction hash", "ID Externe"),
                }
            ),
            # Their spelling varies: "recu" is without its cedilla where the others have it.
            patterns=(r"Prix du jeton .*",),
        )
        for amounts in (_ACCENTED, _PLAIN)
    ),
    precision=attrs.evolve(AS_MADE, exchange_ids=True),
    zone=ZoneBasis.DOCUMENTED,
    notes=(AS_MADE_NOTE, ZERO_FEE_NOTE),
    read=reader(LAYOUT),
)
