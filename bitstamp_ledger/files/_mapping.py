"""Tables that no format knows, read by the columns that the caller names.

A mapping is a flat table, as a dict or a TOML file:

    time = "Date"               # or ["Date", "Time"]
    pair = "Market"             # or amount_currency and total_currency
    side = "Side"
    amount = "Quantity"
    total = "Total"             # or price
    fee = "Fee"

Facts: docs/how-to/read-another-table.md tells every key.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

import attrs

from bitstamp_ledger.errors import StatementError
from bitstamp_ledger.files._clock import DateOrder, read_clock, read_epoch
from bitstamp_ledger.files._currencies import is_bitstamp
from bitstamp_ledger.files._entries import (
    CONVERSION,
    DEPOSIT,
    REWARD,
    STAKING,
    TRADE,
    UNLABELLED,
    WITHDRAWAL,
    Kinds,
)
from bitstamp_ledger.files._format import Shape, StatementFormat
from bitstamp_ledger.files._named_columns import (
    NamedColumns,
    NamedLayout,
    Place,
    Way,
    named_reader,
)
from bitstamp_ledger.files._sent_received import AS_MADE, NO_EXCHANGE_NOTE, ZERO_FEE_NOTE
from bitstamp_ledger.files._statement import ZoneBasis
from bitstamp_ledger.files._times import zone_of
from bitstamp_ledger.model import FeePlace

ColumnMapping: TypeAlias = Mapping[str, object] | str | os.PathLike[str]
"""A dict of keys and column names, or the path of a TOML file that holds them."""

NAME: Final = "mapping"

_COLUMNS: Final = (
    *("zone", "pair", "side", "type", "amount", "amount_currency", "total", "total_currency"),
    *("price", "sent", "sent_currency", "received", "received_currency", "fee", "fee_currency"),
    *("account", "id", "order_id"),
)
"""Keys that name one column."""

_LISTS: Final = ("time", "exchange")
"""Keys that name one column or several."""

_SETTINGS: Final = ("dates", "timezone", "fee_place", "words", "fixed", "exchange_names")
_KEYS: Final = (*_LISTS, *_COLUMNS, *_SETTINGS)

_DATES: Final = ("iso", "day-first", "month-first", "epoch")
_FIXED: Final = MappingProxyType(
    {
        "amount_currency": "base",
        "total_currency": "quote",
        "sent_currency": "sent",
        "received_currency": "received",
        "fee_currency": "fee",
    }
)

_WORDS: Final[Mapping[str, tuple[Kinds, Way]]] = MappingProxyType(
    {
        "buy": (TRADE, Way.IN),
        "sell": (TRADE, Way.OUT),
        "trade": (TRADE, Way.BY_SIGN),
        "convert": (CONVERSION, Way.BY_SIGN),
        "deposit": (DEPOSIT, Way.IN),
        "withdrawal": (WITHDRAWAL, Way.OUT),
        "reward": (REWARD, Way.IN),
        "staked": (STAKING, Way.OUT),
        "unstaked": (STAKING, Way.IN),
    }
)
"""What the words of a side or type column can be told to mean; each also means itself."""


@attrs.frozen(kw_only=True)
class Mapped:
    """A format made of a mapping, and the zone that the mapping names."""

    form: StatementFormat
    timezone: str | None
    date_order: DateOrder | None


def mapped(columns: ColumnMapping) -> Mapped:
    """Return the format that ``columns`` describes.

    Raises:
        StatementError: a key or a value is not right; the message names it.
    """
    table = _Table(_loaded(columns))
    words = table.words()
    kinds = {"": UNLABELLED} | {word: _WORDS[meaning][0] for word, meaning in words.items()}
    ways = {word: _WORDS[meaning][1] for word, meaning in words.items()}
    named = table.columns()
    dates = table.choice("dates", _DATES)
    order = DateOrder(dates) if dates in {"day-first", "month-first"} else None
    names = table.exchange_names()
    layout = NamedLayout(
        columns=named,
        kinds=kinds if named.label is not None else {"": UNLABELLED},
        ways=ways,
        tags={word: kind for word, kind in kinds.items() if word} if named.tag else {},
        tag_decides=True,
        read_clock=read_epoch if dates == "epoch" else read_clock,
        date_order=order,
        is_ours=(lambda name: name.strip().casefold() in names) if names else is_bitstamp,
        fixed=table.fixed(),
    )
    zone = table.text("timezone")
    if zone is not None:
        zone_of(zone)
    form = StatementFormat(
        name=NAME,
        title="a table whose columns the caller named",
        shapes=(Shape(required=table.all_columns(), others=True),),
        precision=attrs.evolve(
            AS_MADE,
            fee_place=FeePlace(table.choice("fee_place", _FEE_PLACES) or "apart"),
            orientation_open=named.base.amount is None,
            exchange_ids=named.id is not None,
            account_stated=named.account is not None,
        ),
        zone=ZoneBasis.ASSUMED,
        notes=(ZERO_FEE_NOTE, *(() if named.exchange else (NO_EXCHANGE_NOTE,))),
        read=named_reader(layout),
    )
    return Mapped(form=form, timezone=zone, date_order=order)


_FEE_PLACES: Final = tuple(place.value for place in FeePlace)


def _loaded(columns: ColumnMapping) -> Mapping[str, object]:
    if isinstance(columns, Mapping):
        return columns
    path = os.fsdecode(columns)
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - Path() would alter how the path is spelled
            return tomllib.load(file)
    except tomllib.TOMLDecodeError as exc:
        raise _wrong(f"{path!r} is no TOML: {exc}") from exc
    except (OSError, ValueError) as exc:
        raise StatementError(
            f"The mapping {path!r} cannot be read: {exc}.",
            path=path,
            hint="Name a TOML file, or pass the columns as a dict.",
        ) from exc


def _wrong(what: str) -> StatementError:
    return StatementError(
        f"The mapping of columns is not right: {what}.",
        hint="Its keys are told in docs/how-to/read-another-table.md.",
    )


class _Table:
    """A mapping, checked while it is read."""

    def __init__(self, keys: Mapping[str, object]) -> None:
        self._keys = keys
        for key in keys:
            if key not in _KEYS:
                near = difflib.get_close_matches(str(key), _KEYS, n=1)
                guess = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(_KEYS)}"
                raise _wrong(f"it has no key {key!r}{guess}")
        self._require_amounts()

    def text(self, key: str) -> str | None:
        """Return a text; None where the key is absent."""
        value = self._keys.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise _wrong(f"{key!r} must be a text, not {value!r}")
        return value.strip()

    def list(self, key: str) -> tuple[str, ...]:
        """Return one or several texts."""
        value = self._keys.get(key)
        if value is None:
            return ()
        several: Sequence[object] = [value] if isinstance(value, str) else _sequence(key, value)
        for item in several:
            if not isinstance(item, str) or not item.strip():
                raise _wrong(f"{key!r} must be a column's name or a list of them, not {value!r}")
        return tuple(str(item).strip() for item in several)

    def choice(self, key: str, among: tuple[str, ...]) -> str | None:
        """Return one of some words."""
        value = self.text(key)
        if value is not None and value not in among:
            raise _wrong(f"{key!r} must be one of {', '.join(among)}, not {value!r}")
        return value

    def table(self, key: str) -> dict[str, str]:
        """Return a table of texts."""
        value = self._keys.get(key, {})
        if not isinstance(value, Mapping):
            raise _wrong(f"{key!r} must be a table of texts, not {value!r}")
        for name, item in value.items():
            if not isinstance(name, str) or not isinstance(item, str):
                raise _wrong(f"{key!r} must be a table of texts; {name!r} is {item!r}")
        return {str(name): str(item) for name, item in value.items()}

    def words(self) -> dict[str, str]:
        """Return what each word of the side or type column means, case folded."""
        words = {word: word for word in _WORDS}
        for word, meaning in self.table("words").items():
            if meaning not in _WORDS:
                raise _wrong(f"{word!r} can mean {', '.join(_WORDS)}, not {meaning!r}")
            words[" ".join(word.split()).casefold()] = meaning
        return words

    def fixed(self) -> dict[str, str]:
        """Return the currencies that no column states."""
        fixed = self.table("fixed")
        for key in fixed:
            if key not in _FIXED:
                raise _wrong(f"'fixed' can hold {', '.join(_FIXED)}, not {key!r}")
        return {_FIXED[key]: code for key, code in fixed.items()}

    def exchange_names(self) -> frozenset[str]:
        """Return the names under which this exchange stands in the table, case folded."""
        return frozenset(name.casefold() for name in self.list("exchange_names"))

    def columns(self) -> NamedColumns:
        """Return which column holds what."""
        text = self.text
        side, type_ = text("side"), text("type")
        return NamedColumns(
            time=self.list("time"),
            zone=text("zone"),
            label=side if side is not None else type_,
            tag=type_ if side is not None else None,
            sent=Place(amount=text("sent"), currency=text("sent_currency")),
            received=Place(amount=text("received"), currency=text("received_currency")),
            base=Place(amount=text("amount"), currency=text("amount_currency")),
            quote=Place(amount=text("total"), currency=text("total_currency")),
            pair=text("pair"),
            price=text("price"),
            fee=Place(amount=text("fee"), currency=text("fee_currency")),
            exchange=self.list("exchange"),
            account=text("account"),
            id=text("id"),
            order_id=text("order_id"),
        )

    def all_columns(self) -> tuple[str, ...]:
        """Return every column that is named, once."""
        several = [name for key in _LISTS for name in self.list(key)]
        single = [name for key in _COLUMNS if (name := self.text(key)) is not None]
        return tuple(dict.fromkeys([*several, *single]))

    def _require_amounts(self) -> None:
        if not self.list("time"):
            raise _wrong("it does not name the column of the 'time'")
        paired = self.text("amount") is not None
        if paired == (self.text("sent") is not None or self.text("received") is not None):
            raise _wrong("it must name either 'amount', or 'sent' and 'received'")
        fixed = self.table("fixed")
        pair = self.text("pair") is not None
        needed = ("amount", "total") if paired else ("sent", "received")
        for key in needed:
            code = f"{key}_currency"
            known = pair and paired
            if self.text(key) is None and not (key == "total" and self.text("price") is not None):
                continue
            if not known and self.text(code) is None and code not in fixed:
                raise _wrong(f"it does not say which currency {key!r} is in: name {code!r}")


def _sequence(key: str, value: object) -> Sequence[object]:
    if isinstance(value, list | tuple) and value:
        return value
    raise _wrong(f"{key!r} must be a column's name or a list of them, not {value!r}")
