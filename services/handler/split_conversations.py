"""Lets messages follow what they answer into the conversation in which that has its effect.

They were taken in before that, often in one batch with what they answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.decision.senders import is_proven
from postrail.incoming.queue import DueMail
from postrail.incoming.splits.own_ids import Move, followed, move_mails


async def follow(
    connection: Connection, mails: Sequence[DueMail], snapshot: ConfigurationSnapshot
) -> list[DueMail]:
    """Moves such messages; returns the others, which can be decided.

    A moved message is due in its new conversation, behind those that have arrived before it.
    """
    found = await followed(connection, [due.mail.mail_id for due in mails])
    moves = [
        Move(
            mail=due.mail,
            proven=is_proven(due.mail, snapshot.accounts.get(due.mail.mailbox)),
            before=due.conversation,
            after=found[due.mail.mail_id],
        )
        for due in mails
        if due.mail.mail_id in found
    ]
    await move_mails(connection, moves)
    return [due for due in mails if due.mail.mail_id not in found]
