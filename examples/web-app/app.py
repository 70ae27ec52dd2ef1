"""Lets a user connect a key, sync in the background, import files, and download a tax file."""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI, Header, Request, UploadFile
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, SecretStr

import bitstamp_ledger as bl

EXCHANGE = os.environ.get("EXCHANGE_URL", "https://www.bitstamp.net")
FOLDER = Path(os.environ.get("HISTORIES", "histories"))

FOLDER.mkdir(parents=True, exist_ok=True)
app = FastAPI(title="Histories")


class Vault:
    """Where keys are kept; a real application asks its own vault here."""

    def __init__(self) -> None:
        self._keys: dict[str, bl.Credentials] = {}

    def put(self, user: str, key: bl.Credentials) -> None:
        """Keep a user's key."""
        self._keys[user] = key

    def client(self, user: str) -> bl.AsyncClient:
        """Return a client with a user's key."""
        if user not in self._keys:
            raise bl.CredentialsError("There is no key yet.", hint="Connect one first.")
        return bl.AsyncClient(self._keys[user], base_url=EXCHANGE)


vault = Vault()


def current_user(x_user: Annotated[str, Header(pattern="^[a-z0-9-]{1,40}$")]) -> str:
    """Say who asks; a real application looks at its login."""
    return x_user


User = Annotated[str, Depends(current_user)]


@asynccontextmanager
async def history_of(user: str) -> AsyncIterator[bl.AsyncLedger]:
    """Open a user's ledger."""
    async with await bl.AsyncLedger.open(FOLDER / f"{user}.db") as ledger:
        yield ledger


@app.exception_handler(bl.BitstampLedgerError)
async def told(_: Request, error: bl.BitstampLedgerError) -> JSONResponse:
    """Answer with what happened and what to do next."""
    return JSONResponse({"message": str(error.args[0]), "hint": error.hint}, status_code=400)


class NewKey(BaseModel):
    """What a user types in."""

    key: str
    secret: SecretStr


@app.put("/key")
async def connect(user: User, typed: NewKey) -> dict[str, str]:
    """Check a key, and keep it if it can read and nothing else."""
    key = bl.Credentials(key=typed.key, secret=typed.secret.get_secret_value())
    async with bl.AsyncClient(key, base_url=EXCHANGE) as client, history_of(user) as ledger:
        report = await ledger.check_key(client)
    report.require_read_only()
    vault.put(user, key)
    return {"state": report.state.value}


@app.post("/sync", status_code=202)
async def begin_sync(user: User, tasks: BackgroundTasks) -> dict[str, str]:
    """Begin to read what is new."""
    tasks.add_task(sync, user)
    return {"see": "/status"}


async def sync(user: str) -> None:
    """Read what is new; a key that does not work pauses the account, which /status shows."""
    async with vault.client(user) as client, history_of(user) as ledger:
        await ledger.sync(client, require_checked=True)


@app.get("/status")
async def status(user: User) -> dict[str, object]:
    """Say how far the accounts were read, and what to do where one is paused."""
    async with history_of(user) as ledger:
        counts = await ledger.counts()
        accounts = await ledger.accounts()
    return {
        "accounts": [
            {"name": each.name, "state": each.condition.value, "advice": each.advice}
            for each in accounts
        ],
        "kept": counts.kept,
        "witnessed": counts.witnessed,
    }


@app.post("/files")
async def import_file(user: User, file: UploadFile) -> dict[str, int]:
    """Take in a trade file: rows that are known already become second witnesses."""
    content = await file.read()
    async with history_of(user) as ledger:
        report = await ledger.import_file(content)
    return {
        "new": report.counts.kept,
        "witnessed": report.counts.witnessed,
        "to look at": len(report.suspects) + len(report.conflicts) + len(report.problems),
    }


@app.get("/download/{sink}")
async def download(user: User, sink: str, tasks: BackgroundTasks) -> FileResponse:
    """Give the ledger in the format of a sink."""
    with tempfile.NamedTemporaryFile(delete=False) as place:
        path = Path(place.name)
    tasks.add_task(path.unlink, missing_ok=True)
    async with history_of(user) as ledger:
        with bl.sinks.open(sink, path=path, lossy=True) as out:
            await ledger.export(out)
    return FileResponse(path, filename=f"bitstamp-{sink}.csv", background=tasks)
