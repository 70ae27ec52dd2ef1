"""A coordinator in a process of its own, to be killed by a test."""

import pickle
import sys
from pathlib import Path

import attrs

from bitstamp_ledger import fleet


@attrs.frozen(kw_only=True)
class Order:
    """What a coordinator is told; as a file, since it holds no secret."""

    scheduler: str
    jobs: tuple[fleet.Job, ...]
    vault: fleet.CredentialFiles
    rate: fleet.SharedRate
    base_url: str
    journal: str
    in_flight_max: int

    def write(self, path: Path) -> None:
        """Write it for `main`."""
        path.write_bytes(pickle.dumps(self))

    def carried_out(self) -> fleet.RunReport:
        """Prove every account on the cluster, and return the report."""
        from dask.distributed import Client  # noqa: PLC0415 - only where it is needed

        with (
            Client(self.scheduler, set_as_default=False) as client,  # type: ignore[no-untyped-call]
            fleet.Journal.open(self.journal, "the run") as journal,
            fleet.run(
                self.jobs,
                fleet.Prove(),
                executor=client.get_executor(),
                credentials=self.vault,
                rate=self.rate,
                base_url=self.base_url,
                journal=journal,
                in_flight_max=self.in_flight_max,
            ) as run,
        ):
            return run.finish()


def main(path: str) -> None:
    """Carry out what the file says."""
    order = pickle.loads(Path(path).read_bytes())  # noqa: S301 - the test's own
    order.carried_out()


if __name__ == "__main__":
    main(sys.argv[1])
