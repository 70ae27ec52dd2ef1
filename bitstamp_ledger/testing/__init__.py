"""For those who write sinks: the rules of the contract as a class of tests.

    from bitstamp_ledger.testing import SinkContract, StoredRow

    class TestMySink(SinkContract):
        def make(self, place): return MySink(place / "out.db")
        def stored(self, place): return [StoredRow(id=..., amounts=...) for ... in ...]

pytest finds and runs them like any other tests.  Nothing of pytest is imported here.
"""

from bitstamp_ledger.testing.sink_contract import SinkContract, StoredRow

__all__ = ["SinkContract", "StoredRow"]
