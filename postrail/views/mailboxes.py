"""Reads the status of mailboxes: how far each was read, its figures, and its last problem.

The figures come from partial indexes, so their cost does not grow with the number of messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postrail.configuration.load import mail_accounts
from postrail.configuration.models.mail_account import MailAccount
from postrail.database import Connection, rows, rows_as
from postrail.mailbox_state.last_contact import Contact, contacts

RECENT = timedelta(hours=24)

FETCHED = "SELECT mailbox, count(*) FROM incoming_mail WHERE fetched_at >= %s GROUP BY 1"
FAILED = (
    "SELECT mailbox, count(*) FROM incoming_mail"
    " WHERE state IN ('failed', 'quarantined') GROUP BY 1"
)
UNACCOUNTED = (
    "SELECT mailbox, count(*) FROM incoming_mail"
    " WHERE state IN ('fetched', 'new', 'working', 'waiting') AND fetched_at < %(since)s"
    " AND (refetched_at IS NULL OR refetched_at < %(since)s) GROUP BY 1"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderRead:
    """The position up to which a folder was read."""

    mailbox: str
    folder: str
    uid_validity: int
    last_uid: int
    finished_uid: int
    changed_at: datetime
    # How often the server has begun to count its UIDs again.
    generation: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedMail:
    """A message that could not be fetched or handled."""

    mail_id: str
    source: str
    subject: str
    state: str
    reason: str | None
    handled_at: datetime | None


@dataclass(kw_only=True, slots=True)
class MailboxStatus:
    """The last contact with a mailbox, the positions in its folders, and its figures."""

    contact: Contact
    folders: list[FolderRead] = field(default_factory=list)
    fetched_in_24_hours: int = 0
    failed: int = 0
    unaccounted: int = 0


AccountStatus = tuple[MailAccount, MailboxStatus]


async def account_statuses(
    connection: Connection, now: datetime, unaccounted_after_seconds: float
) -> list[AccountStatus]:
    """Returns all mail accounts, each with the status of its mailbox."""
    found = await _mailbox_statuses(connection, now, unaccounted_after_seconds)
    return [
        (account, found.get(account.name) or _unread(account.name))
        for account in await mail_accounts(connection)
    ]


async def _mailbox_statuses(
    connection: Connection, now: datetime, unaccounted_after_seconds: float
) -> dict[str, MailboxStatus]:
    """Returns the status of each mailbox that the tables name."""
    known = await contacts(connection)
    found = {name: MailboxStatus(contact=contact) for name, contact in known.items()}

    def of(mailbox: str) -> MailboxStatus:
        return found.setdefault(mailbox, _unread(mailbox))

    for folder in await folders(connection):
        of(folder.mailbox).folders.append(folder)
    for mailbox, count in await rows(connection, FETCHED, [now - RECENT]):
        of(mailbox).fetched_in_24_hours = count
    for mailbox, count in await rows(connection, FAILED):
        of(mailbox).failed = count
    overdue_since = now - timedelta(seconds=unaccounted_after_seconds)
    for mailbox, count in await rows(connection, UNACCOUNTED, {"since": overdue_since}):
        of(mailbox).unaccounted = count
    return found


def _unread(mailbox: str) -> MailboxStatus:
    """Returns the status of a mailbox that was never opened."""
    return MailboxStatus(contact=Contact(mailbox=mailbox))


async def recent_failures(connection: Connection, mailbox: str, limit: int) -> list[FailedMail]:
    """Returns the last failed or quarantined messages of a mailbox, newest first."""
    return await rows_as(
        connection,
        FailedMail,
        "SELECT mail_id::text, source, subject, state, reason, handled_at FROM incoming_mail"
        " WHERE state IN ('failed', 'quarantined') AND mailbox = %s"
        " ORDER BY handled_at DESC LIMIT %s",
        [mailbox, limit],
    )


async def folders(connection: Connection, mailbox: str | None = None) -> list[FolderRead]:
    """Returns the positions in the folders of a mailbox, or of all mailboxes."""
    return await rows_as(
        connection,
        FolderRead,
        "SELECT mailbox, folder, uid_validity, last_uid, finished_uid, changed_at,"
        " generation FROM sync_state WHERE %(mailbox)s::text IS NULL OR mailbox = %(mailbox)s"
        " ORDER BY mailbox, folder",
        {"mailbox": mailbox},
    )
