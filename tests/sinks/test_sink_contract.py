"""The values that pass between engine and sinks."""

import datetime as dt
import inspect
from decimal import Decimal

import attrs
import pytest

from bitstamp_ledger import sinks
from bitstamp_ledger.sinks import Batch, Capabilities, Checkpoint, Loss, Retract, Upsert
from tests.sinks.examples import TRADE, MemorySink, deposit


def test_the_door_names_exactly_what_is_public() -> None:
    """Star imports and the documentation rely on ``__all__``."""
    public = {
        name
        for name, value in vars(sinks).items()
        if not (name.startswith("_") or inspect.ismodule(value))  # Modules of sinks that were used.
    }

    assert sorted(public) == sorted(sinks.__all__)
    assert list(sinks.__all__) == sorted(sinks.__all__, key=_ruff_order)


def _ruff_order(name: str) -> tuple[int, str]:
    if name.isupper():
        return 0, name
    return (1, name) if name[0].isupper() else (2, name)


def test_a_class_with_the_four_members_is_a_sink() -> None:
    """Plug-ins need not inherit anything of ours."""
    assert isinstance(MemorySink(), sinks.Sink)
    assert not isinstance(object(), sinks.Sink)


class TestBatchId:
    """A digest of the content, by which a sink knows a batch that is sent again."""

    def test_equal_batches_have_one(self) -> None:
        """After a crash the batch is made anew from stored entries."""
        later = attrs.evolve(TRADE, price=Decimal(str(TRADE.price)))

        assert Batch.of([TRADE, deposit()]).id == Batch.of([later, deposit()]).id

    @pytest.mark.parametrize(
        "other",
        [
            Batch.of([deposit(), TRADE]),
            Batch.of([TRADE]),
            Batch.of([TRADE, deposit(value="0.11")]),
            Batch.of([TRADE, attrs.evolve(deposit(), time=TRADE.time + dt.timedelta(days=1))]),
            Batch(
                operations=(Upsert(TRADE), Upsert(deposit())), checkpoint=Checkpoint(position="7")
            ),
            Batch(operations=(Upsert(TRADE), Upsert(deposit())), schema_version=2),
            Batch(operations=(Upsert(TRADE), Retract(deposit().id, "gone"))),
        ],
    )
    def test_any_difference_makes_another(self, other: Batch) -> None:
        """Order, content, checkpoint and schema all matter to what is stored."""
        assert Batch.of([TRADE, deposit()]).id != other.id


class TestCapabilities:
    def test_a_lossy_sink_must_say_what_it_loses(self) -> None:
        """The caller agrees to named losses, not to a word."""
        with pytest.raises(ValueError, match="per column"):
            Capabilities(decimals="lossy")

    def test_a_sink_that_loses_something_must_call_itself_lossy(self) -> None:
        """A loss in the small print would pass without consent."""
        with pytest.raises(ValueError, match="per column"):
            Capabilities(decimals="text", losses=(Loss("time", "seconds are cut off"),))

    def test_lossy_times_count_as_lossy(self) -> None:
        """A format without seconds is as lossy as one without decimals."""
        loss = Loss("time", "seconds are cut off")

        assert Capabilities(decimals="exact", times="lossy", losses=(loss,)).lossy
