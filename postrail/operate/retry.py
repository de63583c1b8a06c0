"""Has failed incoming messages handled again from their raw bytes, after their cause was fixed.

The fetcher publishes each one again, the parser parses it anew, and the handler's decision is the
message's next revision. A failed message had no effect, so a retry has each effect once. A message
that stays `fetched`, because its record is gone, is published again in the same way; if the record
is still there after all, the second one changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.clock import Clock
from postrail.database import Connection, Transactions
from postrail.errors import PermanentError
from postrail.incoming import refetch
from postrail.views.incoming import IncomingDetail, incoming_mail
from postrail.views.refetch import FailedGroup, failed_groups, failed_mails

RETRIED_AT_ONCE = 500
REASONS_SHOWN = 10
RETRYABLE = ("fetched", "failed", "quarantined")


@dataclass(frozen=True, kw_only=True)
class Retried:
    """A message as it was before the retry; `already` when it had been asked for and was due."""

    mail: IncomingDetail
    already: bool


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The failed messages that a retry would take, and their most frequent reasons."""

    mail_ids: Sequence[str]
    reasons: Sequence[FailedGroup]


async def retry_mail(
    connection: Connection, mail_id: str, *, author: str, now: datetime
) -> Retried:
    """Asks for a failed or quarantined message again, or for one that stays fetched.

    Its id may be shortened as in `incoming_mail`. Raises PermanentError in any other state.
    """
    mail = await incoming_mail(connection, mail_id)
    if mail.state not in RETRYABLE:
        raise PermanentError(
            f"message {mail.mail_id} cannot be retried: its state is {mail.state}",
            remedy="Only messages that failed, were quarantined or stay fetched can be retried; see"
            f" what became of this one: postrail mail show {mail.mail_id}",
        )
    count = await refetch.request(
        connection, [mail.mail_id], requested_by=author, reason="retry", now=now
    )
    return Retried(mail=mail, already=count == 0)


async def select_failed(
    connection: Connection, *, reason: str | None, mailbox: str | None
) -> Selection:
    """Selects failed messages by a part of their reason and by their mailbox.

    Quarantined ones are not among them: each was held for a person to decide on.
    """
    return Selection(
        mail_ids=await failed_mails(connection, reason=reason, mailbox=mailbox),
        reasons=await failed_groups(
            connection, reason=reason, mailbox=mailbox, limit=REASONS_SHOWN
        ),
    )


async def retry_selected(
    transactions: Transactions, mail_ids: Sequence[str], *, author: str, clock: Clock
) -> int:
    """Asks for these messages again, in batches; returns how many became due by this call.

    When it is interrupted, the batches before are asked for; it may be repeated.
    """
    # One time for all, so that they are served in the order in which they arrived.
    count, now = 0, clock.now()
    for start in range(0, len(mail_ids), RETRIED_AT_ONCE):
        async with transactions() as connection:
            count += await refetch.request(
                connection,
                mail_ids[start : start + RETRIED_AT_ONCE],
                requested_by=author,
                reason="retry",
                now=now,
            )
    return count
