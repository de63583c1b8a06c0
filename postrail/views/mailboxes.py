"""How each mailbox stands: how far it was read, what became of its mails, what is wrong.

The figures come from partial indexes, so that they cost the same however many mails there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from psycopg.rows import class_row

from postrail.database import Connection, rows
from postrail.mailbox_state.last_contact import Contact, contacts

RECENT = timedelta(hours=24)

FETCHED = "SELECT mailbox, count(*) FROM incoming_mail WHERE fetched_at >= %s GROUP BY 1"
FAILED = (
    "SELECT mailbox, count(*) FROM incoming_mail"
    " WHERE state IN ('failed', 'quarantined') GROUP BY 1"
)
UNACCOUNTED = (
    "SELECT mailbox, count(*) FROM incoming_mail"
    " WHERE state IN ('fetched', 'new', 'working', 'waiting') AND fetched_at < %s GROUP BY 1"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderRead:
    """How far a folder was read."""

    mailbox: str
    folder: str
    uid_validity: int
    last_uid: int
    finished_uid: int
    changed_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedMail:
    """A mail that could not be fetched or handled."""

    mail_id: str
    source: str
    subject: str
    state: str
    reason: str | None
    handled_at: datetime | None


@dataclass(kw_only=True, slots=True)
class Standing:
    """How one mailbox stands."""

    contact: Contact
    folders: list[FolderRead] = field(default_factory=list)
    fetched_in_24_hours: int = 0
    failed: int = 0
    unaccounted: int = 0


def nothing_known(mailbox: str) -> Standing:
    """The standing of a mailbox that nobody has looked at yet."""
    return Standing(contact=Contact(mailbox=mailbox))


async def standings(
    connection: Connection, now: datetime, unaccounted_after_seconds: float
) -> dict[str, Standing]:
    """The standing of each mailbox that the tables know of."""
    known = await contacts(connection)
    found = {name: Standing(contact=contact) for name, contact in known.items()}

    def of(mailbox: str) -> Standing:
        return found.setdefault(mailbox, nothing_known(mailbox))

    for folder in await folders(connection):
        of(folder.mailbox).folders.append(folder)
    for mailbox, count in await rows(connection, FETCHED, [now - RECENT]):
        of(mailbox).fetched_in_24_hours = count
    for mailbox, count in await rows(connection, FAILED):
        of(mailbox).failed = count
    long_ago = now - timedelta(seconds=unaccounted_after_seconds)
    for mailbox, count in await rows(connection, UNACCOUNTED, [long_ago]):
        of(mailbox).unaccounted = count
    return found


async def recent_failures(connection: Connection, mailbox: str, limit: int) -> list[FailedMail]:
    """The last mails of a mailbox that failed or are in quarantine, newest first."""
    async with connection.cursor(row_factory=class_row(FailedMail)) as cursor:
        await cursor.execute(
            "SELECT mail_id::text, source, subject, state, reason, handled_at FROM incoming_mail"
            " WHERE state IN ('failed', 'quarantined') AND mailbox = %s"
            " ORDER BY handled_at DESC LIMIT %s",
            [mailbox, limit],
        )
        return await cursor.fetchall()


async def folders(connection: Connection, mailbox: str | None = None) -> list[FolderRead]:
    """How far the folders of a mailbox were read, or those of all."""
    async with connection.cursor(row_factory=class_row(FolderRead)) as cursor:
        await cursor.execute(
            "SELECT mailbox, folder, uid_validity, last_uid, finished_uid, changed_at"
            " FROM sync_state WHERE %(mailbox)s::text IS NULL OR mailbox = %(mailbox)s"
            " ORDER BY mailbox, folder",
            {"mailbox": mailbox},
        )
        return await cursor.fetchall()
