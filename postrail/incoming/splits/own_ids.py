"""Takes the Message-ID of a message along when its effect is in another conversation.

The intake has placed the message, and maybe answers to it, before anybody knew that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from postrail.database import Connection, rows
from postrail.incoming.message_ids import answered_ids, message_hash, named_by
from postrail.incoming.queue import DueMail
from postrail.records import MailParsed


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """The own id of a message goes from one conversation to another."""

    mail: MailParsed
    # Whether the sender is proven.
    proven: bool
    before: str
    after: str


async def move_ids(connection: Connection, moves: Sequence[Move]) -> None:
    """Gives the messages' own ids to other conversations, so that answers go there.

    The id of another sender stays, and so does that of a proven message if this one is not proven.
    """
    named = [(named_by(move.mail), move) for move in moves]
    own = [(one.own, one.sender, move) for one, move in named if one.own]
    if not own:
        return
    await connection.execute(
        "UPDATE message_index AS own SET conversation = given.after,"
        "  proven = given.proven OR own.proven"
        " FROM unnest(%b::bytea[], %b::text[], %s::bool[], %s::uuid[], %s::uuid[])"
        "  AS given (message_hash, sender, proven, before, after)"
        " WHERE own.message_hash = given.message_hash AND own.sender = given.sender AND own.seen"
        "  AND own.conversation = given.before AND (given.proven OR own.proven IS NOT TRUE)",
        [
            [digest for digest, _, _ in own],
            [sender for _, sender, _ in own],
            [move.proven for _, _, move in own],
            [move.before for _, _, move in own],
            [move.after for _, _, move in own],
        ],
    )


async def split_off(connection: Connection, mails: Sequence[DueMail]) -> dict[str, str]:
    """Returns the conversations of what the messages answer, by mail_id, where they have split off.

    Each has split off from the message's conversation since the message was taken in.
    """
    answered = {
        due.mail.mail_id: [message_hash(one) for one in answered_ids(due.mail)] for due in mails
    }
    hashes = {digest for digests in answered.values() for digest in digests}
    known = await _with_origins(connection, hashes) if hashes else {}
    found = {}
    for due in mails:
        nearest = next((one for one in answered[due.mail.mail_id] if one in known), b"")
        conversation, origin = known.get(nearest, ("", None))
        if origin == due.conversation:
            found[due.mail.mail_id] = conversation
    return found


async def _with_origins(
    connection: Connection, hashes: set[bytes]
) -> Mapping[bytes, tuple[str, str | None]]:
    """Returns the conversations of ids that were seen, each with the one that it split off from.

    A conversation has the id of the message that began it, which stands in the other one.
    """
    found = await rows(
        connection,
        "SELECT own.message_hash, own.conversation::text, first.conversation::text"
        " FROM message_index AS own LEFT JOIN incoming_mail AS first"
        "  ON first.mail_id = own.conversation AND first.conversation <> own.conversation"
        " WHERE own.message_hash = ANY(%b) AND own.seen",
        [sorted(hashes)],
    )
    return {digest: (conversation, origin) for digest, conversation, origin in found}


async def move_mails(connection: Connection, moves: Sequence[Move]) -> None:
    """Moves messages that are due, with their own ids; they keep their order there."""
    if not moves:
        return
    await connection.execute(
        "UPDATE incoming_mail AS mail SET conversation = given.after,"
        "  queue = CASE WHEN mail.queue = mail.conversation THEN given.after ELSE mail.queue END"
        " FROM unnest(%s::uuid[], %s::uuid[]) AS given (mail_id, after)"
        " WHERE mail.mail_id = given.mail_id",
        [[move.mail.mail_id for move in moves], [move.after for move in moves]],
    )
    await move_ids(connection, moves)
