"""Applies Forward: the original of each message is sent on, and the excess is held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from postrail.decision.decision import Forward, Notice
from postrail.effects.batch import Context, Work
from postrail.effects.forwarding.letter import queued
from postrail.effects.forwarding.notice import send_notices
from postrail.notifications.fixed_texts import forwarded
from postrail.outgoing.forwards import forwarded_since
from postrail.records import OutgoingQueued
from postrail.tracker.issues import Watcher

# Further forwards to the same address within the hour are held.
FORWARDS_IN_AN_HOUR = 100
HELD = (
    "more than {most} messages were to be forwarded to {to} within an hour. Release them with:"
    " postrail outgoing release"
)


async def forward_mails(context: Context, works: Sequence[Work[Forward]]) -> list[OutgoingQueued]:
    """Returns the messages that send the originals on, and a notice when some of them are held."""
    addresses = {work.effect.to for work in works}
    since = context.now - timedelta(hours=1)
    before = Counter(await forwarded_since(context.connection, addresses, since))
    mails, notices = [], []
    for work in works:
        to = work.effect.to
        before[to] += 1
        held = HELD.format(most=FORWARDS_IN_AN_HOUR, to=to)
        if before[to] <= FORWARDS_IN_AN_HOUR:
            held = ""
        if mail := _forward(context, work, held):
            mails.append(mail)
        if held:
            notices.append(Work(work.due, Notice(cause="held forwards", text=held, to=to)))
    return [*mails, *await send_notices(context, notices)]


def _forward(context: Context, work: Work[Forward], held: str) -> OutgoingQueued | None:
    mail, effect = work.due.mail, work.effect
    letter = queued(
        context,
        work.due,
        f"{work.due.cause} forwarded to {effect.to}",
        [Watcher(address=effect.to, name="")],
        forwarded(mail, effect.reason),
        purpose="forward",
    )
    if letter is None:
        return None
    deliveries = [replace(one, held=held) for one in letter.deliveries]
    return replace(letter, forwards=mail.mail_id, deliveries=deliveries)
