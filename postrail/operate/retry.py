"""Has messages handled again that failed, were held, or were ignored: as if they had just arrived.

The fetcher publishes each one again from its raw bytes, the parser parses it anew, and the
handler's decision, with a new arrival number and fresh facts, is the message's next revision. None
of these messages became an issue or a comment, so handling them again has each effect once. A
retry asks everything again; a release does not ask again what held or ignored the message.

A message that stays `fetched`, because its record is gone, is published again in the same way; if
the record is still there after all, the second one changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.clock import Clock
from postrail.configuration.load import load_snapshot
from postrail.database import Connection, Transactions
from postrail.errors import PermanentError
from postrail.incoming import refetch
from postrail.views.incoming import IncomingDetail, incoming_mail
from postrail.views.refetch import ReasonGroup, mails_to_handle_again, reasons_of

ASKED_AT_ONCE = 500
REASONS_SHOWN = 10


class HandlerNotFound(PermanentError):
    """No enabled mail handler has the name."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """How messages are to be handled again, and at whose request."""

    author: str
    # True: what held or ignored a message is not asked again.
    releases: bool = False
    # The mail handler that takes them, whatever its conditions; "": the account's, in their order.
    as_handler: str = ""

    @property
    def word(self) -> str:
        """Returns what the order is called: release or retry."""
        return "release" if self.releases else "retry"

    @property
    def reason(self) -> str:
        """Returns the order in words, as the request has it."""
        return f"{self.word} as handler {self.as_handler}" if self.as_handler else self.word


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A message as it was before; `already` when it had been asked for and was due."""

    mail: IncomingDetail
    already: bool


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The messages that would be handled again, and their most frequent reasons."""

    mail_ids: Sequence[str]
    reasons: Sequence[ReasonGroup]


async def chosen(connection: Connection, mail_id: str, order: Order) -> IncomingDetail:
    """Returns the message if the order is possible for it; its id may be shortened.

    Raises PermanentError for a message that had its effect, or is on its way.
    """
    mail = await incoming_mail(connection, mail_id)
    if (mail.outcome if mail.state == "done" else mail.state) in refetch.HANDLED_AGAIN:
        return mail
    if mail.state == "fetched" and not order.releases:
        return mail
    became = f", its outcome {mail.outcome}" if mail.state == "done" else ""
    raise PermanentError(
        f"message {mail.mail_id} allows no {order.word}: its state is {mail.state}{became}",
        remedy="Only messages that failed, were quarantined or were ignored are handled again"
        " (a retry also asks for one that stays fetched): any other has had its effect, or is on"
        f" its way. See what became of this one: postrail mail show {mail.mail_id}",
    )


async def ask_again(
    connection: Connection, mail_ids: Sequence[str], order: Order, now: datetime
) -> list[Asked]:
    """Asks for messages again, all or none; their ids may be shortened.

    Raises PermanentError as `chosen` does, and HandlerNotFound.
    """
    await require_handler(connection, order)
    mails = [await chosen(connection, mail_id, order) for mail_id in mail_ids]
    return [
        Asked(mail=mail, already=await _ask(connection, [mail.mail_id], order, now) == 0)
        for mail in {mail.mail_id: mail for mail in mails}.values()
    ]


async def require_handler(connection: Connection, order: Order) -> None:
    """Raises HandlerNotFound unless the order's handler is there and enabled."""
    if not order.as_handler:
        return
    snapshot = await load_snapshot(connection)
    enabled = [handler.name for handler in snapshot.enabled_handlers]
    if order.as_handler not in enabled:
        raise HandlerNotFound(
            f"no enabled mail handler is called {order.as_handler}",
            setting="--as-handler",
            remedy=f"Enabled are: {', '.join(enabled) or 'none'}. See: postrail handlers list",
        )


async def select(
    connection: Connection,
    outcomes: Sequence[str],
    *,
    reason: str | None = None,
    mailbox: str | None = None,
) -> Selection:
    """Selects messages that can be handled again, in the order in which they arrived.

    `outcomes` are some of failed, quarantined and ignored; `reason` is a part of the reason, in
    capitals or not.
    """
    return Selection(
        mail_ids=await mails_to_handle_again(
            connection, outcomes=outcomes, reason=reason, mailbox=mailbox
        ),
        reasons=await reasons_of(
            connection, outcomes=outcomes, reason=reason, mailbox=mailbox, limit=REASONS_SHOWN
        ),
    )


async def ask_selected_again(
    transactions: Transactions, mail_ids: Sequence[str], order: Order, clock: Clock
) -> int:
    """Asks for these messages again, in batches; returns how many became due by this call.

    When it is interrupted, the batches before are asked for; it may be repeated. Raises
    HandlerNotFound before the first batch.
    """
    # One time for all, so that they are served in the order in which they arrived.
    count, now = 0, clock.now()
    async with transactions() as connection:
        await require_handler(connection, order)
    for start in range(0, len(mail_ids), ASKED_AT_ONCE):
        async with transactions() as connection:
            count += await _ask(connection, mail_ids[start : start + ASKED_AT_ONCE], order, now)
    return count


async def _ask(connection: Connection, mail_ids: Sequence[str], order: Order, now: datetime) -> int:
    if order.releases or order.as_handler:
        await refetch.note_order(
            connection,
            mail_ids,
            ordered_by=order.author,
            as_handler=order.as_handler,
            skips_what_held=order.releases,
            now=now,
        )
    return await refetch.request(
        connection, mail_ids, requested_by=order.author, reason=order.reason, now=now
    )
