"""Credentials from a private file and from a function; nothing shows the secret."""

import io
import logging
import os
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

import bitstamp_ledger as bl
from tests.keycheck.players import KEY, SECRET, Check, Exchange, check_against

posix = pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX")


def private(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "key.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


class TestFile:
    @pytest.mark.parametrize(
        "text",
        [
            f'key = "{KEY}"\nsecret = "{SECRET}"\n',
            f"# mine\n\nkey={KEY}\n  secret = '{SECRET}'",
            f"BITSTAMP_API_KEY={KEY}\r\nBITSTAMP_API_SECRET={SECRET}\r\n",
        ],
    )
    def test_two_lines_are_read(self, tmp_path: Path, text: str) -> None:
        """As TOML and as a file of variables."""
        found = bl.Credentials.from_file(private(tmp_path, text))

        assert found == bl.Credentials(key=KEY, secret=SECRET)

    @posix
    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o610, 0o644, 0o777])
    def test_a_file_that_others_have_any_right_to_is_refused(
        self, tmp_path: Path, mode: int
    ) -> None:
        """What to do is said; who could have read it is not known."""
        path = private(tmp_path, f"key={KEY}\nsecret={SECRET}\n", mode)

        with pytest.raises(bl.CredentialsError, match=r"chmod 600.*make a new key"):
            bl.Credentials.from_file(path)

    @posix
    def test_the_file_behind_a_link_counts(self, tmp_path: Path) -> None:
        """Vaults mount secrets as links."""
        path = private(tmp_path, f"key={KEY}\nsecret={SECRET}\n", 0o644)
        link = tmp_path / "link"
        link.symlink_to(path)
        with pytest.raises(bl.CredentialsError, match="open to others"):
            bl.Credentials.from_file(link)
        path.chmod(0o400)

        assert bl.Credentials.from_file(link).key == KEY

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (f"key={KEY}\n", "has no secret"),
            ("", "has no key and no secret"),
            (f"key={KEY}\nsecret={SECRET}\nsecret={SECRET}", "line 3: this is given twice"),
            (f"key={KEY}\nsecret={SECRET}\n{SECRET}", "line 3: this is neither"),
            (f"{SECRET}={SECRET}\nkey={KEY}", "line 1: this is neither"),
            (f"key={KEY}\nsecret=\n", "API secret is empty"),
            (f"key={KEY}\nsecret={SECRET} {SECRET}\n", "characters that no API secret has"),
            (SECRET * 9999, "too large"),
        ],
    )
    def test_another_shape_is_refused_without_quoting_it(
        self, tmp_path: Path, text: str, words: str
    ) -> None:
        """Not even in the variables of a traceback."""
        path = private(tmp_path, text)
        with pytest.raises(bl.CredentialsError, match=words) as caught:
            bl.Credentials.from_file(path)

        assert SECRET not in everything_about(caught.value, below=Path(bl.__file__).parent)

    def test_a_file_that_is_not_there_is_one_error(self, tmp_path: Path) -> None:
        """Of this package."""
        with pytest.raises(bl.CredentialsError, match="cannot be read"):
            bl.Credentials.from_file(tmp_path / "nowhere")
        with pytest.raises(bl.CredentialsError):
            bl.Credentials.from_file(tmp_path)


class TestCallable:
    def test_it_is_called_once(self) -> None:
        """A vault counts its calls."""
        calls = []

        def fetch() -> tuple[str, str]:
            calls.append(1)
            return KEY, SECRET

        assert bl.Credentials.from_callable(fetch) == bl.Credentials(key=KEY, secret=SECRET)
        assert calls == [1]

    @pytest.mark.parametrize(
        "answer", [None, KEY, (KEY,), (KEY, SECRET, SECRET), (KEY, ""), (KEY, f"{SECRET} x")]
    )
    def test_another_answer_is_refused_without_quoting_it(self, answer: object) -> None:
        """Whatever came may be the secret."""
        fetch: Callable[[], tuple[str, str]] = lambda: answer  # type: ignore[assignment,return-value]  # noqa: E731
        with pytest.raises(bl.CredentialsError) as caught:
            bl.Credentials.from_callable(fetch)

        assert SECRET not in "".join(traceback.format_exception(caught.value))

    def test_its_exception_is_named_and_not_quoted(self) -> None:
        """Clients of vaults put the reply into their errors."""

        def fetch() -> tuple[str, str]:
            raise RuntimeError(f"odd reply: {SECRET}")

        with pytest.raises(bl.CredentialsError, match="RuntimeError") as caught:
            bl.Credentials.from_callable(fetch)

        assert SECRET not in "".join(traceback.format_exception(caught.value))


def everything_about(error: BaseException, *, below: Path) -> str:
    """Return the error as tools that show local variables see it, in the package's own frames."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in shown.stack if Path(frame.filename).is_relative_to(below)]
    return f"{error}{error!r}{error.__dict__}" + "".join(str(frame.locals) for frame in frames)


def test_nothing_that_a_check_shows_holds_the_canaries(
    check: Check, caplog: pytest.LogCaptureFixture
) -> None:
    """Report, JSON, HTML, errors, logs: not the secret, and not the whole key, even if quoted."""
    caplog.set_level(logging.DEBUG)
    told = io.StringIO()
    quoting = {"status": "error", "reason": f"Missing id for {KEY}", "code": KEY}
    for answer in [(400, quoting), (403, {"error": f"Who is {KEY}?"}), (200, {"key": KEY})]:
        for path in ("account_balances/", "cancel_order/", "open_orders/"):
            exchange = Exchange(answers={path: answer})
            report = check_against(exchange, check=check)
            told.write(f"{report}{report!r}{report.to_json()}{report._repr_html_()}")
            told.write(repr(pickle.dumps(report)))
            try:
                report.require_read_only()
            except bl.KeyNotSafeError as error:
                told.write("".join(traceback.format_exception(error)))
                told.write(everything_about(error, below=Path(bl.__file__).parent))
    told.write(caplog.text)

    assert "CanarySecret" not in told.getvalue()
    assert KEY not in told.getvalue()
    assert "…xyz0" in told.getvalue()
