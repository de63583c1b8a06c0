"""Says whom the messages of an act go to."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.database import Connection
from postrail.outgoing.held import HeldDelivery, held_of
from postrail.records import OutgoingQueued


async def told_by(
    connection: Connection, mails: Sequence[OutgoingQueued]
) -> tuple[tuple[str, ...], tuple[HeldDelivery, ...]]:
    """Returns whom the messages go to, and those whose messages are held."""
    held = tuple(await held_of(connection, [mail.outgoing_id for mail in mails]))
    not_told = {one.recipient for one in held}
    recipients = dict.fromkeys(one.recipient for mail in mails for one in mail.deliveries)
    return tuple(one for one in recipients if one not in not_told), held
