"""What happens in a worker: one job, from its lock to its result."""

import datetime as dt
import logging
import os
import socket
import time
from typing import Final

from bitstamp_ledger.errors import LedgerBusyError
from bitstamp_ledger.fleet._context import Context, Setup
from bitstamp_ledger.fleet._jobs import Failure, Job, Result, Status, Summary
from bitstamp_ledger.fleet._slices import GivenUpError, SetAsideError
from bitstamp_ledger.fleet._tasks import Task

log: Final = logging.getLogger("bitstamp_ledger.fleet")


def work(job: Job, task: Task, setup: Setup, ticket: str) -> Result:
    """Do ``task`` for one account; whatever goes wrong is in the result.

    Args:
        job: the account.
        task: what to do.
        setup: what all jobs of the run have in common.
        ticket: another one for each call: an executor that takes equal calls for the same call, as
            Dask does, would hand out the result of the last time.
    """
    log.debug("account %s: ticket %s", job.key, ticket)
    began_at = dt.datetime.now(dt.UTC)  # noqa: TID251 - the worker's own clock
    began = time.monotonic()
    context = Context(job, setup)
    value: object = None
    failure: Failure | None = None
    status = Status.DONE
    try:
        with context.holding():
            value = task(context)
    except (SetAsideError, GivenUpError) as exc:
        status = Status.SET_ASIDE
        if isinstance(exc, SetAsideError):
            counts = {"received": exc.records, "new": exc.added}
            value = Summary(task="slice", counts=counts)
    except LedgerBusyError as exc:
        status, failure = Status.BUSY, Failure.of(exc)
    except Exception as exc:  # noqa: BLE001 - one account's failure is a result
        status, failure = Status.FAILED, Failure.of(exc)
        # The text of errors that are not ours may hold secrets, so only ours is written down.
        log.warning("account %s: %s: %s", job.key, failure.kind, failure.message)
    return Result(
        job=job,
        status=status,
        value=value if status in {Status.DONE, Status.SET_ASIDE} else None,
        failure=failure,
        began_at=began_at,
        seconds=time.monotonic() - began,
        requests=context.requests,
        waited_s=context.budget.waited_s,
        refusals=context.budget.refusals,
        slowest=context.budget.slowest,
        worker=f"{socket.gethostname()}/{os.getpid()}",
        notices=context.notices,
    )
