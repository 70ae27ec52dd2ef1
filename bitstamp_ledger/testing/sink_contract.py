"""What every sink promises, one test to a rule.

A rule that a sink's capabilities do not touch holds by itself.  Every test has a folder of its own
and calls the sink directly, without the engine, so that a fault is the sink's.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Final, NoReturn

import attrs

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import UTC, Amount, Deposit, Entry, Source, Trade, UnknownEntry
from bitstamp_ledger.sinks import (
    SCHEMA_VERSION,
    Batch,
    Capabilities,
    Checkpoint,
    Completed,
    Failed,
    Operation,
    Outcome,
    Receipt,
    Retract,
    RunInfo,
    Sink,
    Upsert,
)

_NOON: Final = dt.datetime(2024, 3, 1, 12, 0, 37, 512, tzinfo=UTC)
_LEDGER: Final = "the ledger of the contract"


@attrs.frozen(kw_only=True)
class StoredRow:
    """One row as a sink's target holds it.  What the format has no place for is None."""

    id: str
    amounts: tuple[Decimal, ...] | None = None
    """The signed amounts, in the order of the entry's legs."""

    account: str | None = None
    time: dt.datetime | None = None


class SinkContract:
    """Inherit it as ``Test...``, and say how a sink is made and how its target is read."""

    ordered: ClassVar[bool] = True
    """Whether `stored` returns the rows of a first run in the order in which they were written."""

    def make(self, place: Path) -> Sink:
        """Return a new sink that writes to ``place``, a folder; always to the same target."""
        raise NotImplementedError

    def stored(self, place: Path) -> Iterable[StoredRow]:
        """Read the target; nothing where it does not exist.  Every row, repeats included."""
        raise NotImplementedError

    # -- the rules

    def test_capabilities_are_stated(self, tmp_path: Path) -> None:
        """The engine reads them before anything else, and a person agrees to losses by them."""
        capabilities: object = self.make(tmp_path).capabilities
        if not isinstance(capabilities, Capabilities):
            _broken("capabilities must be a Capabilities", capabilities)

    def test_a_run_stores_what_was_written(self, tmp_path: Path) -> None:
        """Every entry once: ids, signed amounts, accounts, times, in order."""
        entries = [_trade(number) for number in range(1, 4)]
        receipts = self._run(tmp_path, Batch.of(entries[:2]), Batch.of(entries[2:]))
        self._expect(tmp_path, entries)
        if [receipt.rows for receipt in receipts] != [2, 1]:
            _broken("a receipt counts the rows of its batch", receipts)

    def test_a_receipt_names_its_batch(self, tmp_path: Path) -> None:
        """It is the word that these rows are stored, and no others."""
        batch = Batch.of([_trade(1)])
        (receipt,) = self._run(tmp_path, batch)
        if receipt.batch_id != batch.id:
            _broken("a receipt has the id of its batch", receipt)

    def test_the_same_batch_again_changes_nothing(self, tmp_path: Path) -> None:
        """Who does not hear the answer asks again."""
        batch = Batch.of([_trade(1), _deposit(2)])
        first, again = self._run(tmp_path, batch, batch)
        self._expect(tmp_path, batch.entries)
        if first.rows != again.rows:
            _broken("the same batch has the same receipt", (first, again))

    def test_the_same_run_again_changes_nothing(self, tmp_path: Path) -> None:
        """An export is made twice; a follower that lost its memory begins anew."""
        if self._only_appends(tmp_path):
            return
        batch = Batch.of([_trade(1), _deposit(2)])
        self._run(tmp_path, batch)
        self._run(tmp_path, batch)
        self._expect(tmp_path, batch.entries)

    def test_a_crash_before_the_receipt_loses_and_doubles_nothing(self, tmp_path: Path) -> None:
        """The next program asks the sink where it stands, or sends the batch again."""
        if self._only_appends(tmp_path):
            return
        first = _numbered(1, Upsert(_trade(1)))
        second = _numbered(2, Upsert(_trade(2)), Upsert(_deposit(3)))
        sink = self._opened(tmp_path)
        sink.write(first)
        receipt = sink.write(second)
        self.crash(sink)
        if receipt.durable:
            self._expect(tmp_path, [*first.entries, *second.entries])
        after = self._opened(tmp_path, close=True)
        if after.capabilities.stores_checkpoint and receipt.durable:
            self._expect_position(tmp_path, "2")
        self._run(tmp_path, first, second)
        self._expect(tmp_path, [*first.entries, *second.entries])

    def test_a_checkpoint_is_that_of_the_last_batch_and_of_its_ledger(self, tmp_path: Path) -> None:
        """Two ledgers write to one table; neither may skip what the other has sent."""
        if not self._capabilities(tmp_path).stores_checkpoint:
            return
        self._expect_position(tmp_path, None)
        self._run(tmp_path, _numbered(1, Upsert(_trade(1))), _numbered(2, Upsert(_trade(2))))
        self._expect_position(tmp_path, "2")
        self._expect_position(tmp_path, None, ledger="another ledger")

    def test_digits_are_exact_or_refused(self, tmp_path: Path) -> None:
        """A satoshi, 18 decimals, 38 digits: never rounded, never a float."""
        if self._capabilities(tmp_path).decimals == "lossy":
            return
        values = (
            "0.00000001",
            "-0.000000000000000001",
            "12345678901234567890.123456789012345678",
            "99999999999999999999999999999999999999",
            "0.1",
            "1E+3",
        )
        for number, value in enumerate(values, start=1):
            place = _folder(tmp_path, f"value {number}")
            entry = _deposit(number, value)
            try:
                self._run(place, Batch.of([entry]))
            except SinkError:
                if number in {1, 2, 5, 6}:  # Ordinary amounts, which every sink must hold.
                    raise
                self._expect(place, [])
                continue
            self._expect(place, [entry])

    def test_microseconds_survive(self, tmp_path: Path) -> None:
        """Two trades of one second keep their order."""
        if self._capabilities(tmp_path).times == "lossy":
            return
        entry = attrs.evolve(_trade(1), time=_NOON.replace(microsecond=999_999))
        self._run(tmp_path, Batch.of([entry]))
        self._expect(tmp_path, [entry])

    def test_an_upsert_replaces_what_is_stored(self, tmp_path: Path) -> None:
        """The exchange states a record differently; there are no two of it."""
        if not self._capabilities(tmp_path).upsert:
            return
        old, new = _deposit(1, "0.1"), _deposit(1, "0.2")
        self._run(tmp_path, Batch.of([old]))
        self._run(tmp_path, Batch.of([new]))
        self._expect(tmp_path, [new])

    def test_the_higher_revision_holds_in_whatever_order(self, tmp_path: Path) -> None:
        """What was sent first may arrive last; it is old all the same."""
        if not self._capabilities(tmp_path).upsert:
            return
        old, new = _deposit(1, "0.1"), _deposit(1, "0.2")
        self._run(tmp_path, _batch(Upsert(new, revision=2)))
        self._run(tmp_path, _batch(Upsert(old, revision=1)))
        self._expect(tmp_path, [new])
        self._run(tmp_path, _batch(Upsert(old, revision=3)))
        self._expect(tmp_path, [old])
        self._run(tmp_path, _batch(Upsert(new)))  # It states none: the one that comes last.
        self._expect(tmp_path, [new])
        self._run(tmp_path, _batch(Upsert(old, revision=2)))
        self._expect(tmp_path, [new])

    def test_what_is_taken_back_is_gone_and_can_return(self, tmp_path: Path) -> None:
        """Hidden, then shown again.  A sink that cannot says so instead of passing it over."""
        entry, other = _deposit(1), _deposit(2)
        if not self._capabilities(tmp_path).retract:
            self._expect_refusal(tmp_path, other, Retract(entry.id, "hidden"))
            return
        self._run(tmp_path, _batch(Upsert(entry, revision=1), Upsert(other, revision=1)))
        self._run(tmp_path, _batch(Retract(entry.id, "hidden", revision=2)))
        self._expect(tmp_path, [other])
        self._run(tmp_path, _batch(Upsert(entry, revision=3)))
        self._expect(tmp_path, [other, entry], ordered=False)

    def test_an_old_word_does_not_revive_what_was_taken_back(self, tmp_path: Path) -> None:
        """Else a batch that was late would bring a hidden entry back."""
        if not self._capabilities(tmp_path).retract:
            return
        entry = _deposit(1)
        self._run(tmp_path, _batch(Upsert(entry, revision=1)))
        self._run(tmp_path, _batch(Retract(entry.id, "hidden", revision=2)))
        self._run(tmp_path, _batch(Upsert(entry, revision=1)))
        self._expect(tmp_path, [])

    def test_taking_back_what_is_not_there_does_nothing(self, tmp_path: Path) -> None:
        """After a crash nobody knows what a sink holds; a retraction too many is no fault."""
        if not self._capabilities(tmp_path).retract:
            return
        self._run(tmp_path, _batch(Retract("nobody/knows/1", "gone"), Upsert(_deposit(1))))
        self._expect(tmp_path, [_deposit(1)])

    def test_two_accounts_with_the_same_ids_are_kept_apart(self, tmp_path: Path) -> None:
        """The exchange counts per account; a sink that keys by its number would lose half."""
        entries = [
            attrs.evolve(_deposit(1, "0.1"), id="One/deposit/1", account="One"),
            attrs.evolve(_deposit(1, "0.2"), id="Two/deposit/1", account="Two"),
        ]
        self._run(tmp_path, Batch.of(entries))
        self._expect(tmp_path, entries)

    def test_ids_that_differ_in_case_or_a_space_are_kept_apart(self, tmp_path: Path) -> None:
        """Names of accounts are people's; some databases compare text loosely."""
        entries = [
            attrs.evolve(_deposit(number), id=f"{account}/deposit/1", account=account)
            for number, account in enumerate(("Savings", "savings", "sävings"))
        ]
        entries.append(attrs.evolve(_deposit(4), id=f"{entries[0].id} "))
        self._run(tmp_path, Batch.of(entries))
        self._expect(tmp_path, entries)

    def test_records_that_nobody_understood_are_stored(self, tmp_path: Path) -> None:
        """With any number of amounts: they are part of the balance."""
        amounts = ((), (Amount("1", "BTC"),), (Amount("1", "BTC"), Amount("-2", "EUR")))
        entries = [
            UnknownEntry(
                id=f"Main Account/unknown/{number}",
                time=_NOON,
                legs=legs,
                reason="a type that is not known",
                code="99",
                source=Source(endpoint="user_transactions", raw={"type": "99"}),
            )
            for number, legs in enumerate(amounts)
        ]
        self._run(tmp_path, Batch.of(entries))
        self._expect(tmp_path, entries)

    def test_a_run_without_entries_completes(self, tmp_path: Path) -> None:
        """A new account has no history; that is no failure."""
        (receipt,) = self._run(tmp_path, Batch(operations=()))
        self._expect(tmp_path, [])
        if receipt.rows:
            _broken("an empty batch has no rows", receipt)

    def test_a_newer_schema_is_refused(self, tmp_path: Path) -> None:
        """Names that a sink was not written for would be stored wrongly, or not at all."""
        sink = self.make(tmp_path)
        try:
            sink.open(RunInfo(sink="contract", schema_version=SCHEMA_VERSION + 1))
        except SinkError:
            self._expect(tmp_path, [])
            return
        sink.close(Failed("the test is over"))
        _broken("open() refuses a newer schema: call run.require_schema()", sink)

    def test_text_comes_back_as_it_was(self, tmp_path: Path) -> None:
        """Letters of all scripts, quotes, separators, line breaks, what looks like a formula."""
        texts = (
            "Zürich, 東京 💶",
            'it\'s "quoted"; a,b|c\\d',
            "two\nlines",
            "three\r\nwith\rreturns\ttabs",
            "=1+1",
            "@SUM(A1)",
            "-0.5",
            "+41",
            "'quoted",
            "%s {0} $1 :x ?",
            " around ",
        )
        entries = [
            attrs.evolve(_deposit(number), account=text) for number, text in enumerate(texts)
        ]
        self._run(tmp_path, Batch.of(entries))
        self._expect(tmp_path, entries)

    def test_two_writers_do_not_spoil_each_other(self, tmp_path: Path) -> None:
        """One may be refused; no row of either is torn, lost in silence, or doubled."""
        batches = [Batch.of([_trade(1), _trade(2)]), Batch.of([_deposit(3), _deposit(4)])]
        writers = [self._opened(tmp_path)]
        written: list[Batch] = []
        refused: set[int] = set()
        try:
            writers.append(self._opened(tmp_path))
        except SinkError:  # Its right: one at a time.
            batches.pop()
        for number, (writer, batch) in enumerate(zip(writers, batches, strict=True)):
            try:
                writer.write(batch)
            except SinkError:
                refused.add(number)
            else:
                written.append(batch)
        for number, writer in enumerate(writers):
            writer.close(Failed("it was refused") if number in refused else Completed())
        if not written:
            _broken("of two writers, one at least succeeds", batches)
        if self._capabilities(tmp_path).replaces:
            self._expect(tmp_path, written[-1].entries)
        else:
            entries = [entry for batch in written for entry in batch.entries]
            self._expect(tmp_path, entries, ordered=False)

    def test_the_same_entries_give_the_same_bytes(self, tmp_path: Path) -> None:
        """Exports can be compared and signed: no clock, no chance, no order of a hash."""
        if not self._capabilities(tmp_path).replaces:
            return
        places = [_folder(tmp_path, name) for name in ("one", "two")]
        batch = Batch.of([_trade(1), _deposit(2)])
        for place in places:
            self._run(place, batch)
        self._run(places[1], batch)
        contents = [_files(place) for place in places]
        if contents[0] != contents[1]:
            _broken("the same entries give the same bytes", sorted(contents[0]))

    def test_a_run_that_fails_leaves_what_was_durable_and_no_more(self, tmp_path: Path) -> None:
        """Yesterday's export is better than half of today's."""
        before: list[Entry] = [_trade(1)]
        more: list[Entry] = [_deposit(2)]
        self._run(tmp_path, Batch.of(before))
        sink = self._opened(tmp_path)
        receipt = sink.write(Batch.of(more))
        sink.close(Failed("the reader gave up"))
        kept = before
        if receipt.durable:
            kept = more if sink.capabilities.replaces else [*before, *more]
        self._expect(tmp_path, kept)

    def test_a_run_that_fails_can_be_followed_by_another(self, tmp_path: Path) -> None:
        """Nothing is left locked or half open."""
        sink = self._opened(tmp_path)
        sink.close(Failed("the reader gave up"))
        self._run(tmp_path, Batch.of([_trade(1)]))
        self._expect(tmp_path, [_trade(1)])

    # -- what a subclass may change

    def crash(self, sink: Sink) -> None:
        """Let the program of ``sink`` die: it is never closed.  Free what only a dead one frees."""

    # -- how the rules are looked at

    def _capabilities(self, place: Path) -> Capabilities:
        return self.make(place).capabilities

    def _only_appends(self, place: Path) -> bool:
        capabilities = self._capabilities(place)
        return capabilities.append_only and not capabilities.upsert

    def _opened(self, place: Path, *, close: bool = False) -> Sink:
        sink = self.make(place)
        sink.open(RunInfo(sink="contract", ledger=_LEDGER))
        if close:
            sink.close(Failed("only a look"))
        return sink

    def _run(self, place: Path, *batches: Batch, outcome: Outcome | None = None) -> list[Receipt]:
        sink = self._opened(place)
        try:
            receipts = [sink.write(batch) for batch in batches]
        except BaseException:
            sink.close(Failed("it was refused"))
            raise
        sink.close(outcome or Completed())
        return receipts

    def _expect(
        self,
        place: Path,
        entries: Sequence[Entry],
        *,
        ordered: bool = True,
    ) -> None:
        found = list(self.stored(place))
        ids, wanted_ids = [row.id for row in found], [entry.id for entry in entries]
        in_order = self.ordered and ordered
        if (ids if in_order else sorted(ids)) != (wanted_ids if in_order else sorted(wanted_ids)):
            _broken(f"these ids are stored, each once: {wanted_ids}", ids)
        rows = {row.id: row for row in found}
        capabilities = self._capabilities(place)
        for entry in entries:
            row = rows[entry.id]
            exact = capabilities.decimals != "lossy"
            values = tuple(leg.value for leg in entry.legs)
            if exact and row.amounts is not None and row.amounts != values:
                _broken(f"the amounts of {entry.id} are {values}", row.amounts)
            if row.account is not None and row.account != entry.account:
                _broken(f"the account of {entry.id} is {entry.account!r}", row.account)
            timely = capabilities.times != "lossy"
            if timely and row.time is not None and row.time != entry.time:
                _broken(f"the time of {entry.id} is {entry.time}", row.time)

    def _expect_position(self, place: Path, position: str | None, *, ledger: str = _LEDGER) -> None:
        sink = self.make(place)
        found = sink.open(RunInfo(sink="contract", ledger=ledger))
        sink.close(Failed("only a look"))
        stated = None if found is None else found.position
        if stated != position:
            _broken(f"the checkpoint of {ledger!r} is {position}", stated)

    def _expect_refusal(self, place: Path, entry: Entry, operation: Operation) -> None:
        try:
            self._run(place, _batch(Upsert(entry)), _batch(operation))
        except SinkError:
            return
        _broken("what a sink cannot do it refuses with a SinkError", operation)


