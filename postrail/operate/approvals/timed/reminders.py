"""Reminds the approvers who have not answered, at the times that their request says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from postrail.approvals import store
from postrail.approvals.ledger import Channel
from postrail.approvals.request import Assignment, AssignmentState, Request, State
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.approvals.ask import remind
from postrail.records import OutgoingQueued
from postrail.timers import queue as timers
from postrail.timers.queue import Timer

REMINDERS_MAX = 3


async def send_reminders(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    timer: Timer,
    key: bytes,
    now: datetime,
) -> list[OutgoingQueued]:
    """Stores and returns the reminders that are due, and lets the timer be due for the next ones.

    The key of the timer is the id of the request.
    """
    request = (await store.lock(connection, [timer.key])).get(timer.key)
    if request is None or not _wants_reminders(request, now):
        return []
    parts = (await store.assignments(connection, [timer.key]))[timer.key]
    waiting = [one for one in parts if one.state is AssignmentState.ASKED]
    due = [one for one in waiting if one.reminders < REMINDERS_MAX and _due_at(request, one) <= now]
    if (next_at := min(_next_times(request, waiting, due, now), default=None)) is not None:
        await timers.move(connection, timer, next_at)
    return await remind(connection, snapshot, request, due, key, now, channel=Channel.TIMER)


def _wants_reminders(request: Request, now: datetime) -> bool:
    """Tells whether people are still reminded: after the deadline answers count no more."""
    in_time = request.deadline is None or now < request.deadline
    return request.state is State.OPEN and request.remind_after_seconds > 0 and in_time


def _due_at(request: Request, one: Assignment) -> datetime:
    """Returns when the next reminder of this approver is due; each one waits as long."""
    asked_at = one.asked_at or request.made_at
    return asked_at + _pause(request) * (one.reminders + 1)


def _next_times(
    request: Request, waiting: Sequence[Assignment], due: Sequence[Assignment], now: datetime
) -> Iterator[datetime]:
    """Yields when the approvers are reminded next, those who are reminded now a pause from now.

    After an outage the reminders that it has held up do not follow each other at once.
    """
    for one in waiting:
        if one not in due and one.reminders < REMINDERS_MAX:
            yield _due_at(request, one)
        elif one in due and one.reminders + 1 < REMINDERS_MAX:
            yield now + _pause(request)


def _pause(request: Request) -> timedelta:
    return timedelta(seconds=request.remind_after_seconds)
