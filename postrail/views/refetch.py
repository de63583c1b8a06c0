"""Reads whether a message is asked for again, and which messages could be."""

from __future__ import annotations

from collections.abc import Sequence
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
class ReasonGroup:
    """Messages with one reason."""

    reason: str
    # What a release of them does not ask again; "": nothing.
    held_by: str
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


async def mails_to_handle_again(
    connection: Connection, *, outcomes: Sequence[str], reason: str | None, mailbox: str | None
) -> list[str]:
    """Returns the ids of messages with these outcomes, in the order in which they arrived.

    The outcomes are some of failed, quarantined and ignored; `reason` is a part of the reason, in
    capitals or not.
    """
    clause, values = _selected(outcomes, reason, mailbox)
    found = await rows(
        connection,
        "SELECT mail_id::text FROM incoming_mail"  # noqa: S608  Our own conditions.
        + clause
        + " ORDER BY arrival NULLS FIRST, fetched_at, mail_id",
        values,
    )
    return [mail_id for (mail_id,) in found]


async def reasons_of(
    connection: Connection,
    *,
    outcomes: Sequence[str],
    reason: str | None,
    mailbox: str | None,
    limit: int,
) -> list[ReasonGroup]:
    """Returns the most frequent reasons of those that `mails_to_handle_again` returns."""
    clause, values = _selected(outcomes, reason, mailbox)
    return await rows_as(
        connection,
        ReasonGroup,
        "SELECT regexp_replace(coalesce(reason, ''), %s, '') AS reason,"  # noqa: S608  Our own conditions.
        " coalesce(trace ->> 'held_by', '') AS held_by, count(*) AS count FROM incoming_mail"
        + clause
        + " GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT %s",
        [NEXT_ATTEMPT, *values, limit],
    )


def _selected(
    outcomes: Sequence[str], reason: str | None, mailbox: str | None
) -> tuple[LiteralString, list[object]]:
    # A failed or quarantined message has a state of its own; an ignored one is done.
    states = ["done" if outcome == "ignored" else outcome for outcome in outcomes]
    return where(
        ("state = ANY(%s)", states),
        ("(state <> 'done' OR outcome = ANY(%s))", list(outcomes)),
        ("position(lower(%s) IN lower(reason)) > 0", reason),
        ("mailbox = %s", mailbox),
    )
