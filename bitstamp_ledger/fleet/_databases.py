"""Connections to databases beside those that ledgers make themselves."""

import sqlalchemy as sa

from bitstamp_ledger.errors import LedgerError, MissingExtraError


def engine_for(place: str, *, what: str) -> sa.Engine:
    """Return an engine for a path or an address; nothing is connected yet.

    Raises:
        LedgerError: it is no address of a database.
        MissingExtraError: the database's driver is not installed.
    """
    try:
        url = sa.make_url(place) if "://" in place else sa.URL.create("sqlite", database=place)
        if url.drivername == "postgresql":  # Which stands for another driver than ours.
            url = url.set(drivername="postgresql+psycopg")
        return sa.create_engine(url, hide_parameters=True, pool_pre_ping=True)
    except sa.exc.ArgumentError:
        raise LedgerError(
            f"The address of {what} is not the address of a database.",
            hint="Give the path of a file, or postgresql+psycopg://user@host/database.",
        ) from None
    except ModuleNotFoundError:
        raise MissingExtraError(f"To keep {what} in PostgreSQL", extra="fleet") from None


def said_by(error: sa.exc.SQLAlchemyError) -> str:
    """Return the first line of what the driver said; it holds no password and no parameter."""
    return str(getattr(error, "orig", None) or type(error).__name__).strip().partition("\n")[0]
