"""Tells people of messages that failed for good, and of mail servers that stay unavailable.

The notices are messages like others: they are stored in the transaction of what they tell, and one
cause has at most one an hour, whatever number of senders meets it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.database import Connection
from postrail.effects.forwarding.notice import people_told
from postrail.notifications.compose import NAMESPACE, Cause, message_to
from postrail.notifications.fixed_texts import noticed
from postrail.notifications.templates.configured import message_of
from postrail.outgoing import intake, notices
from postrail.outgoing.results import AttemptResult
from postrail.records import OutgoingQueued
from postrail.tracker import issues
from postrail.tracker.issues import Watcher
from services.sender.channels import Channel, Channels, available

UNAVAILABLE_FOR = timedelta(hours=1)
NOT_DELIVERED = """An email about {issue} was not delivered to {recipient}:

{reply}

It stands in the history of the issue. To see the email: postrail outgoing show {outgoing_id}
To send it once more: postrail outgoing retry {outgoing_id}
"""
UNAVAILABLE = """Nothing can be sent over the outgoing connection {name} since {since}:

{reason}

Its messages wait{instead}. They go on by themselves once the server answers.
To look for the cause: postrail connections test {name}
"""
SHORT_ID = 8


class Alerts:
    """Makes the notices of one sender."""

    def __init__(self, channels: Channels, message_id_key: bytes, address: str) -> None:
        self._channels = channels
        self._key = message_id_key
        # Who is told beside the people of a project; "": nobody.
        self._address = address

    async def due(
        self, connection: Connection, recorded: Sequence[AttemptResult], now: datetime
    ) -> list[OutgoingQueued]:
        """Stores the notices that are due; returns them.

        They are about messages that will never arrive, and about servers that have been unavailable
        for an hour.
        """
        failures = await self._of_failures(connection, recorded, now)
        return failures + await self._of_unavailable(connection, now)

    async def _of_failures(
        self, connection: Connection, recorded: Sequence[AttemptResult], now: datetime
    ) -> list[OutgoingQueued]:
        failed = {
            one.claimed.issue_id: one
            for one in recorded
            if one.state == "failed" and one.claimed.issue_id is not None
        }
        known = await issues.by_id(connection, failed.keys()) if failed else {}
        stored = []
        for issue_id, issue in sorted(known.items()):
            result = failed[issue_id]
            text = NOT_DELIVERED.format(
                issue=issue.issue_key,
                recipient=result.claimed.recipient,
                reply=result.reply,
                outgoing_id=result.claimed.outgoing_id[:SHORT_ID],
            )
            cause = f"an email about {issue.issue_key} was not delivered"
            to = await self._people(connection, issue.project, result.claimed.mailbox or "")
            # Its server answers, whatever it said about this recipient.
            over = self._channels.snapshot.connection_for(issue.project)
            stored += await self._store(connection, cause, text, issue.project, to, over, now)
        return stored

    async def _of_unavailable(self, connection: Connection, now: datetime) -> list[OutgoingQueued]:
        stored = []
        for channel in self._channels.usable:
            since = channel.breaker.since
            if since is None or now - since < UNAVAILABLE_FOR:
                continue
            fallback = available(self._channels.fallbacks_of(channel))
            text = UNAVAILABLE.format(
                name=channel.name,
                since=f"{since:%Y-%m-%d %H:%M} UTC",
                reason=channel.breaker.reason,
                instead=f" or go over {fallback.name}" if fallback else "",
            )
            cause = f"the outgoing connection {channel.name} is unavailable"
            over = self._other(channel)
            if over is None:
                continue
            for project in self._projects_of(channel) or [""]:
                to = await self._people(connection, project, "")
                stored += await self._store(connection, cause, text, project, to, over, now)
        return stored

    def _other(self, channel: Channel) -> OutgoingConnection | None:
        """Returns a connection whose server answers; None without one: the log alone says it."""
        candidates = [*self._channels.fallbacks_of(channel), *self._channels.usable]
        found = available(candidates)
        return found.connection if found else None

    def _projects_of(self, channel: Channel) -> list[str]:
        """Returns the projects whose messages go over the connection."""
        snapshot = self._channels.snapshot
        routed = {key: snapshot.connection_for(key) for key in sorted(snapshot.projects)}
        return [key for key, over in routed.items() if over and over.name == channel.name]

    async def _people(self, connection: Connection, project: str, mailbox: str) -> list[Watcher]:
        """Returns the people of the project, and the address that is told of everything."""
        found = await people_told(connection, self._channels.snapshot, project, mailbox)
        named = {one.address for one in found}
        if self._address and self._address not in named:
            found.append(Watcher(address=self._address, name=""))
        return found

    async def _store(
        self,
        connection: Connection,
        cause: str,
        text: str,
        project: str,
        to: Sequence[Watcher],
        over: OutgoingConnection | None,
        now: datetime,
    ) -> list[OutgoingQueued]:
        if over is None or not to:
            return []
        key = f"{cause} in {project}"
        if not await notices.due(connection, [key], now):
            return []
        snapshot = self._channels.snapshot
        letter = partial(noticed, cause, text)
        message = message_of(letter, snapshot, project, snapshot.language_of(project))
        name = f"{key} at {now.isoformat()}"
        conversation = str(uuid.uuid5(NAMESPACE, key))
        origin = Cause(
            name=name, in_reply_to=None, references=(), reply_to="", received_at=None, mailbox=None
        )
        mail = message_to(to, conversation, message, origin, over, self._key, now, {})
        mail = replace(mail, purpose="notice")
        await intake.store(connection, [mail])
        return [mail]
