"""A result as JSON, and back: nothing is lost, and nothing that is read can do harm."""

import contextlib
import datetime as dt
import decimal
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstamp_ledger import (
    Amount,
    BitstampLedgerError,
    Conflict,
    Counts,
    Deposit,
    Entry,
    Grade,
    Match,
    Precision,
    Reconciliation,
    Rule,
    Source,
    Suspect,
    Trade,
    read_statement,
    reconcile,
)
from bitstamp_ledger.reconcile import IdTrust, StatementReading, StatementZone
from tests import strategies
from tests.reconcile.builders import Happened, g1, g2, g2_row, g2_text, raw_records, records
from tests.reconcile.histories import history

A = Happened()


def a_result() -> Reconciliation:
    """Return a result that has a match, a new row, a suspect and a conflict."""
    trades = [A, attrs.evolve(A, id=7, time="2021-03-28 00:50:00", amount="0.5")]
    edited = attrs.evolve(trades[1], amount="0.6")
    late = attrs.evolve(A, time="2021-03-28 00:52:00")
    lone = attrs.evolve(A, id=8, time="2021-03-28 00:51:59", order=8)
    return reconcile(records([*trades, lone]), [g1(A, late), g2(edited)])


WRITTEN = a_result().to_json()


def document(result: Reconciliation) -> dict[str, Any]:
    """Return what is written, as any reader of JSON sees it."""
    read: dict[str, Any] = json.loads(result.to_json())
    return read


def texts() -> st.SearchStrategy[str]:
    """Texts, those of file names among them, which need not be Unicode."""
    return strategies.texts() | st.text(st.characters(categories=["Ll", "Cs"]), max_size=3)


def _tuples(of: st.SearchStrategy[Any], *, min_size: int = 0) -> st.SearchStrategy[Any]:
    return st.lists(of, min_size=min_size, max_size=2).map(tuple)


@st.composite
def reconciliations(draw: st.DrawFn) -> Reconciliation:
    """Any values in the fields of a result, whether they make sense together or not."""
    known = draw(st.lists(strategies.entries(), min_size=1, max_size=3))
    known += [
        attrs.evolve(entry, source=attrs.evolve(entry.source, path=draw(texts()), row=number))
        for number, entry in enumerate(known, 1)
    ]
    entry = st.sampled_from(known)
    entries = _tuples(entry)
    match = st.builds(
        Match,
        api=entries,
        file=_tuples(entry, min_size=1),
        rule=st.sampled_from(Rule),
        grade=st.sampled_from(Grade),
    )
    paths = st.none() | texts()
    number = st.integers(0, 2**70)
    return draw(
        st.builds(
            Reconciliation,
            entries=entries,
            matches=_tuples(match),
            file_matches=_tuples(match),
            api_only=entries,
            new=entries,
            conflicts=_tuples(st.builds(Conflict, api=entries, file=entries, reason=texts())),
            suspects=_tuples(st.builds(Suspect, row=entry, near=entry, field=texts())),
            zones=_tuples(
                st.builds(StatementZone, path=paths, format=texts(), zone=texts(), evidence=texts())
            ),
            ids=_tuples(
                st.builds(
                    IdTrust,
                    path=paths,
                    trusted=st.booleans(),
                    agreeing=number,
                    contradicting=number,
                    explanation=texts(),
                )
            ),
            counts=st.builds(
                Counts,
                received=number,
                kept=number,
                witnessed=number,
                quarantined=number,
                suppressed=number,
            ),
            readings=_tuples(
                st.builds(
                    StatementReading, path=paths, question=texts(), answer=texts(), evidence=texts()
                )
            ),
        )
    )


def spelled(value: object) -> object:
    """Return a value in which 1.0 and 1.00 differ, and 1 and True."""
    match value:
        case Decimal() | bool() | int():
            return type(value), str(value)
        case Mapping():
            return [(key, spelled(each)) for key, each in value.items()]
        case str():
            return value
        case Sequence():
            return [spelled(each) for each in value]
        case _ if attrs.has(type(value)):
            fields = [each.name for each in attrs.fields(type(value))]  # type: ignore[arg-type]
            return type(value), [spelled(getattr(value, name)) for name in fields]
        case _:
            return value


# -- laws


@given(reconciliations())
@settings(max_examples=12, deadline=None)
def test_what_is_written_is_read_again(result: Reconciliation) -> None:
    """To the last digit; and written again it is the same bytes."""
    raw = result.to_json()
    again = Reconciliation.from_json(raw)
    assert again == result
    assert spelled(again) == spelled(result)
    assert again.to_json() == raw
    assert json.loads(raw)["kind"] == "reconciliation"