def _broken(rule: str, found: object) -> NoReturn:
    raise AssertionError(f"{rule}; found: {found!r}")


def _batch(*operations: Operation) -> Batch:
    return Batch(operations=operations)


def _numbered(position: int, *operations: Operation) -> Batch:
    return Batch(operations=operations, checkpoint=Checkpoint(str(position)))


def _deposit(number: int, value: str = "0.10") -> Deposit:
    return Deposit(
        id=f"Main Account/deposit/{number}",
        transaction_id=number,
        time=_NOON + dt.timedelta(seconds=number),
        legs=(Amount(value, "BTC"),),
        source=Source(endpoint="user_transactions", raw={"id": number}),
    )


def _trade(number: int) -> Trade:
    return Trade(
        id=f"Main Account/trade/{number}",
        transaction_id=number,
        order_id=1_458_532_827_766_784 + number,
        time=_NOON + dt.timedelta(seconds=number),
        legs=(Amount("0.00000001", "BTC"), Amount("-0.0004", "EUR")),
        fee=Amount("0.00", "EUR"),
        price=Decimal(40_000),
        source=Source(endpoint="user_transactions", raw={"id": number}),
    )


def _folder(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    return made


def _files(place: Path) -> Mapping[str, Any]:
    return {
        str(found.relative_to(place)): found.read_bytes()
        for found in sorted(place.rglob("*"))
        if found.is_file()
    }
