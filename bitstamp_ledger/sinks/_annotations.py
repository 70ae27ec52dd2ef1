"""What a person said about an entry, beside what the entry states."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias

import attrs
import msgspec

from bitstamp_ledger.model import Amount


@attrs.frozen(kw_only=True)
class EntryAnnotation:
    """A person's word on one entry; None where nothing was said."""

    label: str | None = None
    note: str | None = None

    price: Decimal | Amount | None = None
    """What one unit was worth to that person; with a currency where one was said."""

    @property
    def price_value(self) -> Decimal | None:
        """The number of the price, without the currency that it may state."""
        return self.price.value if isinstance(self.price, Amount) else self.price

    @property
    def price_currency(self) -> str | None:
        """Its currency, if one was said."""
        return self.price.currency if isinstance(self.price, Amount) else None


Annotations: TypeAlias = Mapping[str, EntryAnnotation]
"""By the id of the entry."""


def annotations_bytes(annotations: Annotations) -> bytes:
    """Write them, the same bytes on every machine."""
    return _encode(annotations)


_encode = msgspec.json.Encoder(order="deterministic").encode
