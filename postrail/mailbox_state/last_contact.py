"""When each mail server was last reached, and what has been wrong since when: for people who look.

Nothing is decided by these rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from postrail.database import Connection
from postrail.errors import PipelineError


@dataclass(frozen=True, kw_only=True, slots=True)
class Contact:
    """How the last looks at a mailbox went."""

    mailbox: str
    reached_at: datetime | None = None
    # Blank while all is well.
    problem: str = ""
    setting: str = ""
    remedy: str = ""
    problem_since: datetime | None = None


def storable(words: str) -> str:
    """A server's words without the one character that PostgreSQL's texts do not hold."""
    return words.replace("\0", "")


async def reached(connection: Connection, mailbox: str, now: datetime) -> None:
    """The mailbox was looked at without a fault."""
    await connection.execute(
        "INSERT INTO mailbox_contact (mailbox, reached_at) VALUES (%s, %s)"
        " ON CONFLICT (mailbox) DO UPDATE SET reached_at = excluded.reached_at,"
        "  problem = '', setting = '', remedy = '', problem_since = NULL",
        (mailbox, now),
    )


async def failed(connection: Connection, mailbox: str, error: PipelineError, now: datetime) -> None:
    """The look ended in a fault; the time of the first one in a row is kept."""
    await connection.execute(
        "INSERT INTO mailbox_contact AS old (mailbox, problem, setting, remedy, problem_since)"
        " VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (mailbox) DO UPDATE SET problem = excluded.problem,"
        "  setting = excluded.setting, remedy = excluded.remedy,"
        "  problem_since = coalesce(old.problem_since, excluded.problem_since)",
        (mailbox, *map(storable, (error.problem, error.setting, error.remedy)), now),
    )


async def contacts(connection: Connection) -> dict[str, Contact]:
    """The contact of each mailbox that was ever looked at."""
    async with connection.cursor(row_factory=class_row(Contact)) as cursor:
        await cursor.execute("SELECT * FROM mailbox_contact")
        return {contact.mailbox: contact for contact in await cursor.fetchall()}
