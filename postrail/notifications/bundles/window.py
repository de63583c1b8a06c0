"""Divides messages into those that go at once and those that wait for a bundle. Pure.

The first event of an issue goes to each person at once. What follows within the window waits until
its end, so nobody is told of an issue more than once in it. What follows an event that waits, waits
with it, so that the order is kept. What asks something of a person does not wait for a digest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from postrail.notifications.bundles.pending_message import PendingMessage
from postrail.records import OutgoingDelivery, OutgoingQueued
from postrail.rendering.events import MessageEvent

# An issue, and an address in lower case.
Told = tuple[int, str]
# The events that no digest delays.
URGENT = frozenset({MessageEvent.MENTIONED, MessageEvent.ASSIGNED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Postponed:
    """A message to those of its recipients who wait for it until the same time."""

    message: PendingMessage
    due_at: datetime
    # For the digests of these people, and not for a bundle of the issue.
    digest: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Divided:
    """Messages to send now, and those that wait, in the order of their events."""

    at_once: list[OutgoingQueued]
    postponed: list[Postponed]


def divided(
    messages: Sequence[PendingMessage],
    told: Mapping[Told, datetime],
    waiting: Mapping[Told, datetime],
    windows: Mapping[int, timedelta],
    now: datetime,
    digests: Mapping[Told, datetime] | None = None,
) -> Divided:
    """Returns what is sent now and what waits.

    `told` says when people were last told within the longest window, `waiting` until when they
    wait, and `digests` when those are told who are told of the issue once a day. An issue that
    `windows` lacks has none.
    """
    latest, until = dict(told), dict(waiting)
    at_once, postponed = [], []
    for message in messages:
        mail = message.mail
        groups: dict[tuple[datetime | None, bool], list[OutgoingDelivery]] = {}
        for delivery in mail.deliveries:
            key = (mail.issue_id or 0, delivery.recipient.lower())
            urgent = mail.automatic or mail.event in URGENT
            daily = None if urgent else (digests or {}).get(key)
            due_at = daily
            if daily is None:
                window = windows.get(key[0], timedelta())
                due_at = None if mail.automatic else _due(key, latest, until, window, now)
                if due_at is None:
                    latest[key] = now
                else:
                    until[key] = due_at
            groups.setdefault((due_at, daily is not None), []).append(delivery)
        for (due_at, digest), deliveries in groups.items():
            part = replace(mail, deliveries=deliveries)
            if due_at is None:
                at_once.append(part)
            else:
                waits = replace(message, mail=part)
                postponed.append(Postponed(message=waits, due_at=due_at, digest=digest))
    return Divided(at_once=at_once, postponed=postponed)


def _due(
    key: Told,
    told: Mapping[Told, datetime],
    waiting: Mapping[Told, datetime],
    window: timedelta,
    now: datetime,
) -> datetime | None:
    """Returns when the person is to be told; None: at once."""
    if key in waiting:
        return waiting[key]
    due_at = told[key] + window if key in told and window else now
    return due_at if due_at > now else None
