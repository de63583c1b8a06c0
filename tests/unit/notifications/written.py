"""Writes the notifications of the tests of this folder."""

from __future__ import annotations

from typing import Any

from postrail.notifications.events import Event
from postrail.notifications.issue_words import Occasion, issue_words
from postrail.notifications.phrases import phrases_in
from postrail.notifications.templates.render import Rendered, rendered
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
