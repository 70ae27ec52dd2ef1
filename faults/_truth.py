"""What must be true when the storm is over."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import bitstamp_ledger as bl
from bitstamp_ledger.ledger import EntryState, Ledger
from bitstamp_ledger.sandbox import Sandbox
from bitstamp_ledger.sinks import load
from faults.worker import LABEL, LINES, SINK


def wrong_words(words: Iterable[Mapping[str, Any]], *, calm: bool) -> Iterator[str]:
    """Find what a life said that no life may say."""
    for word in words:
        step = word["step"]
        if step == "crash":
            yield f"an error that is not ours: {word['error']} {word['traceback']}"
        if word.get("secret"):
            yield f"{step}: a secret in the text of an error"
        if word.get("adds_up") is False:
            yield f"{step}: what was read does not add up"
        if calm and "refused" in word:
            yield f"{step}: refused in calm weather: {word['refused']}"
        if calm and word.get("holds") is False:
            yield f"the proof does not hold in calm weather: {word}"
        if calm and step == "check" and word["state"] != "READ_ONLY":
            yield f"the key is {word['state']} in calm weather"
        if calm and step == "reconcile" and (word["new"] or word["conflicts"]):
            yield f"rows of the exchange's own files are taken for others: {word}"


def wrong_between(place: str) -> Iterator[str]:
    """Look at a ledger between two lives."""
    with Ledger.open(place) as ledger:
        ids = [entry.id for entry in ledger.entries()]
        if len(ids) != len(set(ids)):
            yield "an entry is shown twice"
        if not ledger.counts().adds_up:
            yield f"counts do not add up: {ledger.counts()}"


def wrong_at_the_end(
    place: str,
    sandbox: Sandbox,
    folder: Path,
    *,
    annotated: Iterable[str],
    files: Mapping[str, int],
) -> Iterator[str]:
    """Compare the ledger with the exchange, the files and the sinks."""
    with Ledger.open(place) as ledger:
        entries = list(ledger.entries())
        yield from _wrong_records(entries, sandbox)
        hidden = list(ledger.entries(state=EntryState.SUPPRESSED))
        if hidden:
            yield f"{len(hidden)} entries are hidden, which nobody asked for"
        for entry_id in annotated:
            said = ledger.annotation(entry_id)
            if said is None or said.label != LABEL:
                yield f"the label of {entry_id} is lost"
        counts = ledger.counts()
        received = len(entries) + sum(files.values())
        if not counts.adds_up or counts.received < received:
            yield f"rows are not accounted for: {counts}, at least {received}"
        if len(ledger.imports()) != len(files):
            yield f"{len(ledger.imports())} files are known, not {len(files)}"
        yield from _wrong_sinks(ledger, folder)


def _wrong_records(entries: list[bl.Entry], sandbox: Sandbox) -> Iterator[str]:
    stated = Counter(_cells(record) for record in sandbox.records)
    held = Counter(_cells(entry.source.raw) for entry in entries)
    for cells, count in (stated - held).items():
        yield f"lost: {count} of {cells}"
    for cells, count in (held - stated).items():
        yield f"doubled, changed or made up: {count} of {cells}"
    replayed = bl.replay(entries)
    balances = {name: total for name, total in sandbox.balances.items() if total}
    if replayed != balances:
        yield f"balances: {replayed}, not {balances}"


def _cells(record: object) -> str:
    cells = dict(record) if isinstance(record, Mapping) else {"": record}
    return json.dumps(cells, sort_keys=True, default=repr)


def _wrong_sinks(ledger: Ledger, folder: Path) -> Iterator[str]:
    fresh = folder / "fresh.db"
    ledger.export(bl.sinks.handle_for(load("sql")(url=f"sqlite:///{fresh}"), name="sql"))
    yield from _differences("the SQL sink", _rows(folder / SINK), _rows(fresh))
    lines = folder / "fresh.jsonl"
    ledger.export(bl.sinks.open("jsonl", path=str(lines)))
    held = Counter((folder / LINES).read_text(encoding="utf-8").splitlines())
    yield from _differences("the lines", held, Counter(lines.read_text("utf-8").splitlines()))
    ids = [json.loads(line)["id"] for line in held.elements()]
    shown = Counter(entry.id for entry in ledger.entries())
    yield from _differences("the ids of the lines", Counter(ids), shown)
    yield from _differences("the ids of the rows", Counter(_ids(folder / SINK)), shown)


def _differences(what: str, held: Counter[str], shown: Counter[str]) -> Iterator[str]:
    for each, count in (shown - held).items():
        yield f"{what} lack: {count} of {each}"
    for each, count in (held - shown).items():
        yield f"{what} hold too much: {count} of {each}"


def _rows(path: Path) -> Counter[str]:
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        rows = [dict(row) for row in database.execute("SELECT * FROM entries")]
    for row in rows:
        del row["revision"]  # How often it was sent is the sink's own history.
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


def _ids(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [row[0] for row in database.execute("SELECT id FROM entries")]
