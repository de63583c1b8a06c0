"""Makes notifications as the handler does: of comments, in the default layout, one an issue."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from bench.mails import PROJECT
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.notifications.compose import Cause, compose
from postrail.notifications.events import COMMENTED
from postrail.notifications.issue_words import Occasion, issue_words
from postrail.notifications.templates.configured import message_by
from postrail.records import OutgoingQueued
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
    mail = made(raw).record
    first = f"<issue-{number}@example.org>"
    # No issue has an id that is None: the sender's tables need no rows of issues.
    audience = Audience(
        issue_id=None,  # type: ignore[arg-type]
        issue_key=f"{PROJECT}-{number}",
        project=PROJECT,
        summary=mail.subject,
        conversation=str(uuid.uuid4()),
        first_message_id=first,
        watchers=(READER,),
    )
    occasion = Occasion(
        audience=audience,
        project_name="Bench",
        author=AUTHOR,
        body=mail.text or "",
        max_characters=MAX_CHARACTERS,
    )
    cause = Cause(
        name=f"bench {uuid.uuid4()}",
        in_reply_to=first,
        references=(first,),
        reply_to=connection.from_address,
        received_at=None,
        mailbox=None,
    )
    message = message_by(None, partial(issue_words, COMMENTED, occasion), "en")
    return compose(cause, [READER], message, audience, connection, KEY, datetime.now(UTC))