@pytest.mark.parametrize("seed", range(6))
def test_real_results_are_read_again(seed: int) -> None:
    """Of invented histories in formats of all kinds; its explanations say the same."""
    true = history(seed, trades=30)
    result = reconcile(true.api, [file.statement for file in true.files])
    again = Reconciliation.from_json(result.to_json())
    assert again == result
    assert again.unexplained == result.unexplained
    assert [match.explain() for match in again.matches] == [
        match.explain() for match in result.matches
    ]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(("kind", "schema", "precisions", "records", "result", "$utf8"))
                | st.text(max_size=3),
                inner,
                max_size=5,
            )
        ),
        max_leaves=12,
    )
)
@settings(max_examples=80, deadline=None)
def test_other_json_is_one_error(value: object) -> None:
    """Whatever it is."""
    with pytest.raises(BitstampLedgerError):
        Reconciliation.from_json(json.dumps(value))


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_damage_is_one_error_or_harmless(data: st.DataObject) -> None:
    """One value of a document is replaced by another: it is noticed, or it makes sense."""
    whole = json.loads(WRITTEN)
    place: Any = whole
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        place = inner
    place[key] = data.draw(
        st.sampled_from(
            (
                None,
                True,
                -1,
                0,
                1,
                99,
                2**70,
                0.5,
                "",
                "x",
                "1E9",
                "NaN",
                "0E-99",
                [],
                {},
                [0],
                ["x"],
            )
        )
        | st.just({"$decimal": "1"})
        | st.just({"$utf8": "edb280"})
        | st.just({"$pairs": [["a", {"$pairs": []}]]})
    )
    with contextlib.suppress(BitstampLedgerError):
        result = Reconciliation.from_json(json.dumps(whole))
        assert Reconciliation.from_json(result.to_json()) == result


@given(st.binary(max_size=60))
@settings(max_examples=60, deadline=None)
def test_other_bytes_are_one_error(raw: bytes) -> None:
    """Not text, not JSON."""
    with pytest.raises(BitstampLedgerError):
        Reconciliation.from_json(raw)


# -- the form


def test_each_entry_is_written_once() -> None:
    """However often the result speaks of it; everywhere else stands its number."""
    result = a_result()
    written = document(result)
    assert list(written) == ["kind", "schema", "precisions", "records", "result"]
    assert written["schema"] == 1
    assert len(written["records"]) == 3 + 3
    assert written["result"]["matches"] == [
        {"api": [0], "file": [5], "rule": "intervals", "grade": "strong"}
    ]


def test_entries_that_are_alike_are_written_once() -> None:
    """The bytes depend on what is stated, not on how the program came to hold it."""
    result = a_result()
    twice = attrs.evolve(result, api_only=tuple(map(attrs.evolve, result.api_only)))
    assert twice.api_only[0] is not result.api_only[0]
    assert twice.to_json() == result.to_json()


@pytest.mark.parametrize("digits", ["1E+3", "1000", "0.10", "-0.0", "0E-8", "1E-8"])
def test_digits_are_kept_as_they_were_printed(digits: str) -> None:
    """How many there are is what a row states."""
    entry = Deposit(
        id="x", time=dt.datetime(2021, 1, 1, tzinfo=dt.UTC), legs=(Amount(digits, "BTC"),)
    )
    (again,) = Reconciliation.from_json(attrs.evolve(a_result(), new=(entry,)).to_json()).new
    assert str(again.legs[0].value) == digits


@pytest.mark.parametrize("path", ["\udce9", "\ud800\udf06", "a\U00010306"])
def test_halves_of_characters_do_not_become_a_whole_one(path: str) -> None:
    """Two halves side by side are not the character that they would spell in UTF-16."""
    zone = StatementZone(path=path, format="f", zone="UTC", evidence="")
    again = Reconciliation.from_json(attrs.evolve(a_result(), zones=(zone,)).to_json())
    assert again.zones == (zone,)


def test_entries_that_were_shared_are_shared_again() -> None:
    """Memory, and whoever asks whether two places mean one entry."""
    again = Reconciliation.from_json(a_result().to_json())
    (match,) = again.matches
    assert any(match.api[0] is entry for entry in again.entries)
    first, second = (entry for entry in again.new if entry.source.row is not None)
    assert first.source.precision is not None
    assert second.source.precision is not None


def test_digits_and_times_are_text() -> None:
    """No reader's float can touch them."""
    written = document(a_result())["records"][0]
    assert written["kind"] == "trade"
    assert written["time"] == "2021-03-28T00:41:36.482917Z"
    assert written["legs"] == [
        {"value": "0.04219875", "currency": "BTC"},
        {"value": "-1996.79", "currency": "EUR"},
    ]
    assert written["price"] == "47318.62"
    assert written["self_trade"] is None


