"""A whole history into a JSON Lines file, of 100,000 and of 1,000,000 records: time and memory.

The exchange is a transport in the reader's own process that answers in the documented shape and
signs what it sends; it makes its pages on the fly, so that it holds nothing.  Its time is the same
for every page, and is counted: what is told is growth, not speed.
"""

import argparse
import gzip
import hashlib
import hmac
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

SIZES: Final = (100_000, 1_000_000)
PAGE: Final = 1_000
FIRST_ID: Final = 10_000_000
GROWTH_GOAL: Final = 1.2
KEY: Final = "BenchmarkKey"
SECRET: Final = "BenchmarkSecret"  # noqa: S105 - of no account
RECORD: Final = (
    '{"id": %d, "datetime": "20%02d-%02d-%02d 12:00:%02d.118200", "type": "2",'
    ' "order_id": 1870000000000555, "eth": "0.40000000", "eur": "-880.20", "eth_eur": 2200.50,'
    ' "fee": "3.52080", "usd": 0.0, "btc": 0}'
)


def page_of(since_id: int, offset: int, records: int) -> bytes:
    """Return what stands behind ``since_id``, from ``offset`` on."""
    first = max(since_id - FIRST_ID, 0) + offset
    rows = []
    for number in range(first, min(first + PAGE, records)):
        day, second = divmod(number, 60)
        month, day = divmod(day, 28)
        year, month = divmod(month, 12)
        rows.append(RECORD % (FIRST_ID + number, year % 100, month + 1, day + 1, second))
    return f"[{','.join(rows)}]".encode()


def read(records: int) -> None:
    """Read all of it into a file; print the seconds of the processor and the peak of memory."""
    import httpx  # noqa: PLC0415 - a worker imports only what it measures

    import bitstamp_ledger as bl  # noqa: PLC0415 - as above

    def answer(request: httpx.Request) -> httpx.Response:
        form = parse_qs(request.content.decode())
        body = page_of(int(form["since_id"][0]), int(form.get("offset", ["0"])[0]), records)
        stamp = request.headers["X-Auth-Nonce"] + request.headers["X-Auth-Timestamp"]
        message = f"{stamp}application/json".encode() + body
        seal = hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "X-Server-Auth-Signature": seal,
        }
        return httpx.Response(200, headers=headers, content=gzip.compress(body, 1))

    budget = bl.RateBudget(per_second=100_000, per_ten_minutes=10_000_000)
    key = bl.Credentials(key=KEY, secret=SECRET)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.jsonl"
        began = time.process_time()
        with (
            bl.Client(key, transport=httpx.MockTransport(answer), budget=budget) as client,
            bl.sinks.open("jsonl", path=path) as out,
        ):
            out.write(client.entries())
        taken = time.process_time() - began
        with path.open("rb") as lines:
            rows = sum(1 for _ in lines)
    if rows < records:
        raise RuntimeError(f"{rows} lines of {records} records")
    print(taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """Print time and memory of both sizes, and whether the goal is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int)
    given = parser.parse_args()
    if given.records:
        read(given.records)
        return
    seconds = []
    for records in SIZES:
        command = [sys.executable, __file__, "--records", str(records)]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        taken, peak = map(float, printed.split())
        seconds.append(taken / records)
        print(
            f"{records:>9,} records to JSON Lines: {taken / records * 1e6:.1f} us a record, "
            f"at most {peak:.0f} MiB"
        )
    growth = seconds[1] / seconds[0]
    met = "met" if growth <= GROWTH_GOAL else "NOT MET"
    print(f"time per record grows by {growth:.2f}, goal at most {GROWTH_GOAL}: {met}")


if __name__ == "__main__":
    main()
