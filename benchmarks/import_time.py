"""How long ``import bitstamp_ledger`` takes, against its own dependencies alone.

Each import runs in a fresh interpreter; the two alternate, so that a busy machine slows both.
"""

import statistics
import subprocess
import sys
import time

RUNS = 15
GOAL = 1.3
PEER = "import httpx, attrs, cattrs, msgspec"
OURS = "import bitstamp_ledger"


def seconds(statement: str) -> float:
    """Time one fresh interpreter that runs ``statement``."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - began


def main() -> None:
    """Print both medians, less the start of an empty interpreter, and their ratio."""
    timings: dict[str, list[float]] = {"pass": [], PEER: [], OURS: []}
    for statement in timings:
        seconds(statement)  # Warm the caches of compiled files.
    for _ in range(RUNS):
        for statement, taken in timings.items():
            taken.append(seconds(statement))
    empty, peer, ours = (statistics.median(taken) for taken in timings.values())
    ratio = (ours - empty) / (peer - empty)
    print(f"{PEER}: {(peer - empty) * 1000:.0f} ms")
    print(f"{OURS}: {(ours - empty) * 1000:.0f} ms")
    print(f"ratio {ratio:.2f}, goal at most {GOAL}: {'met' if ratio <= GOAL else 'NOT MET'}")


if __name__ == "__main__":
    main()
