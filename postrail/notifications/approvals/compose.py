"""Composes the messages about a request: each for one person, with ids that are always the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from postrail.approvals.token import ApprovalToken
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.notifications.approvals.letter import token_line
from postrail.notifications.compose import Cause, message_to
from postrail.notifications.phrases.phrases import Phrases
from postrail.notifications.templates.configured import message_of, written_language
from postrail.notifications.templates.words import Words
from postrail.records import OutgoingQueued
from postrail.rendering.events import MessageEvent
from postrail.tracker.issues import Watcher

PURPOSE = "approval"
# Templates of projects are for messages about their issues.
NO_PROJECT = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A message about a request: to whom, what it says, and what it answers."""

    # Unique for what it reports, for example "approval 5e… asks 12".
    name: str
    event: MessageEvent
    words_in: Callable[[Phrases], Words]
    to: Watcher
    language: str
    time_zone: str
    # Message-IDs from the first one of the conversation to the one that it answers.
    references: Sequence[str] = ()
    reply_to: str = ""
    # By which an answer finds its request; None: nobody answers it.
    token: ApprovalToken | None = None


def composed(
    letter: Letter,
    request_id: str,
    snapshot: ConfigurationSnapshot,
    over: OutgoingConnection,
    key: bytes,
    now: datetime,
) -> OutgoingQueued:
    """Returns the message, whose Message-ID, reply address and text have the token."""
    language = written_language(snapshot, letter.language, letter.event, NO_PROJECT)
    message = message_of(letter.words_in, snapshot, NO_PROJECT, language)
    cause = Cause(
        name=letter.name,
        in_reply_to=letter.references[-1] if letter.references else None,
        references=tuple(letter.references),
        reply_to=letter.reply_to,
        received_at=None,
        mailbox=None,
        token=letter.token,
    )
    zones = {letter.to.address: letter.time_zone}
    mail = message_to([letter.to], request_id, message, cause, over, key, now, zones)
    return replace(mail, purpose=PURPOSE, text=_with_token(mail.text or "", letter.token))


def _with_token(text: str, token: ApprovalToken | None) -> str:
    """Returns the text with the token, which a template of the operator may have left out."""
    if token is None or str(token) in text:
        return text
    return f"{text.rstrip()}\n\n{token_line(token)}\n"
