"""Credentials: a signing key, and the places where people keep one."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from bitstamp_ledger.api import SigningKey
from bitstamp_ledger.errors import CredentialsError, MissingExtraError

KEY_VARIABLE: Final = "BITSTAMP_API_KEY"
SECRET_VARIABLE: Final = "BITSTAMP_API_SECRET"  # noqa: S105 - the name of a variable, no secret
KEYRING_SERVICE: Final = "bitstamp_ledger"
FILE_BYTES_MAX: Final = 65_536
NAMES_IN_FILES: Final = {
    "key": "key",
    "secret": "secret",
    KEY_VARIABLE.lower(): "key",
    SECRET_VARIABLE.lower(): "secret",
}


class Credentials(SigningKey):
    """An API key and its secret.

    Only the last characters of the key are ever shown; the secret is never shown, and cannot be
    read back.  Credentials cannot be pickled, copied or hashed.

    Args:
        key: the API key, as the exchange showed it.
        secret: its secret.

    Raises:
        CredentialsError: one of them is empty, or the key is no key.
    """

    __slots__ = ()

    @classmethod
    def from_env(cls) -> Self:
        """Take them from the environment: ``BITSTAMP_API_KEY`` and ``BITSTAMP_API_SECRET``.

        Raises:
            CredentialsError: a variable is missing or empty.
        """
        missing = [name for name in (KEY_VARIABLE, SECRET_VARIABLE) if not os.environ.get(name)]
        if missing:
            raise CredentialsError(
                f"Not set in the environment: {' and '.join(missing)}.",
                hint="Set both variables to what the exchange showed for the key.",
            )
        return cls(key=os.environ[KEY_VARIABLE], secret=os.environ[SECRET_VARIABLE])

    @classmethod
    def from_keyring(cls, profile: str) -> Self:
        """Take them from the system's keyring (extra ``keyring``).

        Args:
            profile: the name under which they were stored: the key under the user name
                ``<profile>/key``, the secret under ``<profile>/secret``, both for the service
                ``bitstamp_ledger``.

        Raises:
            CredentialsError: nothing is stored under that name, or the keyring is locked.
            MissingExtraError: the package ``keyring`` is not installed.
        """
        try:
            import keyring  # noqa: PLC0415 - optional
            import keyring.errors  # noqa: PLC0415 - optional
        except ImportError:
            raise MissingExtraError("Reading the keyring", extra="keyring") from None
        try:
            key = keyring.get_password(KEYRING_SERVICE, f"{profile}/key")
            secret = keyring.get_password(KEYRING_SERVICE, f"{profile}/secret")
        except keyring.errors.KeyringError as exc:
            raise CredentialsError(
                f"The keyring could not be read: {exc}.", hint="Unlock it, or use the environment."
            ) from None
        try:
            if not key or not secret:
                raise CredentialsError(
                    f"The keyring holds no key and secret for the profile {profile!r}.",
                    hint=f"Store them: keyring set {KEYRING_SERVICE} {profile}/key, then /secret.",
                )
            return cls(key=key, secret=secret)
        finally:
            del secret  # A traceback may show the variables of this frame.

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Take them from a file that only its owner can read.

        The file has a line for each, ``#`` begins a comment line, and quotes are optional:

            key = "..."
            secret = "..."

        ``BITSTAMP_API_KEY=...`` and ``BITSTAMP_API_SECRET=...`` are read as well.

        Args:
            path: the file.  Where the system has such modes, it must belong to the user, and
                neither group nor others may have any right to it (``chmod 600``).

        Raises:
            CredentialsError: the file cannot be read, others may read it, or it has another shape.
        """
        found, problem = _read_private_file(Path(path))
        try:
            if problem is not None:
                raise problem
            return cls(key=found["key"], secret=found["secret"])
        finally:
            found = {}  # A traceback may show the variables of this frame.

    @classmethod
    def from_callable(cls, fetch: Callable[[], tuple[str, str]]) -> Self:
        """Take them from a function, such as one that asks a vault.

        Args:
            fetch: called once, now; returns key and secret.

        Raises:
            CredentialsError: the function failed, or returned something else.  What it said is
                left out, since it may hold the secret.
        """
        try:
            key, secret = fetch()
        except Exception as exc:  # noqa: BLE001 - anything that a vault's client may raise
            raise CredentialsError(
                f"The credentials could not be fetched ({type(exc).__name__}).",
                hint="The function must return key and secret, in this order.",
            ) from None
        try:
            return cls(key=key, secret=secret)
        finally:
            del secret  # A traceback may show the variables of this frame.


_SHAPE_OF_FILES: Final = 'It must have two lines: key = "..." and secret = "...".'

Found = tuple[dict[str, str], CredentialsError | None]
"""Key and secret, or what is wrong: returned, since a traceback may show the variables of frames
that an exception passes through."""


def _read_private_file(path: Path) -> Found:
    try:
        with path.open("rb") as file:
            # The open file is looked at, not its name: the name may lead elsewhere by now.
            _refuse_shared(os.fstat(file.fileno()), path)
            raw = file.read(FILE_BYTES_MAX + 1)
    except CredentialsError as problem:
        return {}, problem
    except OSError as exc:
        return {}, CredentialsError(
            f"{path} cannot be read: {exc.strerror or type(exc).__name__}.",
            hint="Check the name, and that the file belongs to you.",
        )
    if len(raw) > FILE_BYTES_MAX:
        return {}, CredentialsError(f"{path} is too large for this.", hint=_SHAPE_OF_FILES)
    return _assignments_in(raw.decode("utf-8", "replace"), path)


def _refuse_shared(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise CredentialsError(f"{path} is no file.", hint=_SHAPE_OF_FILES)
    if os.name != "posix":
        return  # Rights are kept in lists there, which a mode does not show.
    if status.st_uid != os.geteuid():
        raise CredentialsError(
            f"{path} belongs to another user, who can read and change it.",
            hint="Copy it to a file of your own.",
        )
    if stat.S_IMODE(status.st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise CredentialsError(
            f"{path} is open to others (mode {stat.S_IMODE(status.st_mode):o}).",
            hint=f"Run: chmod 600 '{path}'. If others may have read it, make a new key.",
        )


def _assignments_in(text: str, path: Path) -> Found:
    """Return key and secret; nothing of the file is ever quoted in an error."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, _, value = stripped.partition("=")
        meant = NAMES_IN_FILES.get(name.strip().lower())
        if meant is None or meant in found:
            fault = "is given twice" if meant else "is neither a key nor a secret"
            return {}, CredentialsError(
                f"{path}, line {number}: this {fault}.", hint=_SHAPE_OF_FILES
            )
        found[meant] = _unquoted(value.strip())
    missing = [each for each in ("key", "secret") if each not in found]
    if missing:
        return {}, CredentialsError(
            f"{path} has no {' and no '.join(missing)}.", hint=_SHAPE_OF_FILES
        )
    return found, None


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value
