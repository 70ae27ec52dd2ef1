"""What can be done with an account: the built-in tasks, as values that are called.

A task of your own is any function, importable by the workers, that takes a `Context` and returns
something that pickles.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import attrs

from bitstamp_ledger import sinks
from bitstamp_ledger.errors import LedgerError
from bitstamp_ledger.fleet._context import Context
from bitstamp_ledger.fleet._jobs import Summary
from bitstamp_ledger.ledger import Proof
from bitstamp_ledger.ledger._reading import ATTEMPTS_STEADY

Task: TypeAlias = Callable[[Context], object]
"""A built-in task, or a function of yours."""


@attrs.frozen(kw_only=True)
class Sync:
    """Read what is new."""

    mode: Literal["resume", "full"] = "resume"
    require_checked: bool = False
    allow_overprivileged: bool = False

    def __call__(self, context: Context) -> Summary:
        """Do it; see ``Ledger.sync``."""
        report = context.ledger.sync(
            context.client,
            self.mode,
            context.after_page if self.mode == "resume" else context.page_of_full,
            require_checked=self.require_checked,
            allow_overprivileged=self.allow_overprivileged,
            wait_s=context.wait_s,
        )
        return Summary(
            task="sync",
            counts={
                "received": report.counts.received,
                "new": report.new,
                "quarantined": report.counts.quarantined,
                "changed": len(report.changed),
                "vanished": len(report.vanished),
            },
            notes=report.notices,
        )


@attrs.frozen
class Import:
    """Take in the files that the job names."""

    def __call__(self, context: Context) -> Summary:
        """Do it; see ``Ledger.import_file``."""
        counts = {"files": 0, "already": 0, "rows": 0, "new": 0, "witnessed": 0, "unreadable": 0}
        for path in context.job.files:
            report = context.ledger.import_file(path, account=context.job.account)
            counts["files"] += 1
            counts["already"] += report.already
            counts["rows"] += report.counts.received
            counts["new"] += report.counts.kept
            counts["witnessed"] += report.counts.witnessed
            counts["unreadable"] += len(report.problems)
        return Summary(task="import", counts=counts, good=not counts["unreadable"])


@attrs.frozen
class Reconcile:
    """Say which rows of files are which records, for the whole ledger that the job names."""

    def __call__(self, context: Context) -> Summary:
        """Do it; see ``Ledger.reconcile``."""
        found = context.ledger.reconcile()
        pairs = sorted(
            f"{','.join(sorted(each.id for each in match.api))}"
            f"={','.join(sorted(each.id for each in match.file))}:{match.rule.name}"
            for match in (*found.matches, *found.file_matches)
        )
        entries = sorted(each.id for each in found.entries)
        return Summary(
            task="reconcile",
            counts={
                "entries": len(entries),
                "matches": len(found.matches),
                "new": len(found.new),
                "conflicts": len(found.conflicts),
                "suspects": len(found.suspects),
            },
            good=not found.conflicts,
            digest=_digest([*pairs, "entries", *entries]),
        )


@attrs.frozen(kw_only=True)
class Prove:
    """Read what is new, and compare with the balances that the exchange states."""

    def __call__(self, context: Context) -> Summary:
        """Do it; see ``Ledger.prove``."""
        proof = self._proof(context)
        differing = tuple(sorted(each.currency for each in proof.differences))
        notes = [f"{currency} does not add up" for currency in differing]
        if not proof.steady:
            notes.append("the balances moved while they were read")
        totals = context.ledger.balances(account=context.job.account)
        return Summary(
            task="prove",
            counts={"held": int(proof.holds), "differences": len(differing)},
            good=proof.holds,
            digest=_digest(sorted(f"{name} {total:f}" for name, total in totals.items())),
            notes=tuple(notes),
        )

    def _proof(self, context: Context) -> Proof:
        # As `Ledger.prove` does, page by page: a first sync may be long.
        ledger, client, steady = context.ledger, context.client, False
        for _ in range(ATTEMPTS_STEADY):
            report = ledger.sync(client, progress=context.after_page, wait_s=context.wait_s)
            if steady := report.balances_steady:
                break
        return ledger.proof_of(context.job.account, steady=steady)


@attrs.frozen(kw_only=True)
class Export:
    """Write the account's entries to a sink.

    In the options, ``{account}`` and ``{key}`` stand for the job's account and its digest:
    ``Export(sink="csv", options={"path": "/exports/{key}.csv"})``.
    """

    sink: str
    options: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    lossy: bool = False

    def __call__(self, context: Context) -> Summary:
        """Do it; see ``Ledger.export``."""
        job = context.job
        if not any("{account}" in each or "{key}" in each for each in self.options.values()):
            raise LedgerError(
                "All accounts would be exported to one place.",
                hint="Put {account} or {key} into one of the sink's options.",
            )
        # Whatever an account is called, it must not lead out of the folder of exports.
        name = "".join(each if each.isalnum() or each in "-_ " else "_" for each in job.account)
        options: dict[str, Any] = {
            option: value.replace("{account}", name).replace("{key}", job.key)
            for option, value in self.options.items()
        }
        with sinks.open(self.sink, lossy=self.lossy, **options) as out:
            context.ledger.export(out, account=job.account)
        return Summary(task="export", counts={"exported": 1})


def name_of(task: Task) -> str:
    """Return what a journal and a report call a task: equal for equal tasks."""
    kind: type[object] = type(task)
    if attrs.has(kind):
        stated = {field.name: getattr(task, field.name) for field in attrs.fields(kind)}
        settings = json.dumps(stated, sort_keys=True, default=str)
        return f"{kind.__name__}{settings if settings != '{}' else ''}"
    return str(getattr(task, "__qualname__", kind.__qualname__))


def _digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
