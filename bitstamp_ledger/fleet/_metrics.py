"""Metrics by the OpenTelemetry API, where it is installed; without it, nothing is counted.

They are told by the coordinator, from the results: workers need no exporter.
"""

from typing import Any

from bitstamp_ledger._version import __version__
from bitstamp_ledger.fleet._jobs import Result


class Metrics:
    """The instruments of one run."""

    def __init__(self, task: str) -> None:
        self._task = task
        self._instruments: dict[str, Any] = {}
        try:
            from opentelemetry import metrics  # noqa: PLC0415 - optional
        except ImportError:
            return
        meter = metrics.get_meter("bitstamp_ledger.fleet", __version__)
        self._instruments = {
            "jobs": meter.create_counter(
                "bitstamp_ledger.fleet.jobs", unit="{job}", description="Jobs that ended."
            ),
            "seconds": meter.create_histogram(
                "bitstamp_ledger.fleet.job.duration", unit="s", description="How long jobs took."
            ),
            "requests": meter.create_counter(
                "bitstamp_ledger.fleet.requests", unit="{request}", description="Requests sent."
            ),
            "waited": meter.create_counter(
                "bitstamp_ledger.fleet.budget.wait",
                unit="s",
                description="How long requests waited for the rate budget.",
            ),
            "running": meter.create_up_down_counter(
                "bitstamp_ledger.fleet.running", unit="{job}", description="Jobs under way."
            ),
        }

    def running(self, change: int) -> None:
        """Tell that jobs began or ended."""
        if self._instruments:
            self._instruments["running"].add(change, {"task": self._task})

    def ended(self, result: Result) -> None:
        """Tell of a result."""
        if not self._instruments:
            return
        failure = result.failure
        told = {
            "task": self._task,
            "status": result.status.value,
            "good": result.ok,
            "egress": result.job.egress,
            "priority": result.job.priority.name.lower(),
        }
        if failure is not None:
            told["error"] = failure.kind
            told["key_state"] = failure.key_state or "none"
        self._instruments["jobs"].add(1, told)
        where = {"task": self._task, "egress": result.job.egress}
        self._instruments["seconds"].record(result.seconds, where)
        self._instruments["requests"].add(result.requests, where)
        self._instruments["waited"].add(result.waited_s, where)
