"""Sinks by name: ours from a table, others' from an entry-point group, none imported unasked."""

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Final, TypeAlias

from bitstamp_ledger.errors import BitstampLedgerError, PluginError
from bitstamp_ledger.sinks._contract import Sink

GROUP: Final = "bitstamp_ledger.sinks"
"""The entry-point group in which other distributions register theirs."""

SinkFactory: TypeAlias = Callable[..., Sink]
"""What a name stands for: a class, or a function, that makes a sink from options."""

_OURSELVES: Final = "bitstamp-ledger"

# A table, since the metadata of an installation may be older than the code (editable installs) or
# absent (a plain checkout).  pyproject.toml says the same to others.
_BUILT_IN: Final = {
    "beancount": "bitstamp_ledger.sinks.beancount:BeancountSink",
    "bittytax": "bitstamp_ledger.sinks.tax.bittytax:BittyTaxSink",
    "blockpit": "bitstamp_ledger.sinks.tax.blockpit:BlockpitSink",
    "coinledger": "bitstamp_ledger.sinks.tax.coinledger:CoinLedgerSink",
    "cointracker": "bitstamp_ledger.sinks.tax.cointracker:CoinTrackerSink",
    "cointracking": "bitstamp_ledger.sinks.tax.cointracking:CoinTrackingSink",
    "cryptotaxcalculator": "bitstamp_ledger.sinks.tax.cryptotaxcalculator:CryptoTaxCalculatorSink",
    "csv": "bitstamp_ledger.sinks.csv:CsvSink",
    "dali": "bitstamp_ledger.sinks.tax.dali:DaliSink",
    "duckdb": "bitstamp_ledger.sinks.duckdb:DuckDbSink",
    "hledger": "bitstamp_ledger.sinks.hledger:HledgerSink",
    "jsonl": "bitstamp_ledger.sinks.jsonl:JsonLinesSink",
    "koinly": "bitstamp_ledger.sinks.tax.koinly:KoinlySink",
    "ledger-cli": "bitstamp_ledger.sinks.ledger_cli:LedgerCliSink",
    "list": "bitstamp_ledger.sinks.memory:ListSink",
    "parquet": "bitstamp_ledger.sinks.parquet:ParquetSink",
    "rotki": "bitstamp_ledger.sinks.tax.rotki:RotkiSink",
    "sql": "bitstamp_ledger.sinks.sql:SqlSink",
    "waltio": "bitstamp_ledger.sinks.tax.waltio:WaltioSink",
    "webhook": "bitstamp_ledger.sinks.webhook:WebhookSink",
}


def names() -> tuple[str, ...]:
    """Return every registered name, sorted.  Imports none of them."""
    return tuple(sorted({*_BUILT_IN, *(found.name for found in _installed())}))


def load(name: str) -> SinkFactory:
    """Import what is registered as ``name``.

    Raises:
        PluginError: nobody or several registered it, or it cannot be imported.
    """
    return _import(_claim_of(name))


def owner_of(name: str) -> str:
    """Return which distribution registered ``name``.

    Raises:
        PluginError: none, or several.
    """
    return _owner(_claim_of(name))


def _claim_of(name: str) -> EntryPoint:
    claims = [found for found in _installed() if found.name == name]
    if name in _BUILT_IN:
        claims.append(EntryPoint(name, _BUILT_IN[name], GROUP))
    match claims:
        case [only]:
            return only
        case []:
            raise PluginError(
                f"There is no sink named {name!r}.",
                group=GROUP,
                name=name,
                hint=f"Known are: {', '.join(names())}.",
            )
        case _:
            owners = ", ".join(sorted(f"{_owner(claim)} ({claim.value})" for claim in claims))
            raise PluginError(
                f"More than one distribution registers a sink named {name!r}: {owners}.",
                group=GROUP,
                name=name,
                hint="Uninstall all but one of them.",
            )


def _installed() -> list[EntryPoint]:
    return [found for found in entry_points(group=GROUP) if not _is_ours(found)]


def _is_ours(found: EntryPoint) -> bool:
    return found.dist is not None and _canonical(found.dist.name) == _OURSELVES


def _canonical(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _owner(claim: EntryPoint) -> str:
    if claim.dist is not None:
        return claim.dist.name
    return _OURSELVES


def _import(claim: EntryPoint) -> SinkFactory:
    try:
        factory: object = claim.load()
    except BitstampLedgerError:  # Such as MissingExtraError, which says what to install.
        raise
    except Exception as exc:
        raise PluginError(
            f"The sink {claim.name!r} ({claim.value} of {_owner(claim)}) cannot be imported: "
            f"{type(exc).__name__}: {exc}.",
            group=GROUP,
            name=claim.name,
            hint="Update or uninstall that distribution.",
        ) from exc
    if callable(factory):
        return factory
    raise PluginError(
        f"The sink {claim.name!r} ({claim.value} of {_owner(claim)}) is no class or function.",
        group=GROUP,
        name=claim.name,
        hint="Its entry point must name something that makes a sink when called with options.",
    )