def test_numbers_in_the_record_as_received_keep_their_kind() -> None:
    """1.50 as a number is not the text 1.50, and both are kept as they came."""
    record = '[{"id": 5, "type": "0", "datetime": "2021-01-01 00:00:00", "btc": 1.50, "fee": "0"}]'
    from bitstamp_ledger import parse_user_transactions  # noqa: PLC0415 - only here

    result = reconcile(parse_user_transactions(record), [])
    assert document(result)["records"][0]["source"]["raw"]["btc"] == {"$decimal": "1.50"}
    again = Reconciliation.from_json(result.to_json())
    (entry,) = again.entries
    assert str(entry.source.raw["btc"]) == "1.50"
    assert isinstance(entry.source.raw["btc"], Decimal)


def test_keys_that_look_like_marks_are_no_marks() -> None:
    """A record as received may hold anything."""
    raw = {"$decimal": "1", "other": [{"$pairs": [1]}, {"$utf8": "x"}]}
    entry = Deposit(id="x", time=dt.datetime(2021, 1, 1, tzinfo=dt.UTC), source=Source(raw=raw))
    result = attrs.evolve(a_result(), new=(entry,))
    (again,) = Reconciliation.from_json(result.to_json()).new
    assert again.source.raw == raw


def test_a_name_that_is_no_text_survives(tmp_path: Any) -> None:
    """Names of files are bytes."""
    path = str(tmp_path / "caf\udce9.csv")
    statement = read_statement(g2_text([g2_row(A)]))
    named = attrs.evolve(
        statement,
        path=path,
        entries=tuple(
            attrs.evolve(row, source=attrs.evolve(row.source, path=path))
            for row in statement.entries
        ),
    )
    result = reconcile(records([A]), [named])
    again = Reconciliation.from_json(result.to_json())
    assert again == result
    assert again.zones[0].path == path


def test_the_host_programs_decimal_context_plays_no_part() -> None:
    """Neither in writing nor in reading; and it is left as it was."""
    result = a_result()
    expected = result.to_json()
    with decimal.localcontext() as context:
        context.prec = 2
        context.traps[decimal.Inexact] = True
        context.traps[decimal.InvalidOperation] = False
        assert result.to_json() == expected
        assert Reconciliation.from_json(expected) == result
        with pytest.raises(BitstampLedgerError, match="a decimal is wanted"):
            Reconciliation.from_json(expected.replace(b'"-1996.79"', b'"much"'))


# -- what cannot be written, and what must not be read


@pytest.mark.parametrize("raw", [{"a": object()}, {"a": 0.1}, {1: "a"}, {"a": {b"b": 1}}])
def test_what_no_json_stands_for_is_one_error(raw: dict[Any, Any]) -> None:
    """A program may build entries by hand."""
    entry = Deposit(id="x", time=dt.datetime(2021, 1, 1, tzinfo=dt.UTC), source=Source(raw=raw))
    with pytest.raises(BitstampLedgerError, match="cannot be written as JSON: a record as rec"):
        attrs.evolve(a_result(), new=(entry,)).to_json()


def test_a_later_version_is_named() -> None:
    """So that a person knows what to install."""
    raw = a_result().to_json().replace(b'"schema":1', b'"schema":2')
    with pytest.raises(BitstampLedgerError, match="of schema 2; this version reads schema 1"):
        Reconciliation.from_json(raw)


