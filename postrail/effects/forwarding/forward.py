"""Applies Forward: the original of each message is sent on, and the excess is held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from postrail.decision.decision import Forward
from postrail.effects.batch import Context, Work
from postrail.effects.forwarding.brake import Caused
from postrail.effects.forwarding.letter import queued
from postrail.notifications.fixed_texts import forwarded
from postrail.records import OutgoingQueued
from postrail.tracker.issues import Watcher


async def forward_mails(context: Context, works: Sequence[Work[Forward]]) -> list[Caused]:
    """Returns the messages that send the originals on."""
    return [(work, mail) for work in works if (mail := _forward(context, work))]


def _forward(context: Context, work: Work[Forward]) -> OutgoingQueued | None:
    mail, to = work.due.mail, work.effect.to
    cause = f"{work.due.cause} forwarded to {to}"
    recipients = [Watcher(address=to, name="")]
    letter = forwarded(mail, work.effect.reason)
    message = queued(context, work.due, cause, recipients, letter, purpose="forward")
    return message and replace(message, forwards=mail.mail_id)
