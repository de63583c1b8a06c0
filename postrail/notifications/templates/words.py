"""Holds the words of a message, from which its templates make subject, text and HTML."""

from __future__ import annotations

from dataclasses import dataclass

from postrail.notifications.tokens import token
from postrail.rendering.events import MessageEvent

# In the place of the greeting and the time of each recipient.
GREETING = token("greeting")
TIME = token("time")
# The address by which a recipient leaves the issue.
UNSUBSCRIBE = token("unsubscribe_address")


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """The values of a message's variables (`postrail.rendering.events.VARIABLES`)."""

    event: MessageEvent
    language: str
    subject: str
    sentence: str = ""
    # Between sentence and title, and after a sentence without title.
    colon: str = ": "
    full_stop: str = "."
    title: str = ""
    marker: str = ""
    greeting: str = ""
    note: str = ""
    # The new words; `quotes`: they are the recipient's own.
    body: str = ""
    body_label: str = ""
    quotes: bool = False
    # Labels and their values; approvers' names and their answers.
    fields: tuple[tuple[str, str], ...] = ()
    # The answers that an approver may give: the words of each, and the link that begins the reply.
    choices: tuple[tuple[str, str], ...] = ()
    terms: str = ""
    reference: str = ""
    # The words beside the subject in a mailbox begin with the title, and have the fields.
    previews_title: bool = False
    # In the place of the body: what happened in a sentence, and the new words, of each event.
    sections: tuple[tuple[str, str], ...] = ()
    # Earlier comments, the latest first: who wrote when, and the words of each.
    history: tuple[tuple[str, str], ...] = ()
    history_label: str = ""
    act_label: str = ""
    act_url: str = ""
    hint: str = ""
    why: str = ""
    stop: str = ""
    issue_key: str = ""
    issue_summary: str = ""
    issue_url: str = ""
    issue_status: str = ""
    project_key: str = ""
    project_name: str = ""
    author_name: str = ""
    author_address: str = ""
