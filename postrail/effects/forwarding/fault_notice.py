"""Stores what tells people of a fault, in the words of the project that it is about."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.notifications.compose import NAMESPACE, Cause, Message, message_to
from postrail.notifications.desk_texts import Fault, fault_noticed
from postrail.notifications.templates.configured import message_of
from postrail.outgoing import intake
from postrail.records import OutgoingQueued
from postrail.tracker.issues import Watcher


async def store_fault_notice(
    connection: Connection,
    fault: Fault,
    snapshot: ConfigurationSnapshot,
    project: str,
    to: Sequence[Watcher],
    over: OutgoingConnection,
    key: bytes,
    now: datetime,
) -> OutgoingQueued:
    """Stores one message to all of these people, and returns it; project is "" for none.

    The notices of a cause are one conversation.
    """
    name = f"{fault.cause} in {project}"
    origin = Cause(
        name=f"{name} at {now.isoformat()}",
        in_reply_to=None,
        references=(),
        reply_to="",
        received_at=None,
        mailbox=None,
    )
    conversation = str(uuid.uuid5(NAMESPACE, name))
    message = fault_message(fault, snapshot, project)
    mail = message_to(to, conversation, message, origin, over, key, now, {})
    mail = replace(mail, purpose="notice")
    await intake.store(connection, [mail])
    return mail


def fault_message(fault: Fault, snapshot: ConfigurationSnapshot, project: str) -> Message:
    """Returns the message in the project's language."""
    known = snapshot.projects.get(project)
    letter = partial(fault_noticed, fault, project, known.name if known else project)
    return message_of(letter, snapshot, project, snapshot.language_of(project))
