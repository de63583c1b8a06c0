"""Reads incoming messages for the queue and log: lists of them, and one in detail."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from postrail.database import Connection, one, rows_as
from postrail.errors import PermanentError
from postrail.views.where import OF_ISSUE, where

UNFINISHED = ("fetched", "new", "working", "waiting")


@dataclass(frozen=True, kw_only=True, slots=True)
class IncomingRow:
    """A message as the queue and log list it."""

    mail_id: str
    mailbox: str
    state: str
    subject: str
    sender: str
    size: int
    received_at: datetime | None
    fetched_at: datetime
    # When it was last published again, after a retry or a loss in Kafka.
    refetched_at: datetime | None = None
    handled_at: datetime | None
    # The time of the next attempt, while the state is waiting.
    due_at: datetime | None
    attempts: int
    revision: int
    outcome: str | None
    reason: str | None
    issue_key: str | None
    comment_id: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class IncomingDetail(IncomingRow):
    """All that is stored about a message, except its contents."""

    source: str
    message_id: str | None
    conversation: str | None
    arrival: int | None
    fingerprint: str | None
    raw_partition: int | None
    raw_offset: int | None
    blobs: list[str]
    # A person's last order to handle it again: by whom, when, as which handler, and what is not
    # asked again (see `postrail.decision.release`).
    release: dict[str, Any] | None
    # The facts that the decision was made from.
    trace: dict[str, Any] | None


_COLUMNS: LiteralString = """
mail_id::text, mailbox, state, subject, sender, size, received_at, fetched_at,
    refetched_at, handled_at, due_at, attempts, revision, outcome, reason, issue_key, comment_id"""

_ROW: LiteralString = "SELECT" + _COLUMNS + " FROM incoming_mail"

_DETAIL: LiteralString = (
    "SELECT source, message_id, conversation::text, arrival, fingerprint, raw_partition,"  # noqa: S608
    " raw_offset, blobs, release, trace," + _COLUMNS + " FROM incoming_mail"
    " WHERE mail_id BETWEEN %s AND %s ORDER BY mail_id LIMIT 2"
)


async def incoming_mails(
    connection: Connection,
    *,
    limit: int = 50,
    states: Sequence[str] = (),
    outcomes: Sequence[str] = (),
    mailbox: str | None = None,
    issue_key: str | None = None,
) -> list[IncomingRow]:
    """Returns the messages fetched last, newest first.

    Only those of these states, these outcomes, this mailbox, or this issue.
    """
    clause, values = where(
        ("state = ANY(%s)", list(states)),
        ("outcome = ANY(%s)", list(outcomes)),
        ("mailbox = %s", mailbox),
        (OF_ISSUE, issue_key),
    )
    return await rows_as(
        connection,
        IncomingRow,
        _ROW + clause + " ORDER BY fetched_at DESC, mail_id LIMIT %s",
        [*values, limit],
    )


async def changed_mails(
    connection: Connection, *, fetched_since: datetime, unfinished: Sequence[str]
) -> list[IncomingRow]:
    """Returns the messages fetched or published again since then and those in `unfinished`.

    The oldest comes first.
    """
    return await rows_as(
        connection,
        IncomingRow,
        _ROW + " WHERE fetched_at >= %s OR refetched_at >= %s OR mail_id = ANY(%s::uuid[])"
        " ORDER BY fetched_at, mail_id",
        [fetched_since, fetched_since, list(unfinished)],
    )


async def incoming_mail(connection: Connection, mail_id: str) -> IncomingDetail:
    """Returns one message; the first characters of its id suffice if no other begins like that.

    Raises PermanentError when no id or several begin like that.
    """
    found = await rows_as(connection, IncomingDetail, _DETAIL, _range_of(mail_id))
    if len(found) == 1:
        return found[0]
    count = "several messages have" if found else "no message has"
    raise PermanentError(
        f"{count} an id that begins with {mail_id!r}", remedy="See: postrail mail list --json"
    )


async def oldest_unfinished(connection: Connection) -> datetime | None:
    """Returns when the oldest message that has no outcome yet was fetched."""
    row = await one(
        connection,
        "SELECT min(fetched_at) FROM incoming_mail"
        " WHERE state IN ('fetched', 'new', 'working', 'waiting')",
    )
    return row[0] if row else None


def _range_of(prefix: str) -> tuple[uuid.UUID, uuid.UUID]:
    """Returns the first and the last id with this prefix, so that the primary key's index is used.

    Raises PermanentError when no id can begin like that.
    """
    digits = prefix.strip().lower().replace("-", "")
    try:
        return uuid.UUID(digits.ljust(32, "0")), uuid.UUID(digits.ljust(32, "f"))
    except ValueError as error:
        raise PermanentError(
            f"{prefix!r} is not the beginning of a message's id", remedy="See: postrail mail list"
        ) from error


async def arrived(connection: Connection, mailbox: str, message_id: str, since: datetime) -> bool:
    """Tells whether a message with this Message-ID was fetched from the mailbox since then."""
    found = await one(
        connection,
        "SELECT EXISTS (SELECT FROM incoming_mail"
        " WHERE fetched_at >= %s AND mailbox = %s AND message_id = %s)",
        [since, mailbox, message_id],
    )
    return bool(found and found[0])
