"""Asks approvers, reminds them, and tells them when they need not answer any more.

Callers hold the request's lock, and add the records of the returned messages to the outbox. The
ledger's lock is taken here, as the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from postrail.approvals import ledger, store
from postrail.approvals.ledger import Channel, EventKind, NewEvent, details_of
from postrail.approvals.request import Assignment, AssignmentState, ClosedBecause, Request, Rule
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.approvals.letters import REPLACED, letters_of
from postrail.notifications.approvals.asking import request_words
from postrail.notifications.approvals.ending import closed_words
from postrail.outgoing import intake
from postrail.records import OutgoingQueued
from postrail.rendering.events import MessageEvent
from postrail.timers import queue as timers
from postrail.timers.queue import TimerKind

WAITING = (AssignmentState.PLANNED, AssignmentState.ASKED)


def asked_next(request: Request, assignments: Sequence[Assignment]) -> list[Assignment]:
    """Returns those planned approvers who are to be asked now: in order, those whose turn it is."""
    waiting = [one for one in assignments if one.state in WAITING]
    turn = min((one.place for one in waiting), default=0)
    return [
        one
        for one in waiting
        if one.state is AssignmentState.PLANNED
        and (request.rule is not Rule.ORDER or one.place == turn)
    ]


async def ask(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    request: Request,
    assignments: Sequence[Assignment],
    key: bytes,
    now: datetime,
    *,
    channel: Channel = Channel.COMMAND,
) -> list[OutgoingQueued]:
    """Stores a message to each of these planned approvers, and sets the timers of the request.

    Returns the messages. Those whom none can be sent to stay planned; the log says why.
    """
    letters = await letters_of(
        connection, snapshot, request, [one.address for one in assignments], key, now
    )
    await _set_timers(connection, request, now)
    if letters is None:
        return []
    mails, events = [], []
    for one in assignments:
        approver = letters.approver(one)
        letter = letters.letter_to(
            approver,
            MessageEvent.APPROVAL_REQUEST,
            "asks",
            partial(request_words, letters.about, approver),
        )
        mail = letters.made(replace(letter, references=[]))
        if mail and await store.asked(
            connection, one.assignment_id, mail.deliveries[0].message_id, now
        ):
            mails.append(replace(mail, attachments=list(request.attachments)))
            events.append(_event(EventKind.ASKED, one, mail, channel, now))
    await intake.store(connection, mails)
    await ledger.append(connection, events)
    return mails


async def _set_timers(connection: Connection, request: Request, now: datetime) -> None:
    """Sets the timers of the first reminder and of the deadline; those that exist stay."""
    if request.remind_after_seconds:
        due_at = now + timedelta(seconds=request.remind_after_seconds)
        await timers.schedule(connection, TimerKind.APPROVAL_REMINDER, {request.request_id: due_at})
    if request.deadline:
        await timers.schedule(
            connection, TimerKind.APPROVAL_DEADLINE, {request.request_id: request.deadline}
        )


async def remind(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    request: Request,
    assignments: Sequence[Assignment],
    key: bytes,
    now: datetime,
    *,
    channel: Channel = Channel.COMMAND,
    actor: str = "",
) -> list[OutgoingQueued]:
    """Stores and returns a reminder to each of those approvers who are asked, and counts it."""
    waiting = [one for one in assignments if one.state is AssignmentState.ASKED]
    letters = await letters_of(
        connection, snapshot, request, [one.address for one in waiting], key, now
    )
    if letters is None:
        return []
    mails, events, reminded = [], [], []
    for one in waiting:
        approver = letters.approver(one)
        letter = letters.letter_to(
            approver,
            MessageEvent.APPROVAL_REMINDER,
            f"reminds {one.reminders + 1}",
            partial(request_words, letters.about, approver, again=True),
        )
        if mail := letters.made(letter):
            mails.append(mail)
            reminded.append(one.assignment_id)
            event = _event(EventKind.REMINDED, one, mail, channel, now)
            events.append(replace(event, actor=actor))
    await intake.store(connection, mails)
    await store.reminded(connection, reminded)
    await ledger.append(connection, events)
    return mails


async def tell_closed(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    request: Request,
    assignments: Sequence[Assignment],
    because: ClosedBecause,
    key: bytes,
    now: datetime,
) -> list[OutgoingQueued]:
    """Stores and returns a note to each of these approvers, who had a message that asked them."""
    told = [one for one in assignments if one.message_id]
    letters = await letters_of(
        connection, snapshot, request, [one.address for one in told], key, now
    )
    if letters is None:
        return []
    mails = []
    for one in told:
        words = partial(closed_words, letters.about, because in REPLACED)
        letter = letters.letter_to(
            letters.approver(one), MessageEvent.APPROVAL_CLOSED, "closes", words
        )
        if mail := letters.made(replace(letter, token=None, reply_to="")):
            mails.append(mail)
    await intake.store(connection, mails)
    return mails


def _event(
    kind: EventKind, one: Assignment, mail: OutgoingQueued, channel: Channel, now: datetime
) -> NewEvent:
    return NewEvent(
        request_id=one.request_id,
        assignment_id=one.assignment_id,
        happened_at=now,
        kind=kind,
        channel=channel,
        details=details_of(
            address=one.address, answers_for=one.answers_for, outgoing_id=mail.outgoing_id
        ),
    )
