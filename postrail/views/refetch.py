"""Reads whether a message is asked for again, and which failed messages could be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from postrail.database import Connection, rows, rows_as
from postrail.views.where import where

# The end of a parked message's reason, which differs from message to message.
NEXT_ATTEMPT = "; it is asked for again at .*$"


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedAgain:
    """A request to publish a message again."""

    requested_at: datetime
    requested_by: str
    reason: str
    due_at: datetime
    attempts: int
    # The last attempt that failed, and why.
    tried_at: datetime | None
    problem: str
    # It waits until its mail account is enabled.
    held: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedGroup:
    """Failed messages with one reason."""

    reason: str
    count: int


async def asked_again(connection: Connection, mail_id: str) -> AskedAgain | None:
    """Returns the request for a message, if there is one."""
    found = await rows_as(
        connection,
        AskedAgain,
        "SELECT requested_at, requested_by, reason, due_at, attempts, tried_at, problem, held"
        " FROM refetch WHERE mail_id = %s",
        [mail_id],
    )
    return found[0] if found else None


async def failed_mails(
    connection: Connection, *, reason: str | None, mailbox: str | None
) -> list[str]:
    """Returns the ids of failed messages, in the order in which they arrived.

    `reason` is a part of the reason, in capitals or not.
    """
    clause, values = _failed(reason, mailbox)
    found = await rows(
        connection,
        "SELECT mail_id::text FROM incoming_mail"  # noqa: S608  Our own conditions.
        + clause
        + " ORDER BY arrival NULLS FIRST, fetched_at, mail_id",
        values,
    )
    return [mail_id for (mail_id,) in found]


async def failed_groups(
    connection: Connection, *, reason: str | None, mailbox: str | None, limit: int
) -> list[FailedGroup]:
    """Returns the most frequent reasons of failed messages; the selection is `failed_mails`'s."""
    clause, values = _failed(reason, mailbox)
    return await rows_as(
        connection,
        FailedGroup,
        "SELECT regexp_replace(coalesce(reason, ''), %s, '') AS reason,"  # noqa: S608  Our own conditions.
        " count(*) AS count FROM incoming_mail"
        + clause
        + " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s",
        [NEXT_ATTEMPT, *values, limit],
    )


def _failed(reason: str | None, mailbox: str | None) -> tuple[LiteralString, list[object]]:
    return where(
        ("state = %s", "failed"),
        ("position(lower(%s) IN lower(reason)) > 0", reason),
        ("mailbox = %s", mailbox),
    )
