"""Makes notifications as the handler does: of comments, in the default layout, one an issue."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from bench.mails import PROJECT
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.notifications.compose import Cause, compose
from postrail.notifications.events import COMMENTED
from postrail.notifications.issue_words import Occasion, issue_words
from postrail.notifications.templates.configured import message_by
from postrail.records import MailParsed, OutgoingQueued
from postrail.tracker.issues import Audience, Watcher
from tests.makers.parsing import made

AUTHOR = Watcher(address="ann@example.com", name="Ann Lee")
READER = Watcher(address="bob@example.org", name="Bob Müller")
MAX_CHARACTERS = 20_000
KEY = b"only to measure"


def notifications(raws: Sequence[bytes], connection: OutgoingConnection) -> list[OutgoingQueued]:
    """Returns a notification of a comment for each incoming message, each to one recipient."""
    return [_notification(number, raw, connection) for number, raw in enumerate(raws)]


def _notification(number: int, raw: bytes, connection: OutgoingConnection) -> OutgoingQueued:
    occasion = occasion_of(number, made(raw).record)
    first = occasion.audience.first_message_id or ""
    cause = Cause(
        name=f"bench {uuid.uuid4()}",
        in_reply_to=first,
        references=(first,),
        reply_to=connection.from_address,
        received_at=None,
        mailbox=None,
    )
    message = message_by(None, partial(issue_words, COMMENTED, occasion), "en")
    audience, now = occasion.audience, datetime.now(UTC)
    mail = compose(cause, [READER], message, audience, connection, KEY, now)
    # The issues are not in the tables: the message counts as one about none.
    return replace(mail, issue_id=None)


def occasion_of(number: int, mail: MailParsed) -> Occasion:
    """Returns a comment with the words of an incoming message, on an issue of its own."""
    audience = Audience(
        issue_id=number + 1,
        issue_key=f"{PROJECT}-{number + 1}",
        project=PROJECT,
        summary=mail.subject,
        conversation=str(uuid.uuid4()),
        first_message_id=f"<issue-{number}@example.org>",
        watchers=(READER,),
    )
    return Occasion(
        audience=audience,
        project_name="Bench",
        author=AUTHOR,
        body=mail.text or "",
        max_characters=MAX_CHARACTERS,
    )
