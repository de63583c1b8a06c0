"""Reads and writes the tokens of mail accounts, one row for each account. Tokens are sealed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from postrail.configuration.models.mail_account import MAIL_ACCOUNT
from postrail.configuration.store import exists
from postrail.database import Connection, rows, rows_as
from postrail.errors import ConfigurationError
from postrail.secrets import Secrets

State = Literal["authorized", "needs_authorization"]

COLUMNS = (
    "mail_account, state, reason, refresh_token, access_token, expires_at, obtained_at, bound_to,"
    " changed_at"
)
SELECT = f"SELECT {COLUMNS} FROM oauth_token WHERE mail_account = %s"  # noqa: S608  Names of ours.
LOCK = f"{SELECT} FOR UPDATE"
# An authorization that was begun expires after this long.
AUTHORIZATION_SECONDS = 900


@dataclass(frozen=True, kw_only=True)
class TokenRow:
    """The tokens of an account, and whether it is authorized."""

    mail_account: str
    state: State
    reason: str = ""
    refresh_token: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    expires_at: datetime | None = None
    obtained_at: datetime | None = None
    # A hash of the provider and of the server that receives the tokens.
    bound_to: str = ""
    changed_at: datetime


async def find(connection: Connection, mail_account: str) -> TokenRow | None:
    """Returns the account's row, if there is one."""
    return await _one(connection, SELECT, [mail_account])


async def lock(connection: Connection, blank: TokenRow) -> TokenRow:
    """Returns the account's row, locked until the transaction ends; inserts `blank` if missing.

    Raises ConfigurationError when the account is not in the database.
    """
    row = await _one(connection, LOCK, [blank.mail_account])
    if row is None:
        await _insert(connection, blank)
        row = await _one(connection, LOCK, [blank.mail_account])
    assert row is not None
    return row


async def save(connection: Connection, row: TokenRow) -> None:
    """Replaces the account's row."""
    await connection.execute(
        "UPDATE oauth_token SET state = %s, reason = %s, refresh_token = %s, access_token = %s,"
        " expires_at = %s, obtained_at = %s, bound_to = %s, changed_at = %s"
        " WHERE mail_account = %s",
        [
            row.state,
            row.reason,
            row.refresh_token,
            row.access_token,
            row.expires_at,
            row.obtained_at,
            row.bound_to,
            row.changed_at,
            row.mail_account,
        ],
    )


async def all_rows(connection: Connection) -> list[TokenRow]:
    """Returns the rows of all accounts."""
    return await rows_as(connection, TokenRow, f"SELECT {COLUMNS} FROM oauth_token")  # noqa: S608


async def reseal(connection: Connection, secrets: Secrets) -> int:
    """Seals tokens that use an older key with the first key; returns their number."""
    count = 0
    for row in await _locked_rows(connection):
        for column, stored in (("refresh_token", row[1]), ("access_token", row[2])):
            if stored and secrets.sealed_with_old_key(stored):
                await connection.execute(
                    f"UPDATE oauth_token SET {column} = %s WHERE mail_account = %s".encode(),  # noqa: S608
                    [secrets.seal(secrets.reveal(stored)), row[0]],
                )
                count += 1
    return count


async def begin(
    connection: Connection, *, state: str, mail_account: str, kept: str, now: datetime
) -> None:
    """Stores an authorization that was begun, and deletes expired ones."""
    await connection.execute(
        "DELETE FROM oauth_authorization WHERE begun_at < %s - make_interval(secs => %s)",
        [now, AUTHORIZATION_SECONDS],
    )
    await connection.execute(
        "INSERT INTO oauth_authorization (state, mail_account, kept, begun_at)"
        " VALUES (%s, %s, %s, %s)",
        [state, mail_account, kept, now],
    )


async def take(
    connection: Connection, *, state: str, mail_account: str, now: datetime
) -> str | None:
    """Returns and deletes what was kept for this state; None when it is unknown or expired."""
    cursor = await connection.execute(
        "DELETE FROM oauth_authorization WHERE state = %s AND mail_account = %s"
        " AND begun_at >= %s - make_interval(secs => %s) RETURNING kept",
        [state, mail_account, now, AUTHORIZATION_SECONDS],
    )
    row = await cursor.fetchone()
    return None if row is None else str(row[0])


async def _insert(connection: Connection, row: TokenRow) -> None:
    if not await exists(connection, MAIL_ACCOUNT, row.mail_account):
        raise ConfigurationError(
            f"mail account {row.mail_account} is not in the database, so its tokens cannot be kept",
            remedy="Store it first: postrail apply",
        )
    await connection.execute(
        "INSERT INTO oauth_token (mail_account, state, reason, changed_at)"
        " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [row.mail_account, row.state, row.reason, row.changed_at],
    )


async def _locked_rows(connection: Connection) -> list[tuple[str, str, str]]:
    statement = "SELECT mail_account, refresh_token, access_token FROM oauth_token"
    found = await rows(connection, f"{statement} ORDER BY mail_account FOR UPDATE")
    return [(row[0], row[1], row[2]) for row in found]


async def _one(connection: Connection, statement: str, parameters: list[str]) -> TokenRow | None:
    found = await rows_as(connection, TokenRow, statement, parameters)
    return found[0] if found else None
