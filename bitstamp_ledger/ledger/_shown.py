"""Proofs and reports as parts of a page, and as notebook cells."""

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from bitstamp_ledger._page import Card, Mood, Section, Table, plain, to_notebook
from bitstamp_ledger.reconcile import Counts, Suspect

if TYPE_CHECKING:
    from bitstamp_ledger.ledger._proof import Located, Proof
    from bitstamp_ledger.ledger._reports import ImportReport, SyncReport
    from bitstamp_ledger.ledger._values import SealedChange

CELL_ROWS: Final = 10
"""So many rows a notebook cell lists."""


# -- proofs


def proof_section(proof: "Proof") -> Section:
    """Return a proof as a part of a page."""
    whose = f" of {plain(proof.account)}" if proof.account else ""
    return Section(
        name="proof",
        title=f"Proof{whose}",
        short=f"Proof{whose}",
        after="counts",
        text=(
            "Adding up every amount and every fee must give the balances that the exchange "
            f"states, to the last digit. {proof_sentence(proof)}"
        ),
        card=Card(
            title=f"Balances{whose} explained",
            figure="Yes" if proof.holds else "No",
            text=proof_sentence(proof),
            mood=Mood.GOOD if proof.holds else Mood.BAD,
        ),
        tables=proof_tables(proof),
        empty="There is no currency: nothing was replayed, and nothing is stated.",
    )


def proof_notebook(proof: "Proof") -> str:
    """Return a proof as a notebook cell."""
    holds = "Proof holds" if proof.holds else "Proof does not hold"
    return to_notebook([holds, proof_sentence(proof)], proof_tables(proof))


def proof_sentence(proof: "Proof") -> str:
    """Say what a proof found, and how much it means."""
    return " ".join(_proof_sentences(proof))


def _proof_sentences(proof: "Proof") -> Iterable[str]:
    one = proof.entries == 1
    entries = "1 entry" if one else f"{proof.entries:,} entries"
    if proof.holds:
        yield f"{entries} {'explains' if one else 'explain'} the balances of {_currencies(proof)}."
    elif not proof.differences:
        yield "The balances moved while the entries were read, or none were read: not proved."
    else:
        off = ", ".join(each.currency for each in proof.differences)
        verb = "does" if one else "do"
        yield f"{entries} {verb} not add up to what the exchange states, in {off}."
    if proof.without_fee:
        yield f"Without a stated fee: {proof.without_fee:,}."
    if proof.unknown:
        yield f"Not understood: {proof.unknown:,}."
    if proof.read_at is not None:
        yield f"Balances read at {_when(proof.read_at)} UTC."


def _currencies(proof: "Proof") -> str:
    number = len(proof.currencies)
    return "1 currency" if number == 1 else f"{number:,} currencies"


def proof_tables(proof: "Proof") -> tuple[Table, ...]:
    """Return a proof as tables: what disagrees, then every currency."""
    return (
        Table(
            name="causes",
            title="What would explain the difference",
            columns=("currency", "amount", "what", "in words", "entries"),
            rows=tuple(
                (
                    each.currency,
                    f"{each.amount:+f}",
                    each.kind.value,
                    plain(each.text),
                    plain(", ".join(each.entries)),
                )
                for each in proof.causes
            ),
            numeric=frozenset({"amount"}),
            choices=frozenset({"currency"}),
        ),
        Table(
            name="located",
            title="Where the difference came about",
            columns=("currency", "amount", "after (UTC)", "until (UTC)", "below zero (UTC)"),
            rows=tuple(map(_located, proof.located)),
            numeric=frozenset({"amount"}),
        ),
        Table(
            name="proof",
            title="Currency by currency",
            columns=("currency", "entries add up to", "exchange states", "difference", "verdict"),
            rows=tuple(
                (
                    each.currency,
                    f"{each.replayed:f}",
                    "nothing" if each.stated is None else f"{each.stated:f}",
                    f"{each.residue:+f}" if each.residue else "0",
                    "differs" if each.residue else "equal",
                )
                for each in proof.currencies
            ),
            numeric=frozenset({"entries add up to", "exchange states", "difference"}),
            choices=frozenset({"verdict"}),
        ),
    )


