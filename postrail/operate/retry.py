"""Makes a failed incoming message due again, after its cause was fixed."""

from __future__ import annotations

from datetime import datetime

from postrail.database import Connection
from postrail.errors import PermanentError
from postrail.incoming import queue
from postrail.views.incoming import IncomingDetail, incoming_mail


async def retry_mail(connection: Connection, mail_id: str, now: datetime) -> IncomingDetail:
    """Makes the message due again, and returns it as it was before.

    Its id may be shortened as in `incoming_mail`. Raises PermanentError in any other state.
    """
    mail = await incoming_mail(connection, mail_id)
    if not await queue.retry(connection, mail.mail_id, now):
        raise PermanentError(
            f"message {mail.mail_id} cannot be retried: its state is {mail.state}",
            remedy="Only messages that failed after they were parsed can be retried",
        )
    return mail
