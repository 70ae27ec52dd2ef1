"""From a key and a file to a proved ledger: ``python ten_lines.py export.csv``."""

import sys

import bitstamp_ledger as bl

with bl.Client(bl.Credentials.from_env()) as client, bl.Ledger.open("history.db") as ledger:
    ledger.check_key(client).require_read_only()
    ledger.sync(client)
    for path in sys.argv[1:]:
        ledger.import_file(path)
    print("proved:", ledger.prove(client).holds)
    with bl.sinks.open("csv", path="ledger.csv") as out:
        ledger.export(out)
