"""The last contact with each mail server and its present problem, for the status views.

Only the deadlines of approvals depend on these rows: they wait for `read_until`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postrail.database import Connection, one, rows_as, storable
from postrail.errors import PipelineError


@dataclass(frozen=True, kw_only=True, slots=True)
class Contact:
    """The results of the last polls of a mailbox."""

    mailbox: str
    reached_at: datetime | None = None
    # Blank while the polls succeed.
    problem: str = ""
    setting: str = ""
    remedy: str = ""
    problem_since: datetime | None = None
    # All messages that the mailbox held at this time were fetched.
    read_until: datetime | None = None


async def reached(
    connection: Connection, mailbox: str, now: datetime, read_until: datetime | None = None
) -> None:
    """Records a poll without a fault; without `read_until` it may have left messages behind."""
    await connection.execute(
        "INSERT INTO mailbox_contact AS old (mailbox, reached_at, read_until) VALUES (%s, %s, %s)"
        " ON CONFLICT (mailbox) DO UPDATE SET reached_at = excluded.reached_at,"
        "  read_until = greatest(old.read_until, excluded.read_until),"
        "  problem = '', setting = '', remedy = '', problem_since = NULL",
        (mailbox, now, read_until),
    )


async def failed(connection: Connection, mailbox: str, error: PipelineError, now: datetime) -> None:
    """Records a poll that ended in a fault; of several in a row, the time of the first is kept."""
    await connection.execute(
        "INSERT INTO mailbox_contact AS old (mailbox, problem, setting, remedy, problem_since)"
        " VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (mailbox) DO UPDATE SET problem = excluded.problem,"
        "  setting = excluded.setting, remedy = excluded.remedy,"
        "  problem_since = coalesce(old.problem_since, excluded.problem_since)",
        (mailbox, *map(storable, (error.problem, error.setting, error.remedy)), now),
    )


async def read_until(connection: Connection, mailbox: str) -> datetime | None:
    """Returns the time until which the mailbox was read whole, if it ever was."""
    found = await one(
        connection, "SELECT read_until FROM mailbox_contact WHERE mailbox = %s", (mailbox,)
    )
    return found[0] if found else None


async def contacts(connection: Connection) -> dict[str, Contact]:
    """Returns the contact of each mailbox that was polled at least once."""
    found = await rows_as(connection, Contact, "SELECT * FROM mailbox_contact")
    return {contact.mailbox: contact for contact in found}
