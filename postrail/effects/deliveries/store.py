"""Stores messages about issues that go out now, notifications within the limit of their issues."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.deliveries.held import is_held, within_limit
from postrail.incoming import conversations
from postrail.incoming.message_ids import message_hash
from postrail.outgoing import intake as outgoing
from postrail.records import OutgoingQueued
from postrail.timers import queue as timers
from postrail.timers.queue import TimerKind


async def store_notifications(
    connection: Connection,
    mails: Sequence[OutgoingQueued],
    snapshot: ConfigurationSnapshot,
    now: datetime,
) -> list[OutgoingQueued]:
    """Stores and returns the notifications, held where their issues have too many.

    The sender tells people of those that the limit holds. The caller holds the locks of the issues.
    """
    stored = await within_limit(connection, mails, snapshot, now)
    await store_indexed(connection, stored)
    held = {str(mail.issue_id): now for mail in stored if is_held(mail)}
    await timers.schedule(connection, TimerKind.HELD, held)
    return stored


async def store_indexed(connection: Connection, mails: Sequence[OutgoingQueued]) -> None:
    """Stores messages about issues, and indexes their ids so that answers find the issue."""
    if not mails:
        return
    await outgoing.store(connection, mails)
    ids = {
        message_hash(delivery.message_id): mail.conversation
        for mail in mails
        for delivery in mail.deliveries
    }
    await conversations.index(connection, ids)
