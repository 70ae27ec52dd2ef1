"""The tables of a ledger: facts and decisions, to which rows are only added; and views.

1. Numbers and times that matter are text; ``*_us`` are microseconds since 1970, for sorting only.
2. Nothing in a table of the third part is stored there alone: it can be dropped and made again.
3. Ids come from ``ledger_counters``, so that they rise with the order in which rows were committed.
4. A change to a table raises ``SCHEMA_VERSION`` and needs a step in ``_migrations``.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION: Final = 2

# On SQLite, INTEGER PRIMARY KEY is the row's own number, and costs no second index.
_Id = BigInteger().with_variant(Integer, "sqlite")

metadata: Final = MetaData()

meta: Final = Table(
    "ledger_meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

counters: Final = Table(
    "ledger_counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("next", BigInteger, nullable=False),
)

COUNTERS: Final = (
    *("accounts", "runs", "records", "changes", "sightings", "files", "imports", "balances"),
    *("verdicts", "decisions", "seals", "sinks"),
)
"""Whose ids are counted.  Each has its row from the beginning, so that two that count wait for
each other instead of both making it."""

NOTES: Final = (
    *("views_stale", "views_version", "views_generation", "views_file_counts"),
    "ledger_id",
)
"""What is noted beside the schema version; empty where nothing is."""

# -- facts, and how they came in

accounts: Final = Table(
    "ledger_accounts",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("advice", Text),
    Column("since", Text),
    Column("position", Text),  # Where the next resume begins, as JSON.
)

runs: Final = Table(
    "ledger_runs",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("account_id", ForeignKey("ledger_accounts.id")),
    Column("mode", Text),
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("versions", Text, nullable=False),
    Column("counts", Text),
)

pages: Final = Table(
    "ledger_pages",
    metadata,
    Column("run_id", ForeignKey("ledger_runs.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("records", Integer, nullable=False),
    Column("added", Integer, nullable=False),
    Column("first_key", Text, nullable=False),
    Column("last_key", Text, nullable=False),
    Column("digest", Text, nullable=False),
)

records: Final = Table(
    "ledger_records",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("account_id", ForeignKey("ledger_accounts.id"), nullable=False),
    Column("run_id", ForeignKey("ledger_runs.id"), nullable=False),
    Column("key", Text, nullable=False),  # Family and id: what versions of one record share.
    Column("version", SmallInteger, nullable=False),  # 0 for the first.
    Column("digest", LargeBinary, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    UniqueConstraint("account_id", "key", "version"),
)

changes: Final = Table(
    "ledger_changes",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("record_id", ForeignKey("ledger_records.id"), nullable=False, index=True),
    Column("replaced_id", ForeignKey("ledger_records.id"), nullable=False),
    Column("run_id", ForeignKey("ledger_runs.id"), nullable=False, index=True),
)

sightings: Final = Table(
    "ledger_sightings",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("record_id", ForeignKey("ledger_records.id"), nullable=False, index=True),
    Column("run_id", ForeignKey("ledger_runs.id"), nullable=False),
    Column("listed", SmallInteger, nullable=False),  # 0: the exchange lists it no more.
)

files: Final = Table(
    "ledger_files",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("digest", Text, nullable=False, index=True),  # Of the bytes.
    Column("rows_digest", Text, nullable=False, index=True),
    Column("name", Text),
    Column("format", Text, nullable=False),
    Column("settings", Text, nullable=False),  # How it is read, as JSON.
    Column("content", LargeBinary, nullable=False),  # The bytes, compressed.
    Column("first_us", BigInteger),
    Column("last_us", BigInteger),
)

imports: Final = Table(
    "ledger_imports",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("file_id", ForeignKey("ledger_files.id"), nullable=False, index=True),
    Column("run_id", ForeignKey("ledger_runs.id"), nullable=False),
    Column("present", SmallInteger, nullable=False),  # 0: it was removed.
)

balances: Final = Table(
    "ledger_balances",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("account_id", ForeignKey("ledger_accounts.id"), nullable=False),
    Column("run_id", ForeignKey("ledger_runs.id"), nullable=False),
    Column("read_at", Text, nullable=False),
    Column("totals", Text, nullable=False),  # By currency, as JSON.
    Column("record_high", BigInteger, nullable=False),  # The last record that was held then.
    Column("newest_us", BigInteger),
    Index("ledger_balances_of_account", "account_id", "id"),
)

verdicts: Final = Table(
    "ledger_verdicts",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("fingerprint", Text, nullable=False, index=True),  # Never the key.
    Column("state", Text, nullable=False),
    Column("checked_at", Text, nullable=False),
    Column("report", Text, nullable=False),
)

# -- decisions

decisions: Final = Table(
    "ledger_decisions",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("entry_id", Text, index=True),
    Column("other_id", Text, index=True),
    Column("content", Text),
    Column("at", Text, nullable=False),
    Column("author", Text),
    Column("reason", Text),
    Column("undoes", ForeignKey("ledger_decisions.id")),
)

aliases: Final = Table(
    "ledger_aliases",
    metadata,
    Column("row_id", Text, primary_key=True),
    Column("known_id", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("grade", Text, nullable=False),
    Column("found_at", Text, nullable=False),
    Index("ledger_aliases_known", "known_id"),
)

seals: Final = Table(
    "ledger_seals",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("year", Integer, nullable=False),
    Column("at", Text, nullable=False),
    Column("author", Text),
    Column("reason", Text),
)

sealed_records: Final = Table(
    "ledger_sealed_records",
    metadata,
    Column("seal_id", ForeignKey("ledger_seals.id"), primary_key=True),
    Column("account_id", ForeignKey("ledger_accounts.id"), primary_key=True),
    Column("time_us", BigInteger, primary_key=True),
    Column("exchange_id", BigInteger, primary_key=True),
    Column("record_id", ForeignKey("ledger_records.id"), primary_key=True),
    Column("kind", Text, nullable=False),
    sqlite_with_rowid=False,
)

sealed_rows: Final = Table(
    "ledger_sealed_rows",
    metadata,
    Column("seal_id", ForeignKey("ledger_seals.id"), primary_key=True),
    Column("entry_id", Text, primary_key=True),
    Column("file_id", BigInteger, primary_key=True),
    Column("row", Integer, nullable=False),
    Column("account_id", ForeignKey("ledger_accounts.id"), nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("exchange_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("kept", SmallInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

# -- what was handed on; without it, sinks would be written anew

sinks: Final = Table(
    "ledger_sinks",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False, unique=True),  # Name and target, never a password.
    Column("position", BigInteger, nullable=False),  # The last batch that it confirmed; 0 for none.
    Column("mark", Text),  # The state of the ledger that it holds, as JSON.
    Column("pending", LargeBinary),  # The batch after it, while it is on its way.
)

sink_entries: Final = Table(
    "ledger_sink_entries",
    metadata,
    Column("sink_id", ForeignKey("ledger_sinks.id"), primary_key=True),
    Column("entry_id", Text, primary_key=True),
    Column("content", LargeBinary),  # A digest; empty: not known; NULL: it was taken back.
    sqlite_with_rowid=False,
)

# -- views

view_records: Final = Table(
    "ledger_view_records",
    metadata,
    Column("account_id", BigInteger, primary_key=True),
    Column("time_us", BigInteger, primary_key=True),
    Column("exchange_id", BigInteger, primary_key=True),
    Column("record_id", BigInteger, primary_key=True),
    Column("kind", Text, nullable=False),
    sqlite_with_rowid=False,
)

view_rows: Final = Table(
    "ledger_view_rows",
    metadata,
    Column("entry_id", Text, primary_key=True),
    Column("file_id", BigInteger, primary_key=True),
    Column("row", Integer, nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("exchange_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("kept", SmallInteger, nullable=False),  # 0: a second witness of a known entry.
    Column("data", LargeBinary, nullable=False),
    Index("ledger_view_rows_in_time", "account_id", "time_us", "exchange_id", "row", "entry_id"),
)

view_pairs: Final = Table(
    "ledger_view_pairs",
    metadata,
    Column("row_id", Text, primary_key=True),
    Column("known_id", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("grade", Text, nullable=False),
    Index("ledger_view_pairs_known", "known_id"),
)

view_sums: Final = Table(
    "ledger_view_sums",
    metadata,
    Column("account_id", BigInteger, primary_key=True),
    Column("record_high", BigInteger, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("without_fee", BigInteger, nullable=False),
    Column("unknown", BigInteger, nullable=False),
    Column("totals", Text, nullable=False),
)

VIEWS: Final = (view_records, view_rows, view_pairs, view_sums)
