"""Applies Forward and Notify: each message is sent on, or an address is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from postrail.decision.decision import Forward, Notify
from postrail.effects.batch import Context, Work
from postrail.effects.forwarding.brake import Caused
from postrail.effects.forwarding.letter import queued
from postrail.notifications.fixed_texts import Told, forwarded, told
from postrail.records import OutgoingQueued
from postrail.tracker.issues import Watcher


async def forward_mails(context: Context, works: Sequence[Work[Forward]]) -> list[Caused]:
    """Returns the messages that send the originals on."""
    return [(work, mail) for work in works if (mail := _forward(context, work))]


async def notify_of_mails(context: Context, works: Sequence[Work[Notify]]) -> list[Caused]:
    """Returns the messages that say what became of each incoming one."""
    return [(work, mail) for work in works if (mail := _notify(context, work))]


def _forward(context: Context, work: Work[Forward]) -> OutgoingQueued | None:
    mail, to = work.due.mail, work.effect.to
    cause = f"{work.due.cause} forwarded to {to}"
    letter = partial(forwarded, mail, _told(work))
    message = queued(context, work.due, cause, [_to(to)], letter, purpose="forward")
    return message and replace(message, forwards=mail.mail_id)


def _notify(context: Context, work: Work[Notify]) -> OutgoingQueued | None:
    to = work.effect.to
    letter = partial(told, work.due.mail, _told(work))
    cause = f"{work.due.cause} told to {to}"
    return queued(context, work.due, cause, [_to(to)], letter, purpose="notice")


def _to(address: str) -> Watcher:
    return Watcher(address=address, name="")


def _told(work: Work[Forward] | Work[Notify]) -> Told:
    effect = work.effect
    return Told(by=effect.by, reason=effect.reason, outcome=work.outcome, issue_key=work.issue_key)
