"""Profiles of hypothesis, and that nothing is skipped where nothing may be."""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

# A deadline would measure the machine; other work may share it.
# Half of hypothesis' own number of examples: CI has twenty minutes, and runs often.
settings.register_profile("default", deadline=None, max_examples=50)
settings.register_profile("deep", deadline=None, max_examples=500)
# On further Pythons the same laws run to see that they run at all.
settings.register_profile("further", deadline=None, max_examples=5)
settings.load_profile("default")

NOTHING_MAY_BE_SKIPPED = bool(os.environ.get("BITSTAMP_LEDGER_TESTS_SKIP_NOTHING"))
"""On a machine that has every tool, a skipped test is a hole that nobody sees."""


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if NOTHING_MAY_BE_SKIPPED and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"Skipped, where nothing may be: {report.longreprtext}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report)
    return report
