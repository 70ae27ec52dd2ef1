"""The cells of a row become a dict when somebody looks; nobody else can tell."""

import copy
import pickle

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger.files import read_statement_text
from bitstamp_ledger.model import Source, cells_under
from tests.files.samples import G1_GOLDEN, G2_GOLDEN

NAMES = st.lists(
    st.one_of(st.sampled_from(["ID", "", "class", 'a"b', "a\\b", "_x", "Fee (2)"]), st.text()),
    min_size=1,
    max_size=6,
).map(tuple)


@given(columns=NAMES, data=st.data())
def test_a_source_is_that_of_a_dict(columns: tuple[str, ...], data: st.DataObject) -> None:
    """Whatever the columns are called, repeated names included."""
    cells = data.draw(st.lists(st.text(), min_size=len(columns), max_size=len(columns)))
    plain = Source(row=1, raw=dict(zip(columns, cells, strict=True)))

    def made() -> Source:
        return Source(row=1, raw=cells_under(columns)(*cells))

    assert type(made().raw) is dict
    assert list(made().raw.items()) == list(plain.raw.items())
    assert made() == plain
    assert (hash(made()), repr(made())) == (hash(plain), repr(plain))
    assert pickle.loads(pickle.dumps(made())) == plain  # noqa: S301 - our own
    assert copy.deepcopy(made()).raw == copy.copy(made()).raw == plain.raw
    assert attrs.evolve(made(), row=2).raw == attrs.asdict(made())["raw"] == plain.raw
    assert msgspec.to_builtins(made()) == msgspec.to_builtins(plain)


@pytest.mark.parametrize("text", [G1_GOLDEN, G2_GOLDEN])
def test_looking_twice_gives_one_dict(text: str) -> None:
    """As when it was a field, so that what a caller notes in it stays."""
    for entry in read_statement_text(text).entries:
        assert entry.source.raw is entry.source.raw


def test_it_stays_locked() -> None:
    """A source is frozen, ``raw`` as every other field."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Source(row=1).raw = {}  # type: ignore[misc]  # the point of the test
