"""A whole history over HTTP at 80 ms latency: ours, one page at a time, and ccxt's default.

The exchange is the sandbox, in a process of its own, so that it takes no time from the readers; it
counts requests in the documented windows.
"""

import importlib
import importlib.util
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

RECORDS = 100_000
SEED = 1
LATENCY_S = 0.08
RUNS = 3
GOALS = {"one page at a time": 5.0, "ccxt": 10.0}

SERVER = """
import json, sys, time
from bitstamp_ledger.sandbox import Sandbox
seed, records, latency = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
sandbox = Sandbox(seed=seed, transactions=records)
sandbox.faults.latency_s = latency
with sandbox:
    address = {"url": sandbox.url, "key": sandbox.key, "secret": sandbox.secret}
    print(json.dumps(address), flush=True)
    before = 0
    for line in sys.stdin:
        limits = sandbox.limits
        print(json.dumps({"per_1s": limits.peak_1s, "per_600s": limits.peak_600s,
                          "requests": len(sandbox.requests) - before}), flush=True)
        before = len(sandbox.requests)
        limits.reset()
"""


def ours(server: dict[str, str], in_flight_max: int | None = None) -> int:
    """Read the history with our client; return the number of entries.

    Args:
        server: where, and the key.
        in_flight_max: how many pages may be asked for at once; the client's default if None.
    """
    import bitstamp_ledger as bl  # noqa: PLC0415 - not part of what is timed elsewhere
    from bitstamp_ledger.api import IN_FLIGHT_MAX  # noqa: PLC0415 - as above

    key = bl.Credentials(key=server["key"], secret=server["secret"])
    in_flight_max = in_flight_max or IN_FLIGHT_MAX
    with bl.Client(key, base_url=server["url"], in_flight_max=in_flight_max) as client:
        return sum(1 for _ in client.entries())


def ours_async(server: dict[str, str]) -> int:
    """Read the history with our async client."""
    import asyncio  # noqa: PLC0415 - loaded only by those who want it

    import bitstamp_ledger as bl  # noqa: PLC0415 - as above

    async def read() -> int:
        key = bl.Credentials(key=server["key"], secret=server["secret"])
        async with bl.AsyncClient(key, base_url=server["url"]) as client:
            count = 0
            async for _ in client.entries():
                count += 1
            return count

    return asyncio.run(read())


def ccxt_default(server: dict[str, str]) -> int:
    """Read the history the way ccxt offers it: page by page, with its own rate limit."""
    ccxt: Any = importlib.import_module("ccxt")
    address = server["url"].replace("http://", "https://", 1)

    class OverHttp(ccxt.bitstamp):  # type: ignore[misc]  # it is not typed
        def sign(self, path: str, *args: object, **kwargs: object) -> dict[str, str]:
            signed: dict[str, str] = super().sign(path, *args, **kwargs)
            signed["url"] = signed["url"].replace("https://", "http://", 1)
            return signed

    exchange = OverHttp(
        {
            "apiKey": server["key"],
            "secret": server["secret"],
            "urls": {"api": {"public": f"{address}/api", "private": f"{address}/api"}},
        }
    )
    exchange.load_markets()
    seen: set[str] = set()
    since = 1
    while True:
        page = exchange.privatePostUserTransactions(
            {"since_id": since, "limit": 1000, "sort": "asc"}
        )
        trades = [row for row in page if row["type"] == "2"]
        exchange.parse_trades(trades)
        fresh = {str(row["id"]) for row in page} - seen
        if not fresh:
            return len(seen)
        seen |= fresh
        since = max(int(row["id"]) for row in page)


def main() -> None:
    """Print medians and ratios, and the most requests that the exchange saw in any window."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(SEED), str(RECORDS), str(LATENCY_S)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        server = json.loads(process.stdout.readline())
        readers: dict[str, Callable[[], int]] = {
            "ours": lambda: ours(server),
            "ours, async": lambda: ours_async(server),
            "one page at a time": lambda: ours(server, 1),
        }
        if importlib.util.find_spec("ccxt"):
            readers["ccxt"] = lambda: ccxt_default(server)
        taken: dict[str, list[float]] = {name: [] for name in readers}
        for _ in range(RUNS):
            for name, read in readers.items():
                time.sleep(1)  # All begin with an unused second of the budget that they share.
                began = time.perf_counter()
                read()
                taken[name].append(time.perf_counter() - began)
                process.stdin.write("\n")
                process.stdin.flush()
                seen = json.loads(process.stdout.readline())
                print(
                    f"{name}: {taken[name][-1]:.2f} s, {seen['requests']} requests, at most "
                    f"{seen['per_1s']} in a second and {seen['per_600s']} in ten minutes"
                )
        process.stdin.close()
    mine = statistics.median(taken["ours"])
    print(f"{RECORDS:,} records, seed {SEED}, {LATENCY_S * 1000:.0f} ms latency")
    for name, runs in taken.items():
        median = statistics.median(runs)
        goal = GOALS.get(name)
        verdict = ""
        if goal is not None:
            met = "met" if median / mine >= goal else "NOT MET"
            verdict = f", {median / mine:.1f} times ours, goal at least {goal:.0f}: {met}"
        print(f"{name}: median {median:.2f} s{verdict}")


if __name__ == "__main__":
    main()
