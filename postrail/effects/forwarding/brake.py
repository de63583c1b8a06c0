"""Holds what is sent on, or told, above the limit, visibly: nothing of it is lost."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from postrail.configuration.models.limit import Limit, LimitName
from postrail.decision.decision import Effect, Forward, Notice, Notify
from postrail.effects.batch import Context, Work
from postrail.effects.forwarding.notice import notices_of
from postrail.outgoing.letters import sent_on_since
from postrail.records import OutgoingDelivery, OutgoingQueued

HELD = """Messages to {to} wait until a person releases them: {why}.

Sent by: {senders}

To see them: postrail outgoing list --state held
To send them: postrail outgoing release --all --recipient {quoted}
"""

BRAKED = ("forward", "notice")

# A message about no issue, and the work that causes it.
Caused = tuple[Work[Any], OutgoingQueued]


async def held_above_limit(context: Context, caused: Sequence[Caused]) -> list[OutgoingQueued]:
    """Returns the messages, those forwards and notices held that are above their recipients' limit.

    A recipient of held messages is told so, once an hour at most.
    """
    limit = context.snapshot.limit(LimitName.FORWARDS)
    mails = [mail for _, mail in caused]
    braked = [mail for mail in mails if mail.purpose in BRAKED]
    if not limit.value or not braked:
        return mails
    counts = await _counts(context, limit, braked)
    mails = [_held(mail, limit, counts) if mail.purpose in BRAKED else mail for mail in mails]
    held = [
        (work, one)
        for (work, _), mail in zip(caused, mails, strict=True)
        for one in mail.deliveries
        if one.held
    ]
    return [*mails, *(mail for _, mail in await notices_of(context, list(_notices(held))))]


def _notices(held: Sequence[tuple[Work[Any], OutgoingDelivery]]) -> Iterator[Work[Notice]]:
    """Yields a notice for each recipient of held messages."""
    by_recipient: dict[str, list[tuple[Work[Any], OutgoingDelivery]]] = {}
    for work, one in held:
        by_recipient.setdefault(one.recipient.lower(), []).append((work, one))
    for to, of_recipient in by_recipient.items():
        first, delivery = of_recipient[0]
        senders = ", ".join(dict.fromkeys(_sender(work.effect) for work, _ in of_recipient))
        text = HELD.format(to=to, why=delivery.held, senders=senders, quoted=shlex.quote(to))
        yield Work(first.due, Notice(cause="held messages", text=text, to=to))


def _sender(effect: Effect) -> str:
    """Returns what has sent a message that is held."""
    return effect.by if isinstance(effect, Forward | Notify) else "a limit"


async def _counts(context: Context, limit: Limit, mails: Sequence[OutgoingQueued]) -> Counter[str]:
    """Returns what was sent on or told to each recipient in the time of the limit."""
    recipients = {one.recipient for mail in mails for one in mail.deliveries}
    since = context.now - timedelta(minutes=limit.minutes)
    return Counter(await sent_on_since(context.connection, recipients, since, limit.value))


def _held(mail: OutgoingQueued, limit: Limit, counts: Counter[str]) -> OutgoingQueued:
    """Returns the message with each recipient counted, and held above the limit."""
    deliveries = [_counted(one, limit, counts) for one in mail.deliveries]
    return replace(mail, deliveries=deliveries)


def _counted(one: OutgoingDelivery, limit: Limit, counts: Counter[str]) -> OutgoingDelivery:
    if counts[one.recipient.lower()] >= limit.value:
        return replace(one, held=f"{limit.shown} to one address")
    counts[one.recipient.lower()] += 1
    return one
