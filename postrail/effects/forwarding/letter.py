"""Makes the outgoing messages about no issue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.senders import is_proven
from postrail.effects.batch import Context
from postrail.incoming.queue import DueMail
from postrail.notifications.compose import Cause, message_to
from postrail.notifications.fixed_texts import Letter
from postrail.notifications.templates.configured import message_of
from postrail.observe.log import log
from postrail.records import OutgoingQueued
from postrail.tracker.issues import Watcher

logger = log(__name__)

Purpose = Literal["forward", "reply", "notice", "account"]


def connection_of(
    snapshot: ConfigurationSnapshot, mailbox: str, project: str
) -> OutgoingConnection | None:
    """Returns the connection of the project; "": of the mailbox's project."""
    account = snapshot.accounts.get(mailbox)
    return snapshot.connection_for(project or (account.project if account else ""))


def queued(
    context: Context,
    due: DueMail,
    cause: str,
    recipients: Sequence[Watcher],
    letter: Letter,
    *,
    purpose: Purpose,
    project: str = "",
) -> OutgoingQueued | None:
    """Returns the message to store; None without recipients or outgoing connection.

    One to the author answers the incoming message, and answers to it are to come back to its
    mailbox. Without a project, the connection is the one of the mailbox's project.
    """
    mail, snapshot = due.mail, context.snapshot
    account = snapshot.accounts.get(mail.mailbox)
    key = project or (account.project if account else "")
    connection = connection_of(snapshot, mail.mailbox, project)
    if connection is None or not recipients:
        missing = "outgoing connection" if recipients else "recipients"
        logger.warning("a message is not sent", cause=cause, missing=missing)
        return None
    answers = purpose in ("reply", "account")
    answered = mail.message_id if answers else None
    origin = Cause(
        name=cause,
        in_reply_to=answered,
        references=(answered,) if answered else (),
        reply_to=account.address if account and answers else "",
        received_at=mail.received_at,
        mailbox=mail.mailbox,
    )
    message = message_of(letter, snapshot, key, snapshot.language_of(key))
    composed = message_to(
        recipients,
        due.conversation,
        message,
        origin,
        connection,
        context.message_id_key,
        context.now,
        {},
    )
    proven = answers and is_proven(mail, account)
    return replace(composed, purpose=purpose, automatic=answers, answers_proven=proven)
