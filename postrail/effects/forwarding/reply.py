"""Applies Reply: authors of messages are answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from postrail.decision.decision import Reply
from postrail.effects.batch import Context, Work
from postrail.effects.forwarding.brake import Caused
from postrail.effects.forwarding.letter import queued
from postrail.effects.involvement import author_of
from postrail.incoming import conversations
from postrail.incoming.message_ids import message_hash
from postrail.notifications.desk_texts import rejected
from postrail.notifications.fixed_texts import answered
from postrail.records import OutgoingQueued


async def send_replies(context: Context, works: Sequence[Work[Reply]]) -> list[Caused]:
    """Returns the answers, and indexes their ids, so that what the authors write to them belongs
    to their conversations.
    """
    made = [
        (work, mail) for number, work in enumerate(works) if (mail := _reply(context, work, number))
    ]
    ids = {
        message_hash(delivery.message_id): mail.conversation
        for _, mail in made
        for delivery in mail.deliveries
    }
    if ids:
        await conversations.index(context.connection, ids)
    return made


def _reply(context: Context, work: Work[Reply], number: int) -> OutgoingQueued | None:
    due, reply = work.due, work.effect
    author = author_of(due.mail, context.snapshot)
    if not author.address or context.snapshot.is_own(author.address):
        return None
    if reply.neutral:
        author = replace(author, name="")
    letter = rejected if reply.rejects else partial(answered, due.mail, reply.text, reply.neutral)
    cause = f"{due.cause} reply {number}"
    return queued(context, due, cause, [author], letter, purpose="reply")
