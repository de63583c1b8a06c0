"""Takes the Message-ID of a message along when its effect is in another conversation.

The intake has placed the message, and maybe answers to it, before anybody knew that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from postrail.database import Connection, rows
from postrail.incoming.message_ids import named_by
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


async def followed(connection: Connection, mail_ids: Sequence[str]) -> dict[str, str]:
    """Returns where the ids are now by which these messages joined their conversations, by mail_id.

    Left out are those that are still there. An id that was only named before is not followed:
    anybody may have taken it since.
    """
    found = await rows(
        connection,
        "SELECT mail.mail_id::text, own.conversation::text FROM incoming_mail AS mail"
        " JOIN message_index AS own ON own.message_hash = mail.joined_by"
        " WHERE mail.mail_id = ANY(%s) AND own.conversation <> mail.conversation",
        [list(mail_ids)],
    )
    return dict(found)


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