def _located(located: "Located") -> tuple[str, ...]:
    negative = located.first_negative
    return (
        located.currency,
        f"{located.amount:+f}",
        "the beginning" if located.since is None else _when(located.since),
        _when(located.until),
        "never" if negative is None else _when(negative),
    )


# -- what a sync and an import did


def sync_notebook(report: "SyncReport") -> str:
    """Return what a sync did as a notebook cell."""
    steady = "" if report.balances_steady else " The balances moved meanwhile."
    requests = "" if report.requests is None else f" in {report.requests:,} requests"
    happened = [
        *(
            ("changed at the exchange; both versions are kept", each.entry_id)
            for each in report.changed
        ),
        *(("no longer listed by the exchange; kept", each) for each in report.vanished),
        *(("listed again by the exchange", each) for each in report.returned),
        *(("notice", each) for each in report.notices),
    ]
    return to_notebook(
        [
            (
                f"{plain(report.account)}: {report.counts.received:,} records read{requests}, "
                f"{report.new:,} of them new.{steady}"
            ),
        ],
        (
            counts_table(report.counts),
            _told("events", "What else happened", happened),
            sealed_table(report.sealed_changes),
        ),
    )


def import_notebook(report: "ImportReport") -> str:
    """Return what an import did as a notebook cell."""
    name = plain(report.name or f"file {report.file_id}")
    if report.already:
        return to_notebook([f"{name}: was there already; nothing changed"])
    look_at = [
        *(("conflict", each.reason) for each in report.conflicts),
        *(("suspect", _first_line(each)) for each in report.suspects),
        *(("could not be read", each) for each in report.problems),
        *(("doubt", each) for each in report.doubts),
    ]
    return to_notebook(
        [f"{name} ({report.format}, file {report.file_id})"],
        (
            counts_table(report.counts),
            _told("look", "To be looked at", look_at),
            sealed_table(report.sealed_changes),
        ),
    )


def _first_line(suspect: Suspect) -> str:
    return suspect.explain().splitlines()[0]


def counts_table(counts: Counts) -> Table:
    """Return where everything went as one row."""
    return Table(
        name="counts",
        title="Where everything went",
        columns=("received", "= kept", "+ witnessed", "+ quarantined", "+ suppressed", "adds up"),
        rows=(
            (
                f"{counts.received:,}",
                f"{counts.kept:,}",
                f"{counts.witnessed:,}",
                f"{counts.quarantined:,}",
                f"{counts.suppressed:,}",
                "yes" if counts.adds_up else "NO",
            ),
        ),
        numeric=frozenset({"received", "= kept", "+ witnessed", "+ quarantined", "+ suppressed"}),
    )


def _told(name: str, title: str, events: list[tuple[str, str]]) -> Table:
    return Table(
        name=name,
        title=title,
        columns=("what", "in words"),
        rows=tuple((what, plain(text)) for what, text in events[:CELL_ROWS]),
        total=len(events),
        left_out=max(len(events) - CELL_ROWS, 0),
    )


def sealed_table(changes: "tuple[SealedChange, ...]") -> Table:
    """Return what would change in sealed years."""
    return Table(
        name="sealed changes",
        title="Sealed years stay as they are; what would change in them",
        columns=("year", "what", "entry", "reason"),
        rows=tuple(
            (str(each.year), each.kind.value, plain(each.entry_id), plain(each.reason))
            for each in changes
        ),
    )


def balances_table(balances: Mapping[str, Decimal]) -> Table:
    """Return what entries add up to."""
    return Table(
        name="balances",
        title="What the entries add up to",
        columns=("currency", "amount"),
        rows=tuple((currency, f"{total:f}") for currency, total in balances.items()),
        numeric=frozenset({"amount"}),
    )


def _when(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
