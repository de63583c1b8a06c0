"""Stores what people are told of a fault: a message, and a post to the webhook.

Both are stored in the transaction of what they tell, and one cause has at most one an hour,
whatever number of senders meets it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.forwarding.fault_notice import fault_message, store_fault_notice
from postrail.effects.forwarding.notice import people_told
from postrail.notifications.desk_texts import Fault
from postrail.outgoing import notices
from postrail.records import OutgoingQueued
from postrail.timed_work.worker import Occasion
from postrail.tracker.issues import IndexedIssue, Watcher
from postrail.webhooks import queue as webhooks
from postrail.webhooks.queue import NewPost, Purpose

# The messages about faults of no project.
NO_PROJECT = ""


@dataclass(frozen=True, kw_only=True)
class Teller:
    """Tells people of faults, as the settings of the sender say."""

    message_id_key: bytes
    # Is told beside the people of a project; "": nobody.
    address: str
    # Alerts are posted to a webhook.
    webhook: bool = False

    async def tell(
        self,
        connection: Connection,
        fault: Fault,
        snapshot: ConfigurationSnapshot,
        projects: Sequence[str],
        over: OutgoingConnection | None,
        now: datetime,
        *,
        mailbox: str = "",
        but_for: str = "",
    ) -> list[OutgoingQueued]:
        """Stores one message to the people of all the projects; returns it, if one is due.

        It is in the words of its project if there is only one; the address `but_for` is left out.
        """
        project = projects[0] if len(projects) == 1 else NO_PROJECT
        key = f"{fault.cause} in {project}"
        # First, as it costs least: a fault that lasts is told of again and again.
        if over is None or not await notices.due(connection, [key], now):
            return []
        people = await self._people(connection, snapshot, projects, mailbox)
        to = [one for one in people if one.address.lower() != but_for.lower()]
        if not to:
            return []
        mail = await store_fault_notice(
            connection, fault, snapshot, project, to, over, self.message_id_key, now
        )
        return [mail]

    async def tell_of_issue(
        self, one: Occasion, fault: Fault, issue: IndexedIssue, mailbox: str | None
    ) -> list[OutgoingQueued]:
        """Stores the message to the people of the issue's project, over its connection."""
        return await self.tell(
            one.connection,
            fault,
            one.snapshot,
            [issue.project],
            one.snapshot.connection_for(issue.project),
            one.now,
            mailbox=mailbox or "",
        )

    async def post(
        self,
        connection: Connection,
        fault: Fault,
        snapshot: ConfigurationSnapshot,
        project: str,
        now: datetime,
    ) -> None:
        """Stores the post to the webhook, if there is one and it is due."""
        key = f"webhook: {fault.cause} in {project}"
        if not self.webhook or not await notices.due(connection, [key], now):
            return
        words = fault_message(fault, snapshot, project).words
        content = {
            "fault": fault.happened,
            "project": project,
            "issue": fault.issue_key,
            "connection": fault.names.get("name", ""),
            "recipient": fault.names.get("recipient", ""),
            "text": f"{words.title}\n\n{words.body}",
            "at": now.isoformat(),
        }
        post = NewPost(purpose=Purpose.ALERT, content=content, about=fault.issue_key)
        await webhooks.add(connection, post, now)

    async def _people(
        self,
        connection: Connection,
        snapshot: ConfigurationSnapshot,
        projects: Sequence[str],
        mailbox: str,
    ) -> Sequence[Watcher]:
        found: dict[str, Watcher] = {}
        for project in projects or [NO_PROJECT]:
            for one in await people_told(connection, snapshot, project, mailbox):
                found.setdefault(one.address, one)
        if self.address:
            found.setdefault(self.address, Watcher(address=self.address, name=""))
        return list(found.values())
