"""How long decoding takes: bare JSON, this package, and ccxt's ``parse_trades``.

1. All read the same made-up history in pages of 1000 records.  Bare is exact ``msgspec``: Decimals
   of the same digits and nothing else.
2. Each measure runs in an interpreter of its own, since the garbage collector, which stays on, also
   walks through whatever else is imported.  The measures alternate, so that a busy machine slows
   all of them.
3. ccxt is given its trades as dicts: its JSON is not counted, ours is.  What it takes from the same
   bytes, with its own way of reading them, is told beside it.  Markets are set by hand; no network
   is used.
"""

import argparse
import importlib
import json
import math
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

SEED: Final = 1
RECORDS: Final = 20_000
PAGE: Final = 1000
ROUNDS: Final = 5
PASSES: Final = 3
BARE_GOAL: Final = 6.0
CCXT_GOAL: Final = 6.0
TRADE: Final = ("2", 2)

Work = Callable[[], object]


def write_history(folder: Path) -> None:
    """Write the pages of all records, and of the trades alone, one page a line."""
    import msgspec  # noqa: PLC0415 - a worker imports only what it measures

    from bitstamp_ledger.sandbox import generate_account  # noqa: PLC0415 - as above

    records = generate_account(SEED, RECORDS).records
    encode = msgspec.json.Encoder(decimal_format="number").encode
    for name, kept in (
        ("all", records),
        ("trades", [record for record in records if record["type"] in TRADE]),
    ):
        pages = [encode(kept[at : at + PAGE]) for at in range(0, len(kept), PAGE)]
        (folder / name).write_bytes(b"\n".join(pages))


def bare(pages: list[bytes]) -> Work:
    """Exact JSON, each page dropped before the next."""
    from decimal import Decimal  # noqa: PLC0415 - a worker imports only what it measures

    import msgspec  # noqa: PLC0415 - as above

    decode = msgspec.json.Decoder(float_hook=Decimal).decode
    return lambda: [len(decode(page)) for page in pages]


def ours(pages: list[bytes]) -> Work:
    """Entries, each page dropped before the next."""
    from bitstamp_ledger import parse_user_transactions  # noqa: PLC0415 - as above

    return lambda: [len(parse_user_transactions(page)) for page in pages]


def ours_kept(pages: list[bytes]) -> Work:
    """Entries, all of the history held to the end."""
    from bitstamp_ledger import parse_user_transactions  # noqa: PLC0415 - as above

    return lambda: [parse_user_transactions(page) for page in pages]


def peer(pages: list[bytes]) -> Work:
    """Trades by ccxt, each page dropped before the next."""
    exchange, pages_read = peer_of(pages)
    return lambda: [len(exchange.parse_trades(page)) for page in pages_read]


def peer_from_bytes(pages: list[bytes]) -> Work:
    """Trades by ccxt, its JSON included."""
    exchange, _ = peer_of(pages)
    texts = [page.decode() for page in pages]
    return lambda: [len(exchange.parse_trades(exchange.on_json_response(text))) for text in texts]


def peer_of(pages: list[bytes]) -> tuple[Any, list[Any]]:
    """Return ccxt with the markets of the history, and the pages as it reads them."""
    ccxt: Any = importlib.import_module("ccxt")

    exchange: Any = ccxt.bitstamp()
    pages_read = [exchange.on_json_response(page.decode()) for page in pages]
    exchange.set_markets(
        {
            f"{base}/{quote}".upper(): exchange.safe_market_structure(
                {
                    "id": base + quote,
                    "symbol": f"{base}/{quote}".upper(),
                    "base": base.upper(),
                    "quote": quote.upper(),
                    "baseId": base,
                    "quoteId": quote,
                    "type": "spot",
                    "spot": True,
                }
            )
            for base, quote in sorted(pairs_of(pages_read))
        }
    )
    return exchange, pages_read


def pairs_of(pages: list[list[dict[str, object]]]) -> set[tuple[str, str]]:
    """Return the pairs whose rates the records state."""
    names = {name for page in pages for record in page for name in record}
    halves = {tuple(name.split("_")) for name in names if name.count("_") == 1}
    return {(one, other) for one, other in halves if one in names and other in names}


MEASURES: Final = {
    "bare msgspec": (bare, "all"),
    "ours": (ours, "all"),
    "ours, all kept": (ours_kept, "all"),
    "ccxt, trades": (peer, "trades"),
    "ccxt, from bytes": (peer_from_bytes, "trades"),
    "ours, trades": (ours, "trades"),
}


def measure(name: str, folder: Path) -> None:
    """Print the microseconds per record of each pass: what a fresh worker does."""
    make, history = MEASURES[name]
    pages = (folder / history).read_bytes().split(b"\n")
    count = sum(map(len, map(json.loads, pages)))
    work = make(pages)
    work()  # Warm up.
    for _ in range(PASSES):
        began = time.process_time()
        made = work()
        taken = time.process_time() - began
        del made
        print(taken / count * 1e6)


def passes(name: str, folder: str) -> list[float]:
    """Run one measure in a fresh interpreter."""
    command = [sys.executable, __file__, "--measure", name, "--folder", folder]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [float(line) for line in printed.split()]


def main() -> None:
    """Print the median of each measure, the ratios, and whether the goals are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", choices=MEASURES)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.measure:
        measure(given.measure, given.folder)
        return
    taken: dict[str, list[float]] = {name: [] for name in MEASURES}
    with tempfile.TemporaryDirectory() as folder:
        write_history(Path(folder))
        for _ in range(ROUNDS):
            for name, times in taken.items():
                times.extend(passes(name, folder))
    median = {name: statistics.median(times) for name, times in taken.items()}
    versions = ", ".join(f"{name} {version(name)}" for name in ("msgspec", "attrs", "ccxt"))
    print(f"seed {SEED}, {RECORDS} records, pages of {PAGE}, {ROUNDS} rounds of {PASSES} passes")
    print(f"Python {platform.python_version()}, {versions}, processor time")
    for name, times in taken.items():
        ratio = median[name] / median["bare msgspec"]
        print(f"{name:16} {median[name]:6.2f} us a record, best {min(times):6.2f}, {ratio:5.1f} x")
    tell("ours / bare", median["ours"] / median["bare msgspec"], at_most=BARE_GOAL)
    tell("ccxt / ours", median["ccxt, trades"] / median["ours, trades"], at_least=CCXT_GOAL)


def tell(name: str, ratio: float, *, at_most: float = math.inf, at_least: float = 0.0) -> None:
    """Print a ratio and whether its goal is met."""
    goal = f"at least {at_least}" if at_least else f"at most {at_most}"
    met = "met" if at_least <= ratio <= at_most else "NOT MET"
    print(f"{name} {ratio:.2f}, goal {goal}: {met}")


if __name__ == "__main__":
    main()
