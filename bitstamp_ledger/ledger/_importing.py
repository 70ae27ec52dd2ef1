"""Taking in files, and what they say about each other and about the records."""

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from bitstamp_ledger.errors import LedgerError
from bitstamp_ledger.files import StatementSource
from bitstamp_ledger.ledger import _files, _matching, _runs
from bitstamp_ledger.ledger._base import LedgerBase
from bitstamp_ledger.ledger._names import Hidden
from bitstamp_ledger.ledger._reports import ImportReport
from bitstamp_ledger.ledger._store import allocate
from bitstamp_ledger.ledger._values import ImportedFile
from bitstamp_ledger.model import Entry, UnknownEntry
from bitstamp_ledger.reconcile import Counts, Reconciliation

if TYPE_CHECKING:
    from bitstamp_ledger.files._mapping import ColumnMapping


class Importing(LedgerBase):
    """The part of a ledger that takes in files."""

    def import_file(
        self,
        path: StatementSource,
        *,
        format: str | None = None,  # noqa: A002 - as in `read_statement`
        timezone: str | dt.tzinfo | None = None,
        account: str | None = None,
        date_order: _files.DateOrderName | None = None,
        part: str | None = None,
        columns: "ColumnMapping | None" = None,
    ) -> ImportReport:
        """Take in a trade file; its rows are reconciled with all that is held.

        The ledger keeps the bytes of the file.  The same file twice, or the same rows under another
        name, changes nothing.

        Args:
            path: as for `bitstamp_ledger.read_statement`, like all further ones.
            format: the name of its format.
            timezone: the zone of printed times that state none.
            account: the account of rows that state none.
            date_order: which of day and month comes first.
            part: the file in an archive, or the sheet of a workbook.
            columns: which column is what, in a table of no known format.

        Raises:
            StatementError: it cannot be read; nothing was changed.
            LedgerError: the same bytes are in the ledger already, read in another way.
        """
        settings = _files.settings_for(
            format_name=format,
            timezone=timezone,
            account=account,
            date_order=date_order,
            part=part,
            columns=columns,
        )
        fact = _files.read_fact(path, settings)
        at = self._clock()
        run_id: int | None = None
        with self._store.write() as connection:
            present = _files.present_ids(connection)
            file_id = _files.same_file(connection, fact)
            twin = _files.same_rows(connection, fact, present)
            if file_id not in present:
                other = _files.read_otherwise(connection, fact, present)
                if other is not None:
                    raise _already_read(other)
            if file_id in present or twin is not None:
                file_id = file_id if file_id in present else twin
            else:
                run_id = _runs.begin_run(connection, "import", at)
                if file_id is None:
                    file_id = _files.store(connection, fact)
                _files.note_import(connection, file_id, run_id, present=True)
                # A page that is on its way did not know of this file: it must come before it.
                allocate(connection, "records", 0)
                _matching.mark_stale(connection)
                counts = attrs.asdict(fact.statement.counts)
                _runs.end_run(connection, run_id, at, counts=counts)
        return self._import_report(int(file_id or 0), run_id, fact)

    def _import_report(
        self, file_id: int, run_id: int | None, fact: _files.FileFact
    ) -> ImportReport:
        rows = fact.statement.counts
        received = rows.rows - rows.set_aside
        report = ImportReport(
            file_id=file_id,
            run_id=run_id,
            name=fact.name,
            format=fact.statement.format,
            already=run_id is None,
            counts=Counts(received=received, kept=0, witnessed=received, quarantined=0),
            problems=tuple(map(str, fact.statement.problems)),
            doubts=fact.statement.doubts,
        )
        if report.already:
            return report
        matched = self._refresh()
        if matched is None:  # Somebody else made the views anew in between.
            with self._store.read() as connection:
                matched = _matching.reconciled(connection, self._matcher)
        if matched is None:  # And removed the file.
            return report
        return attrs.evolve(
            _reconciled(report, matched, rows.unreadable, self._hidden_now()),
            sealed_changes=self.sealed_changes(),
        )

    def remove_import(self, file_id: int) -> None:
        """Take the rows of a file out again; everything shows as if it had never been imported.

        The bytes are kept, and what people said about its rows: it can be imported again.

        Raises:
            LedgerError: there is no such file in the ledger.
        """
        at = self._clock()
        with self._store.write() as connection:
            if file_id not in _files.present_ids(connection):
                raise LedgerError(
                    f"There is no file {file_id} in the ledger.",
                    hint="imports() lists the files with their numbers.",
                )
            run_id = _runs.begin_run(connection, "removal", at)
            _files.note_import(connection, file_id, run_id, present=False)
            _matching.mark_stale(connection)
            _runs.end_run(connection, run_id, at, counts={})
        self._refresh()

    def reconcile(self) -> Reconciliation:
        """Return which rows of files are which records, for everything that is held.

        The ledger keeps this up to date by itself; the result is for looking at, and for
        `confirm` and `reject`.  It holds every entry in memory.
        """
        self._refresh()
        with self._store.read() as connection:
            return _matching.whole(connection, self._matcher)

    def imports(self) -> tuple[ImportedFile, ...]:
        """Return the files that were imported, those removed since included."""
        with self._store.read() as connection:
            return tuple(_files.imported(connection))

    def file_content(self, file_id: int) -> bytes:
        """Return the bytes of a file that was imported."""
        with self._store.read() as connection:
            return _files.content_of(connection, file_id)


def _already_read(other: ImportedFile) -> LedgerError:
    return LedgerError(
        f"These bytes are in the ledger already, as file {other.id} ({other.name or 'no name'}), "
        "and were read in another way; a second reading would double every row.",
        hint=f"Call remove_import({other.id}) and import it again as it should be read; "
        "what was said about its rows is kept.",
    )


def _reconciled(
    report: ImportReport, matched: _matching.Matched, unreadable: int, hidden: Hidden
) -> ImportReport:
    """Pick out of a reconciliation what concerns one file."""
    outcome = matched.outcome
    name = matched.name_of(report.file_id)

    def of_this_file(rows: Iterable[Entry]) -> bool:
        return any(row.source.path == name for row in rows)

    new = tuple(entry for entry in outcome.new if of_this_file([entry]))
    shown = [entry for entry in new if not hidden.hides(entry.id, report.file_id)]
    suppressed = len(new) - len(shown)
    unknown = sum(isinstance(entry, UnknownEntry) for entry in shown)
    received = report.counts.received
    return attrs.evolve(
        report,
        counts=Counts(
            received=received,
            kept=len(new) - suppressed - unknown,
            witnessed=received - unreadable - len(new),
            quarantined=unknown + unreadable,
            suppressed=suppressed,
        ),
        matches=tuple(
            match
            for match in (*outcome.matches, *outcome.file_matches)
            if of_this_file(match.file if match.api else match.file[1:])
        ),
        new=new,
        conflicts=tuple(each for each in outcome.conflicts if of_this_file(each.file)),
        suspects=tuple(each for each in outcome.suspects if of_this_file([each.row])),
    )
