"""Which formats there are.  Finding their names imports none of them."""

import functools
import importlib
import sys
from collections.abc import Iterator
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from bitstamp_ledger.errors import PluginError
from bitstamp_ledger.files._format import GROUP, StatementFormat

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

# In the order in which a header is compared.  Named here and not only in the package's metadata,
# so that they work from a source tree and in bundled applications, which drop metadata.
_BUILT_IN: Final = MappingProxyType(
    {
        "bitstamp-g2": "bitstamp_ledger.files.bitstamp_g2:FORMAT",
        "bitstamp-g1": "bitstamp_ledger.files.bitstamp_g1:FORMAT",
        "bitstamp-g0a": "bitstamp_ledger.files.bitstamp_g0:G0A",
        "bitstamp-g0b": "bitstamp_ledger.files.bitstamp_g0:G0B",
        "bitstamp-g3": "bitstamp_ledger.files.bitstamp_g3:FORMAT",
        "koinly": "bitstamp_ledger.files.koinly:UNIVERSAL",
        "koinly-trades": "bitstamp_ledger.files.koinly:TRADES",
        "koinly-simple": "bitstamp_ledger.files.koinly:SIMPLE",
        "koinly-export": "bitstamp_ledger.files.koinly_exports:REPORT",
        "koinly-bulk-edit": "bitstamp_ledger.files.koinly_exports:BULK_EDIT",
        "cointracking-import": "bitstamp_ledger.files.cointracking:IMPORT",
        "cointracking-export": "bitstamp_ledger.files.cointracking:EXPORT",
        "cointracking-web-de": "bitstamp_ledger.files.cointracking:WEB_TABLE",
        "waltio": "bitstamp_ledger.files.waltio:FORMAT",
        "rotki": "bitstamp_ledger.files.rotki:TRADES",
        "rotki-events": "bitstamp_ledger.files.rotki:EVENTS",
        "bittytax": "bitstamp_ledger.files.bittytax:FORMAT",
        "cointracker": "bitstamp_ledger.files.cointracker:FORMAT",
        "coinledger": "bitstamp_ledger.files.coinledger:FORMAT",
        "coinledger-export": "bitstamp_ledger.files.coinledger:EXPORT",
        "cryptotaxcalculator": "bitstamp_ledger.files.cryptotaxcalculator:FORMAT",
        "delta-old": "bitstamp_ledger.files.delta:OLD",
        "delta-new": "bitstamp_ledger.files.delta:NEW",
        "accointing": "bitstamp_ledger.files.accointing:TEMPLATE",
        "accointing-export": "bitstamp_ledger.files.accointing:EXPORT",
        "blockpit-import": "bitstamp_ledger.files.blockpit:IMPORT",
        "blockpit-export": "bitstamp_ledger.files.blockpit:EXPORT",
        "coinpanda": "bitstamp_ledger.files.coinpanda:FORMAT",
        "divly": "bitstamp_ledger.files.divly:FORMAT",
        "dali-rp2-in": "bitstamp_ledger.files.dali_rp2:IN",
        "dali-rp2-out": "bitstamp_ledger.files.dali_rp2:OUT",
        "dali-rp2-intra": "bitstamp_ledger.files.dali_rp2:INTRA",
        "ccxt": "bitstamp_ledger.files.ccxt:FORMAT",
        "taxbit": "bitstamp_ledger.files.other_tools:TAXBIT",
        "zenledger": "bitstamp_ledger.files.other_tools:ZENLEDGER",
        "tokentax": "bitstamp_ledger.files.other_tools:TOKENTAX",
        "recap": "bitstamp_ledger.files.other_tools:RECAP",
        "bitcoin-tax": "bitstamp_ledger.files.other_tools:BITCOIN_TAX",
    }
)


def formats() -> tuple[str, ...]:
    """Return the name of every known format, sorted, plug-ins included."""
    return tuple(sorted({*_BUILT_IN, *(found.name for found in _installed(tuple(sys.path)))}))


def load(name: str) -> StatementFormat:
    """Import the one format called ``name``.

    Raises:
        PluginError: nobody or several claim the name, its import failed, or it is no format.
    """
    claims = _claims(name)
    match sorted(claims):
        case []:
            raise PluginError(
                f"There is no format {name!r}.",
                group=GROUP,
                name=name,
                hint=f"Known: {', '.join(formats())}.",
            )
        case [target]:
            return _imported(name, target)
        case several:
            raise PluginError(
                f"The format {name!r} is claimed more than once.",
                group=GROUP,
                name=name,
                hint=f"Remove one of: {', '.join(_owner(at, claims[at]) for at in several)}.",
            )


def in_order() -> Iterator[StatementFormat]:
    """Import and yield every format: our own first, then plug-ins by name.

    Plug-ins are imported only if the consumer gets that far.
    """
    yield from map(load, _BUILT_IN)
    yield from (load(name) for name in formats() if name not in _BUILT_IN)


def _claims(name: str) -> "dict[str, EntryPoint | None]":
    """Return who claims ``name``, by what it points to.

    Two claims to one target are one: a package may be on the path twice, and ours is both in the
    table above and in the metadata.
    """
    claims: dict[str, EntryPoint | None] = {}
    if name in _BUILT_IN:
        claims[_BUILT_IN[name]] = None
    for found in _installed(tuple(sys.path)):
        if found.name == name:
            claims.setdefault(found.value, found)
    return claims


@functools.lru_cache(maxsize=1)
def _installed(_path: tuple[str, ...]) -> "tuple[EntryPoint, ...]":
    # Reads the metadata of every installed package, which costs more than reading a small file;
    # even the import costs more than that of this whole package.
    from importlib.metadata import entry_points  # noqa: PLC0415

    return tuple(entry_points(group=GROUP))


def _owner(target: str, found: "EntryPoint | None") -> str:
    distribution = getattr(found, "dist", None)
    return target if distribution is None else f"{target} ({distribution.name})"


def _imported(name: str, target: str) -> StatementFormat:
    module, _, attribute = target.partition(":")
    try:
        form = getattr(importlib.import_module(module), attribute)
    except Exception as exc:
        raise PluginError(
            f"The format {name!r} does not load: {exc}.",
            group=GROUP,
            name=name,
            hint=f"Update or remove the package that provides {target}.",
        ) from exc
    if not isinstance(form, StatementFormat) or form.name != name:
        raise PluginError(
            f"{target} is not a StatementFormat called {name!r}.",
            group=GROUP,
            name=name,
            hint="Update or remove the package that provides it.",
        )
    return form
