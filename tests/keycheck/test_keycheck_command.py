"""``bitstamp-ledger check-key``, as a person or a script runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bitstamp_ledger.api import KeyState
from bitstamp_ledger.cli._check_key import EXIT_CODES
from bitstamp_ledger.sandbox import READ_PERMISSIONS, Flag, Sandbox

PERSON = {name: value for name, value in os.environ.items() if "BITSTAMP" not in name}


def run(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-W", "error", "-m", "bitstamp_ledger", "check-key", *arguments],
        cwd=cwd,
        env={**PERSON, "PYTHONPATH": str(Path(__file__).parents[2]), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def variables(sandbox: Sandbox) -> dict[str, str]:
    return {"BITSTAMP_API_KEY": sandbox.key, "BITSTAMP_API_SECRET": sandbox.secret}


def test_a_read_only_key_ends_with_0(sandbox: Sandbox, tmp_path: Path) -> None:
    """What is sent is said before, on the error stream; the report is the output."""
    done = run("--base-url", sandbox.url, cwd=tmp_path, **variables(sandbox))

    assert done.returncode == 0, done.stderr
    assert "READ_ONLY (ok)" in done.stdout
    assert "POST /api/v2/cancel_order/ with no content: no order is named" in done.stderr
    assert "may tell the account's owner" in done.stderr
    assert sandbox.secret not in done.stdout + done.stderr
    assert sandbox.key not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("permissions", "flags", "code"),
    [
        (READ_PERMISSIONS | {"sell_market_order"}, [], 10),
        (READ_PERMISSIONS - {"account_balance"}, [], 11),
        (READ_PERMISSIONS, [Flag.FROZEN], 13),
    ],
)
def test_other_verdicts_have_exit_codes_of_their_own(
    sandbox: Sandbox,
    tmp_path: Path,
    permissions: frozenset[str],
    flags: list[Flag],
    code: int,
) -> None:
    """So that a script can tell what to do."""
    sandbox.set_permissions(sandbox.key, *permissions)
    sandbox.set_flags(sandbox.key, *flags)
    done = run("--base-url", sandbox.url, "--json", cwd=tmp_path, **variables(sandbox))
    said = json.loads(done.stdout)

    assert done.returncode == code
    assert said["state"] in {"OVERPRIVILEGED", "INSUFFICIENT", "FROZEN"}


def test_without_probes_it_is_unproven(sandbox: Sandbox, tmp_path: Path) -> None:
    """And nothing was sent to a write endpoint, as was said before."""
    done = run("--base-url", sandbox.url, "--probes", "none", cwd=tmp_path, **variables(sandbox))

    assert done.returncode == 12
    assert "Nothing is sent to an endpoint that could write" in done.stderr
    assert len(sandbox.requests) == 5


def test_every_verdict_has_an_exit_code() -> None:
    """0 only for a proved key; none is 1, 2 or 3, which mean something else everywhere."""
    assert set(EXIT_CODES) == set(KeyState)
    assert [state.value for state, code in EXIT_CODES.items() if code == 0] == ["READ_ONLY"]
    assert set(EXIT_CODES.values()) == {0, 10, 11, 12, 13, 14}
    assert EXIT_CODES[KeyState.UNREACHABLE] == 14


def test_the_key_can_come_from_a_private_file(sandbox: Sandbox, tmp_path: Path) -> None:
    """It is refused while others may read it."""
    path = tmp_path / "key.toml"
    path.write_text(f'key = "{sandbox.key}"\nsecret = "{sandbox.secret}"\n')
    path.chmod(0o644)
    refused = run("--base-url", sandbox.url, "--credentials-file", str(path), cwd=tmp_path)
    path.chmod(0o600)
    done = run("--base-url", sandbox.url, "--credentials-file", str(path), cwd=tmp_path)

    assert refused.returncode == 3
    assert "chmod 600" in refused.stderr
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--probes", "everything"], 2),
        (["--secret", "x"], 2),
        (["--profile", "a", "--credentials-file", "b"], 2),
        ([], 3),
    ],
)
def test_usage_and_missing_keys_keep_their_codes(
    tmp_path: Path, arguments: list[str], code: int
) -> None:
    """There is no option that takes a secret."""
    done = run(*arguments, cwd=tmp_path)

    assert done.returncode == code
    assert "Traceback" not in done.stderr
