"""Lets the events wait that follow another one of their issue at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from postrail.clock import EPOCH
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.bundles.daily import digests
from postrail.notifications.bundles.pending_message import PendingMessage, to_json
from postrail.notifications.bundles.window import Postponed, divided
from postrail.outgoing.bundles import pending
from postrail.outgoing.bundles.pending import Waiting
from postrail.people import Reader
from postrail.records import OutgoingQueued
from postrail.timers import queue as timers
from postrail.timers.queue import TimerKind


async def told_at_once(
    connection: Connection,
    messages: Sequence[PendingMessage],
    readers: Mapping[str, Reader],
    snapshot: ConfigurationSnapshot,
    window: timedelta,
    now: datetime,
) -> list[OutgoingQueued]:
    """Returns what is sent now, and stores what waits with the timers that end the waiting.

    `window` is for projects without one of their own. The caller holds the locks of the issues:
    nobody else tells people of them in the meantime.
    """
    ids = {message.mail.issue_id for message in messages if message.mail.issue_id is not None}
    if not ids:
        return [message.mail for message in messages]
    windows = _windows(messages, snapshot, window)
    longest = max(windows.values())
    told = await pending.told_since(connection, ids, now - longest) if longest else {}
    # Also without a window, which may have been longer before: the order is kept.
    waiting = await pending.waiting_until(connection, ids)
    daily = await digests(connection, messages, readers, snapshot, now)
    found = divided(messages, told, waiting, windows, now, daily)
    await pending.store(
        connection,
        [
            Waiting(
                mail=one.message.mail,
                content=to_json(one.message),
                due_at=one.due_at,
                digest=one.digest,
            )
            for one in found.postponed
        ],
    )
    bundles = {timer_key(one): one.due_at for one in found.postponed if not one.digest}
    await timers.schedule(connection, TimerKind.BUNDLE, bundles)
    digest_timers = {
        f"{timer_key(one)} {delivery.recipient}": one.due_at
        for one in found.postponed
        if one.digest
        for delivery in one.message.mail.deliveries
    }
    await timers.schedule(connection, TimerKind.DIGEST, digest_timers)
    return found.at_once


def _windows(
    messages: Sequence[PendingMessage], snapshot: ConfigurationSnapshot, otherwise: timedelta
) -> dict[int, timedelta]:
    """Returns how long the events of each issue are bundled: as its project says, or as given."""
    found = {}
    for message in messages:
        project = snapshot.projects.get(message.words.project_key)
        own = project.bundle_seconds if project else None
        found[message.mail.issue_id or 0] = otherwise if own is None else timedelta(seconds=own)
    return found


def timer_key(one: Postponed) -> str:
    """Returns the issue and the time: people who wait until the same time share a timer.

    A digest has one for each of its issues: who sets one holds the lock of the issue, as does the
    work that removes it, so none is lost in between.
    """
    return f"{one.message.mail.issue_id} {(one.due_at - EPOCH) // timedelta(microseconds=1)}"


def issue_of(key: str) -> int:
    """Returns the issue of a timer's key."""
    return int(key.partition(" ")[0])


def recipient_of(key: str) -> str:
    """Returns the recipient of the key of a digest's timer."""
    return key.split(" ", 2)[2]
