"""Reads and writes tokens, one row for each mail account or outgoing connection.

Tokens are sealed. Accounts and connections have tables of their own: each row goes with its owner.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from postrail.configuration.accounts.kind import MAIL_ACCOUNT
from postrail.configuration.configured import TokenOwner
from postrail.configuration.connections.kind import OUTGOING_CONNECTION
from postrail.configuration.kind import Kind
from postrail.configuration.store import exists
from postrail.database import Connection, rows, rows_as
from postrail.errors import ConfigurationError
from postrail.secrets import Secrets

State = Literal["authorized", "needs_authorization"]

# An authorization that was begun expires after this long.
AUTHORIZATION_SECONDS = 900
# By the section of the owners in a file, which is also their group of commands.
KINDS: dict[str, Kind[Any]] = {"accounts": MAIL_ACCOUNT, "connections": OUTGOING_CONNECTION}
TOKEN_TABLES = {"accounts": "oauth_token", "connections": "connection_token"}
AUTHORIZATION_TABLES = {
    "accounts": "oauth_authorization",
    "connections": "connection_authorization",
}
# The columns with the owner's name; that of accounts has the name of the table it refers to.
OWNERS = {"accounts": MAIL_ACCOUNT.table, "connections": "connection"}
COLUMNS = (
    "state, reason, refresh_token, access_token, expires_at, obtained_at, bound_to, changed_at"
)


@dataclass(frozen=True, kw_only=True)
class TokenRow:
    """The tokens of an account or a connection, and whether it is authorized."""

    owner: str
    owners: str = "accounts"
    state: State
    reason: str = ""
    refresh_token: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    expires_at: datetime | None = None
    obtained_at: datetime | None = None
    # A hash of the provider and of the server that receives the tokens.
    bound_to: str = ""
    changed_at: datetime


async def find(connection: Connection, owner: TokenOwner) -> TokenRow | None:
    """Returns the owner's row, if there is one."""
    return await _one(connection, owner.command_group, owner.name)


async def lock(connection: Connection, blank: TokenRow) -> TokenRow:
    """Returns the owner's row, locked until the transaction ends; inserts `blank` if missing.

    Raises ConfigurationError when the owner is not in the database.
    """
    row = await _one(connection, blank.owners, blank.owner, " FOR UPDATE")
    if row is None:
        await _insert(connection, blank)
        row = await _one(connection, blank.owners, blank.owner, " FOR UPDATE")
    assert row is not None
    return row


async def save(connection: Connection, row: TokenRow) -> None:
    """Replaces the owner's row."""
    await connection.execute(
        f"UPDATE {TOKEN_TABLES[row.owners]} SET state = %s, reason = %s, refresh_token = %s,"  # noqa: S608
        " access_token = %s, expires_at = %s, obtained_at = %s, bound_to = %s, changed_at = %s"
        f" WHERE {OWNERS[row.owners]} = %s".encode(),
        [
            row.state,
            row.reason,
            row.refresh_token,
            row.access_token,
            row.expires_at,
            row.obtained_at,
            row.bound_to,
            row.changed_at,
            row.owner,
        ],
    )


async def all_rows(connection: Connection, owners: str = "accounts") -> list[TokenRow]:
    """Returns the rows of all accounts, or of all connections."""
    return await rows_as(connection, TokenRow, _select(owners))


async def reseal(connection: Connection, secrets: Secrets) -> int:
    """Seals tokens that use an older key with the first key; returns their number."""
    return sum([await _reseal(connection, owners, secrets) for owners in KINDS])


async def _reseal(connection: Connection, owners: str, secrets: Secrets) -> int:
    count = 0
    for row in await _locked_rows(connection, owners):
        for column, stored in (("refresh_token", row[1]), ("access_token", row[2])):
            if stored and secrets.sealed_with_old_key(stored):
                await connection.execute(
                    f"UPDATE {TOKEN_TABLES[owners]} SET {column} = %s"  # noqa: S608
                    f" WHERE {OWNERS[owners]} = %s".encode(),
                    [secrets.seal(secrets.reveal(stored)), row[0]],
                )
                count += 1
    return count


async def begin(
    connection: Connection, owner: TokenOwner, *, state: str, kept: str, now: datetime
) -> None:
    """Stores an authorization that was begun, and deletes expired ones."""
    owners = owner.command_group
    await connection.execute(
        f"DELETE FROM {AUTHORIZATION_TABLES[owners]}"  # noqa: S608
        " WHERE begun_at < %s - make_interval(secs => %s)".encode(),
        [now, AUTHORIZATION_SECONDS],
    )
    await connection.execute(
        f"INSERT INTO {AUTHORIZATION_TABLES[owners]} (state, {OWNERS[owners]}, kept, begun_at)"  # noqa: S608
        " VALUES (%s, %s, %s, %s)".encode(),
        [state, owner.name, kept, now],
    )


async def take(
    connection: Connection, owner: TokenOwner, *, state: str, now: datetime
) -> str | None:
    """Returns and deletes what was kept for this state; None when it is unknown or expired."""
    owners = owner.command_group
    cursor = await connection.execute(
        f"DELETE FROM {AUTHORIZATION_TABLES[owners]} WHERE state = %s AND {OWNERS[owners]} = %s"  # noqa: S608
        " AND begun_at >= %s - make_interval(secs => %s) RETURNING kept".encode(),
        [state, owner.name, now, AUTHORIZATION_SECONDS],
    )
    row = await cursor.fetchone()
    return None if row is None else str(row[0])


async def _insert(connection: Connection, row: TokenRow) -> None:
    kind, owners = KINDS[row.owners], row.owners
    if not await exists(connection, kind, row.owner):
        raise ConfigurationError(
            f"{kind.full_word} {row.owner} is not in the database, so its tokens cannot be kept",
            remedy="Store it first: postrail apply",
        )
    await connection.execute(
        f"INSERT INTO {TOKEN_TABLES[owners]} ({OWNERS[owners]}, state, reason, changed_at)"  # noqa: S608
        " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING".encode(),
        [row.owner, row.state, row.reason, row.changed_at],
    )


async def _locked_rows(connection: Connection, owners: str) -> list[tuple[str, str, str]]:
    found = await rows(
        connection,
        f"SELECT {OWNERS[owners]}, refresh_token, access_token FROM {TOKEN_TABLES[owners]}"  # noqa: S608
        f" ORDER BY {OWNERS[owners]} FOR UPDATE",
    )
    return [(row[0], row[1], row[2]) for row in found]


def _select(owners: str) -> str:
    return (
        f"SELECT {OWNERS[owners]} AS owner, '{owners}' AS owners, {COLUMNS}"  # noqa: S608
        f" FROM {TOKEN_TABLES[owners]}"
    )


async def _one(
    connection: Connection, owners: str, owner: str, locked: str = ""
) -> TokenRow | None:
    statement = f"{_select(owners)} WHERE {OWNERS[owners]} = %s{locked}"
    found = await rows_as(connection, TokenRow, statement, [owner])
    return found[0] if found else None
