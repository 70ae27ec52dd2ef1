"""A kept ledger as a page for people who keep books, and as a notebook cell."""

import datetime as dt
import itertools
from collections.abc import Iterable
from typing import Final

import attrs

from bitstamp_ledger._page import (
    ENTRY_COLUMNS,
    LISTED,
    Card,
    HasSection,
    Mood,
    PathName,
    Report,
    Section,
    Table,
    entry_cells,
    plain,
    to_notebook,
)
from bitstamp_ledger.ledger._importing import Importing
from bitstamp_ledger.ledger._reading import Reading
from bitstamp_ledger.ledger._saying import Saying
from bitstamp_ledger.ledger._showing import Showing
from bitstamp_ledger.ledger._shown import (
    CELL_ROWS,
    balances_table,
    counts_table,
    proof_section,
    sealed_table,
)
from bitstamp_ledger.ledger._values import AccountCondition
from bitstamp_ledger.model import Entry

NOT_ON_THE_PAGE: Final = frozenset({"counts", "ledger"})
"""What a ledger knows better than the reconciliation: what people hid counts there as kept."""


class Telling(Reading, Importing, Saying, Showing):
    """The part of a ledger that tells all of it to people."""

    def report(
        self,
        path: PathName | None = None,
        *,
        limit: int | None = LISTED,
        also: Iterable[HasSection] = (),
    ) -> Report:
        """Tell all that is held, for people who keep books; written as one page if a path is given.

        The page needs no server and loads nothing.  For each account the entries are compared with
        the last balances that a sync kept, without asking the exchange.  Every entry is held in
        memory meanwhile.

        Args:
            path: where to write it; needs the extra ``report``.
            limit: list at most so many rows of each table; all are counted.  None lists all.
            also: what else it tells, such as the `Proof` that `prove` just returned.

        Raises:
            BitstampLedgerError: the file cannot be written.
            MissingExtraError: the extra ``report`` is not installed.
        """
        told = self.reconcile().report(limit=limit, made_at=self._clock())
        sections = [
            self.counts().section(),
            *self._proofs(),
            *(each for each in told.sections if each.name not in NOT_ON_THE_PAGE),
            self._held(limit),
            self._said(limit),
            self._known(),
        ]
        report = attrs.evolve(
            told,
            title="Ledger",
            subject=(
                f"{plain(self._store.name)}: every event of the accounts below, from the exchange "
                "and from files, each once."
            ),
            sections=tuple(sections),
        ).plus(each.section() for each in also)
        if path is not None:
            report.write(path)
        return report

    def _repr_html_(self) -> str:
        return to_notebook(
            [f"Ledger {plain(self._store.name)}"],
            (
                counts_table(self.counts()),
                balances_table(self.balances()),
                self._accounts_table(),
                self._files_table(CELL_ROWS),
            ),
        )

    def _proofs(self) -> list[Section]:
        read = [each.name for each in self.accounts() if each.synced_at is not None]
        return [
            attrs.evolve(proof_section(self.proof_of(name, steady=True)), name=f"proof {number}")
            for number, name in enumerate(read, start=1)
        ]

    def _held(self, limit: int | None) -> Section:
        reading = self.entries()
        first = list(itertools.islice(reading, limit))
        number = len(first) + sum(1 for _ in reading)
        labels = self._labels(first)
        table = Table(
            name="ledger",
            title="Entries",
            columns=(*ENTRY_COLUMNS, "label", "note"),
            rows=tuple((*entry_cells(each), *labels.get(each.id, ("", ""))) for each in first),
            total=number,
            left_out=number - len(first),
            numeric=frozenset({"fee"}),
            choices=frozenset({"kind", "account", "label"}),
        )
        return Section(
            name="ledger",
            title="The ledger",
            short="Ledger",
            text="Every event once, in the order of time; what people hid is left out.",
            card=Card(
                title="Entries in the ledger",
                figure=f"{number:,}",
                text=f"from {first[0].time:%Y-%m-%d}" if first else "none",
            ),
            tables=(balances_table(self.balances()), table),
            empty="There is no entry.",
        )

    def _labels(self, entries: Iterable[Entry]) -> dict[str, tuple[str, str]]:
        if not self.decisions():  # Most ledgers; asking for each entry takes its time.
            return {}
        said = ((each.id, self.annotation(each.id)) for each in entries)
        return {
            entry_id: (plain(known.label or ""), plain(known.note or ""))
            for entry_id, known in said
            if known is not None
        }

    def _said(self, limit: int | None) -> Section:
        decisions = self.decisions()
        undone = sum(each.undone for each in decisions)
        return Section(
            name="decisions",
            title="What people decided",
            short="Decisions",
            text="Decisions are kept apart from the facts, and can be undone.",
            card=Card(
                title="Decisions of people",
                figure=f"{len(decisions):,}",
                text=f"{undone:,} of them undone" if undone else "none of them undone",
            ),
            tables=(
                Table(
                    name="decisions",
                    title="Decisions",
                    columns=("number", "when (UTC)", "what", "entry", "content", "by", "undone"),
                    rows=tuple(
                        (
                            str(each.id),
                            _minute(each.at),
                            each.kind.value,
                            plain(" and ".join(filter(None, (each.entry_id, each.other_id)))),
                            plain(", ".join(f"{k}: {v}" for k, v in each.content.items())),
                            plain(each.author or "not stated"),
                            "yes" if each.undone else "no",
                        )
                        for each in decisions[:limit]
                    ),
                    total=len(decisions),
                    left_out=0 if limit is None else max(len(decisions) - limit, 0),
                    numeric=frozenset({"number"}),
                    choices=frozenset({"what", "by", "undone"}),
                ),
                sealed_table(self.sealed_changes()),
            ),
            empty="Nobody decided anything.",
        )

    def _known(self) -> Section:
        paused = sum(each.condition is AccountCondition.PAUSED for each in self.accounts())
        sealed = ", ".join(map(str, self.seals()))
        return Section(
            name="accounts",
            title="Accounts, files and sealed years",
            short="Accounts",
            text=f"Sealed years: {sealed}." if sealed else "No year is sealed.",
            card=Card(
                title="Accounts",
                figure=f"{len(self.accounts()):,}",
                text=f"{paused:,} paused" if paused else "none paused",
                mood=Mood.LOOK if paused else Mood.PLAIN,
            ),
            tables=(self._accounts_table(), self._files_table(None)),
            empty="The ledger has heard of no account and no file.",
        )

    def _accounts_table(self) -> Table:
        return Table(
            name="accounts",
            title="Accounts",
            columns=("account", "state", "last sync (UTC)", "what to do"),
            rows=tuple(
                (
                    plain(each.name),
                    plain(f"paused: {each.reason}" if each.reason else each.condition.value),
                    "never" if each.synced_at is None else _minute(each.synced_at),
                    plain(each.advice or ""),
                )
                for each in self.accounts()
            ),
        )

    def _files_table(self, limit: int | None) -> Table:
        files = self.imports()
        return Table(
            name="files",
            title="Files",
            columns=("number", "name", "format", "imported (UTC)", "present", "SHA-256"),
            rows=tuple(
                (
                    str(each.id),
                    plain(each.name or ""),
                    each.format,
                    _minute(each.imported_at),
                    "yes" if each.present else "removed",
                    each.digest,
                )
                for each in files[:limit]
            ),
            total=len(files),
            left_out=0 if limit is None else max(len(files) - limit, 0),
            numeric=frozenset({"number"}),
        )


def _minute(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
