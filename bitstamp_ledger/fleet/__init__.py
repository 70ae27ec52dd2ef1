"""Many accounts: work as values, on any executor, within one rate budget.

    from bitstamp_ledger import fleet

    jobs = [fleet.Job(account=name, ledger=place) for name in customers]
    with fleet.run(jobs, fleet.Sync(), executor=pool, credentials=vault) as results:
        for result in results:
            ...

Needs the extra ``fleet`` for a budget and ledgers that machines share; see
docs/how-to/run-many-accounts.md.
"""

from bitstamp_ledger.errors import MissingExtraError

try:
    import sqlalchemy as _  # noqa: F401 - what all of this keeps its state by
except ModuleNotFoundError:
    raise MissingExtraError("Work on many accounts", extra="fleet") from None

from bitstamp_ledger.fleet._async import AsyncRun
from bitstamp_ledger.fleet._budget import BudgetCounts, SharedBudget, SharedRate
from bitstamp_ledger.fleet._context import Context, CredentialFiles, CredentialsProvider
from bitstamp_ledger.fleet._jobs import Failure, Job, Priority, Result, Status, Summary
from bitstamp_ledger.fleet._journal import Journal, Noted
from bitstamp_ledger.fleet._ledgers import close_idle, own_schema, prepare
from bitstamp_ledger.fleet._plan import Due, Plan, plan
from bitstamp_ledger.fleet._report import RunReport
from bitstamp_ledger.fleet._run import Run, run
from bitstamp_ledger.fleet._tasks import Export, Import, Prove, Reconcile, Sync, Task

__all__ = [
    "AsyncRun",
    "BudgetCounts",
    "Context",
    "CredentialFiles",
    "CredentialsProvider",
    "Due",
    "Export",
    "Failure",
    "Import",
    "Job",
    "Journal",
    "Noted",
    "Plan",
    "Priority",
    "Prove",
    "Reconcile",
    "Result",
    "Run",
    "RunReport",
    "SharedBudget",
    "SharedRate",
    "Status",
    "Summary",
    "Sync",
    "Task",
    "close_idle",
    "own_schema",
    "plan",
    "prepare",
    "run",
]
