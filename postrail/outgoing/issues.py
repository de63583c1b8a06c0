"""Relates outgoing messages to the issues that they are about."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from postrail.database import Connection, rows
from postrail.outgoing.message_ids import WITH_SENT
from postrail.records import OutgoingQueued
from postrail.tracker import issues


async def issue_ids(connection: Connection, records: Sequence[OutgoingQueued]) -> list[int | None]:
    """Returns the issue of each record; those of builds before migration 0011 name its key."""
    keys = {r.issue_key for r in records if r.issue_id is None and r.issue_key}
    found = await issues.by_key(connection, keys)
    by_key = {key: issue.issue_id for key, issue in found.items()}
    return [
        by_key.get(record.issue_key or "") if record.issue_id is None else record.issue_id
        for record in records
    ]


async def answered_issues(
    connection: Connection, issue_ids: Sequence[int], message_ids: Sequence[str]
) -> list[tuple[str, int]]:
    """Returns the messages of these issues that have these Message-IDs: (Message-ID, issue id)."""
    found = await rows(
        connection,
        WITH_SENT + "SELECT sent.message_id, mail.issue_id FROM outgoing_mail AS mail"  # noqa: S608
        " JOIN sent USING (outgoing_id)"
        " WHERE mail.issue_id = ANY(%s) AND sent.message_id = ANY(%s)",
        [list(issue_ids), list(message_ids)],
    )
    return [(row[0], row[1]) for row in found]


async def answered_by_recipient(
    connection: Connection, issue_ids: Collection[int], answers: Collection[tuple[str, str]]
) -> set[tuple[int, str]]:
    """Returns issue id and address of those answers whose author got the answered message.

    An answer is the Message-ID that it names, and the address of its author.
    """
    if not issue_ids or not answers:
        return set()
    found = await rows(
        connection,
        WITH_SENT + "SELECT mail.issue_id, sent.recipient"  # noqa: S608
        " FROM unnest(%b::text[], %b::text[]) AS answer(message_id, address)"
        " JOIN sent ON sent.message_id = answer.message_id"
        "  AND lower(sent.recipient) = answer.address"
        " JOIN outgoing_mail AS mail USING (outgoing_id) WHERE mail.issue_id = ANY(%s)",
        [
            [message_id for message_id, _ in answers],
            [address for _, address in answers],
            list(issue_ids),
        ],
    )
    return {(issue_id, recipient.lower()) for issue_id, recipient in found}


async def internal_messages(
    connection: Connection, issue_ids: Sequence[int], message_ids: Sequence[str]
) -> list[tuple[str, int]]:
    """Returns the messages about internal comments of these issues that have these Message-IDs.

    Each is its Message-ID and the issue's id.
    """
    found = await rows(
        connection,
        WITH_SENT + "SELECT sent.message_id, mail.issue_id FROM outgoing_mail AS mail"  # noqa: S608
        " JOIN sent USING (outgoing_id)"
        " WHERE mail.internal AND mail.issue_id = ANY(%s) AND sent.message_id = ANY(%s)",
        [list(issue_ids), list(message_ids)],
    )
    return [(row[0], row[1]) for row in found]
