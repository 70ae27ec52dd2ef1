"""Feed damaged bytes to all that reads them: ``python -m fuzz --seconds 60 [TARGET...]``.

Only our own errors may come out, and no secret in their text.  Each target gets so many seconds.
"""

import argparse
import contextlib
import faulthandler
import secrets
import sys
import time
from collections.abc import Sequence
from typing import Final

from hypothesis import HealthCheck, given, seed, settings

from fuzz._targets import TARGETS, Target
from fuzz.fuzz_statements import limit_memory

BATCH: Final = 40
"""Inputs between two looks at the clock."""

SECONDS_AN_INPUT: Final = 20


def feed(target: Target, inputs: int, start: int) -> None:
    """Feed so many inputs, drawn from a seed; the first surprise is raised, made small."""

    @seed(start)
    @settings(
        max_examples=inputs,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(content=target.inputs)
    def batch(content: bytes) -> None:
        target.check(content)

    batch()


def fuzz(name: str, seconds: float, start: int) -> int:
    """Feed a target until its time is up; return how many inputs it took."""
    tried = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        faulthandler.dump_traceback_later(SECONDS_AN_INPUT * BATCH, exit=True)
        with contextlib.ExitStack() as stack:
            stack.callback(faulthandler.cancel_dump_traceback_later)
            feed(TARGETS[name], BATCH, start + tried)
        tried += BATCH
    return tried


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--seed", type=int, help="to repeat a run; else another one each time")
    options = parser.parse_args(arguments)
    if unknown := set(options.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}; known: {', '.join(TARGETS)}")
    start = secrets.randbelow(10**9) if options.seed is None else options.seed
    limit_memory()
    sys.stdout.write(f"seed {start}\n")
    for name in options.targets or TARGETS:
        tried = fuzz(name, options.seconds, start)
        sys.stdout.write(f"{name}: {tried} inputs, no surprise\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