@pytest.mark.parametrize(
    ("found", "instead", "said"),
    [
        (b'"result":{', b'"more":1,"result":{', "it must have the keys kind, schema, precisions"),
        (b'"entries":[', b'"entries":[99,', "there is no record 99"),
        (b'"entries":[', b'"entries":[-1,', "there is no record -1"),
        (b'"entries":[', b'"entries":[true,', "there is no record True"),
        (b'"new":[', b'"new":["0",', "there is no record 0"),
        (b'"precision":0', b'"precision":7', "there is no precision 7"),
        (b'"kind":"trade"', b'"kind":"theft"', "there is no kind of entry theft"),
        (b'"kind":"trade"', b'"kind":["trade"]', "there is no kind of entry"),
        (b'"rule":"intervals"', b'"rule":"luck"', "luck is none of decision, exchange_id"),
        (b'"rule":', b'"ruler":', "unknown keys: 'ruler'"),
        (b'"grade":"strong"', b'"grade":1', "1 is none of certain, strong, weak"),
        (b'"value":"-1996.79"', b'"value":-1996.79', "a decimal is wanted, as text"),
        (b'"value":"-1996.79"', b'"value":"NaN"', "a decimal is wanted, as text"),
        (b'"value":"-1996.79"', b'"value":"1E999999"', "more digits than any amount of money"),
        (b'"currency":"EUR"', b'"currency":"eur"', "not a currency code in capitals"),
        (b'"fee":{"value":"', b'"fee":{"value":"-', "fee must not be negative"),
        (b'.482917Z"', b'.482917"', "a time in UTC with six decimals is wanted"),
        (b'"2021-03-28T00', b'"2021-02-30T00', "day is out of range for month"),
        (b'"time_step":60000000', b'"time_step":0', "no row is as imprecise as 0 microseconds"),
        (b'"time_step":60000000', b'"time_step":1e300', "a whole number is wanted"),
        (b'"transaction_id":7', b'"transaction_id":"7"', "a whole number is wanted, not 7"),
        (b'"trusted":false', b'"trusted":0', "true or false is wanted, not 0"),
        (b'"account":"Main Account"', b'"account":5', "text is wanted, not 5"),
        (b'"raw":{', b'"raw":{"a":{"$decimal":1},', "a decimal is wanted, as text, not 1"),
        (b'"raw":{', b'"raw":{"a":0.1,', "0.1 is nothing that a record holds"),
        (b'"raw":{', b'"raw":{"a":{"$pairs":[1]},', "a key and a value are wanted, not 1"),
        (b'"raw":{', b'"raw":{"a":{"$utf8":"zz"},', "fromhex"),
        (b'"suspects":[', b'"suspects":["x",', "an object is wanted, not x"),
        (b'"matches":[', b'"matches":"none","x":[', "a list is wanted, not none"),
        (b'{"kind"', b'["kind"', "this is no JSON"),
    ],
)
def test_damage_is_named(found: bytes, instead: bytes, said: str) -> None:
    """What is wrong, and what to do now."""
    raw = a_result().to_json()
    assert found in raw
    with pytest.raises(BitstampLedgerError) as caught:
        Reconciliation.from_json(raw.replace(found, instead, 1))
    assert said in str(caught.value)
    assert caught.value.hint == (
        "Reconcile again and save the result anew; nothing else depends on the saved one."
    )


@pytest.mark.parametrize("opened", ["[", '{"a":', '{"kind":"reconciliation","schema":'])
def test_deep_nesting_is_one_error(opened: str) -> None:
    """Not the end of the interpreter's stack."""
    with pytest.raises(BitstampLedgerError):
        Reconciliation.from_json(opened * 50_000)


def test_nesting_inside_a_record_is_one_error() -> None:
    """As deep as the reader of JSON allows; or it is read."""
    deep = "[" * 900 + "]" * 900  # How deep it may be depends on who calls.
    raw = a_result().to_json().decode().replace('"raw":{', f'"raw":{{"a":{deep},', 1)
    with contextlib.suppress(BitstampLedgerError):
        Reconciliation.from_json(raw)


@pytest.mark.parametrize("digits", [400, 5000])
def test_numbers_without_end_are_one_error(digits: int) -> None:
    """Python itself refuses to read some of them."""
    raw = a_result().to_json().decode().replace('"schema":1', f'"schema":{"9" * digits}', 1)
    with pytest.raises(BitstampLedgerError):
        Reconciliation.from_json(raw)


def test_problems_are_not_listed_without_end() -> None:
    """A file of a million bad rows makes one short message."""
    raw = a_result().to_json().replace(b'"new":[', b'"new":[' + b'"x",' * 10_000, 1)
    with pytest.raises(BitstampLedgerError) as caught:
        Reconciliation.from_json(raw)
    assert len(str(caught.value)) < 1000
    assert "and 9997 more" in str(caught.value)


def test_types_of_entries_are_not_mixed_up() -> None:
    """Each kind has fields of its own."""
    api: list[Entry] = raw_records(
        {"id": 1, "type": "0", "datetime": "2021-01-01 00:00:00", "btc": "1", "fee": "0.00"},
        {"id": 2, "type": "77", "datetime": "2021-01-01 00:00:00", "btc": "1", "fee": "0.00"},
    )
    result = reconcile([*api, *records([A])], [])
    again = Reconciliation.from_json(result.to_json())
    assert [type(entry) for entry in again.entries] == [type(entry) for entry in result.entries]
    assert isinstance(again.entries[-1], Trade)
    raw = result.to_json().replace(b'"kind":"deposit"', b'"kind":"trade"', 1)
    with pytest.raises(BitstampLedgerError, match="legs of a trade are base and quote"):
        Reconciliation.from_json(raw)


def test_a_precision_keeps_all_that_it_says() -> None:
    """Every field, those of formats that compute amounts included."""
    true = history(3, trades=30)
    result = reconcile(true.api, [file.statement for file in true.files])
    stated = {entry.source.precision for entry in result.new} - {None}
    again = Reconciliation.from_json(result.to_json())
    assert {entry.source.precision for entry in again.new} - {None} == stated
    assert all(isinstance(each, Precision) for each in stated)
