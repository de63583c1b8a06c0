"""Writes the notifications of the tests of this folder."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from postrail.notifications.events import Event
from postrail.notifications.issue_words import Occasion, issue_words
from postrail.notifications.phrases import phrases_in
from postrail.notifications.templates.render import Rendered, rendered
from postrail.tracker.builtin.comments import EarlierComment
from postrail.tracker.issues import Audience, Watcher

ADA = Watcher(address="ada@example.org", name="Ada")
BO = Watcher(address="bo@example.org", name="Bo")
AUDIENCE = Audience(
    issue_id=1,
    issue_key="HELP-1",
    project="HELP",
    summary="Printer on fire",
    conversation="c",
    first_message_id=None,
    watchers=(ADA, BO),
)


def written(
    event: Event,
    body: str,
    *,
    author: Watcher = BO,
    max_characters: int = 100,
    language: str = "en",
    **changes: Any,
) -> Rendered:
    """Returns the notification of the event in the default template."""
    occasion = Occasion(
        audience=AUDIENCE,
        project_name="Help desk",
        author=author,
        body=body,
        max_characters=max_characters,
        **changes,
    )
    return rendered(issue_words(event, occasion, phrases_in(language)))


def earlier(body: str = "It smells.", **fields: Any) -> EarlierComment:
    """Returns a comment of Ada that a notification may quote."""
    return EarlierComment(
        **{
            "before": 9,
            "comment_id": 8,
            "mail_id": None,
            "author_address": "ada@example.org",
            "author_name": "Ada",
            "body": body,
            "in_blob": False,
            "internal": False,
            "created_at": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
            **fields,
        }
    )
