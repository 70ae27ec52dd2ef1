"""A program that works on a ledger until it is killed; run by the tests, once for many lives.

It imports everything, then forks a worker whenever it reads a line of JSON, and says its number;
starting Python anew for each worker would take longer than all the work.
"""

import json
import os
import sys
from typing import NoReturn

import bitstamp_ledger as bl
from bitstamp_ledger.ledger import Ledger

PAGE = 40


def work(task: dict[str, str]) -> NoReturn:
    """Sync, import, decide and remove, again and again."""
    key = bl.Credentials(key=task["key"], secret=task["secret"])
    with Ledger.open(task["place"]) as ledger, bl.Client(key, base_url=task["url"]) as client:
        ledger._page_records = PAGE
        while True:
            ledger.sync(client, wait_s=5)
            file_id = ledger.import_file(task["file"]).file_id
            ledger.sync(client, "full", wait_s=5)
            entry = next(ledger.entries(kinds=["trade"]))
            ledger.annotate(entry.id, label="worked on")
            ledger.remove_import(file_id)
            ledger.rebuild()


def say(number: int) -> None:
    """Tell the test a number."""
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def main() -> None:
    """Fork a worker for each line."""
    for line in sys.stdin:
        task = json.loads(line)
        child = os.fork()
        if not child:
            try:
                work(task)
            except BaseException as exc:  # noqa: BLE001 - the parent must see it, whatever it is
                sys.stderr.write(f"worker: {exc!r}\n")
                sys.stderr.flush()
            finally:
                os._exit(1)
        say(child)
        _, status = os.waitpid(child, 0)
        say(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
