"""Makes the words of a notification about an issue, in the language of its recipients. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from postrail.notifications.addresses import holds_address
from postrail.notifications.events import Event
from postrail.notifications.phrases.phrases import Phrases
from postrail.notifications.readers import shown_time
from postrail.notifications.said import said
from postrail.notifications.templates.words import GREETING, UNSUBSCRIBE, Words
from postrail.records import MailParsed
from postrail.tracker.builtin.comments import EarlierComment
from postrail.tracker.issues import Audience, Watcher

# The sender of a message knows it: its confirmation only reminds of it.
CONFIRMATION_MAX_CHARACTERS = 2000
# Of each earlier comment.
HISTORY_MAX_CHARACTERS = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Occasion:
    """What a notification reports, in no language yet."""

    audience: Audience
    project_name: str
    author: Watcher
    # The text that the author wrote; of a long one the beginning, a little longer than an excerpt.
    body: str
    # The most characters of it that a notification holds.
    max_characters: int
    # Recipients leave the issue by an address of their own.
    unsubscribes: bool = False
    # The message that had the effect.
    mail: MailParsed | None = None
    # The comments before that are quoted, the latest first.
    earlier: tuple[EarlierComment, ...] = ()


def issue_words(event: Event, about: Occasion, phrases: Phrases) -> Words:
    """Returns the words of the notification."""
    audience, key = about.audience, about.audience.issue_key
    author = _author(event, about.author, phrases)
    status = " ".join(about.body.split()) if event.body_is_status else ""
    fill = {
        "key": key,
        "author": author,
        "status": status,
        "project": about.project_name,
        "assignee": event.assignee,
    }
    title = "" if event.neutral else audience.summary
    body = "" if event.neutral or event.body_is_status else _body(event, about, phrases)
    named = phrases.received_title if event.neutral else audience.summary
    command = event.command.format(key=key)
    return Words(
        event=event.kind,
        language=phrases.language,
        subject=f"[{key}] {named}",
        sentence=getattr(phrases, event.sentence).format(**fill),
        colon=phrases.colon,
        full_stop=phrases.full_stop,
        title=title,
        marker=marker_line(phrases, internal=event.internal),
        greeting=GREETING if event.answers else "",
        note=phrases.outside.format(command=command, **fill) if command else "",
        body=body,
        body_label=phrases.you_wrote if event.answers and body else "",
        quotes=event.answers,
        history=tuple(_earlier(one, about, phrases) for one in about.earlier),
        history_label=phrases.earlier,
        hint=phrases.hint_internal if event.internal else phrases.hint_reply,
        why=getattr(phrases, event.why).format(**fill),
        stop=_stop(event, about, phrases).format(address=UNSUBSCRIBE, **fill),
        issue_key=key,
        issue_summary=title,
        issue_status=status,
        project_key=audience.project,
        project_name=about.project_name,
        author_name="" if event.neutral else author,
        author_address="" if event.neutral else about.author.address,
    )


def marker_line(phrases: Phrases, *, internal: bool = False) -> str:
    """Returns the line above which people reply, whatever a mail program writes before a quote."""
    return f"--- {phrases.internal_marker if internal else phrases.marker} ---"


def _stop(event: Event, about: Occasion, phrases: Phrases) -> str:
    """Returns the phrase that says how to get no more emails about the issue."""
    if event.stop == "stop_watching" and about.unsubscribes:
        return phrases.unsubscribe
    phrase: str = getattr(phrases, event.stop)
    return phrase


def _author(event: Event, author: Watcher, phrases: Phrases) -> str:
    """Returns the author's name; a name that could be taken for an address counts as none."""
    name = _name(author) or getattr(phrases, event.nobody)
    # The name of a stranger proves nothing.
    in_full = event.author_in_full and author.address not in ("", name)
    return f"{author.address} ({name})" if in_full else name


def _name(author: Watcher) -> str:
    name = "" if holds_address(author.name) else " ".join(author.name.split())
    return name or author.address


def _earlier(one: EarlierComment, about: Occasion, phrases: Phrases) -> tuple[str, str]:
    """Returns who wrote an earlier comment and when, and its words or their beginning."""
    author = Watcher(address=one.author_address, name=one.author_name)
    name = _name(author) or phrases.unknown_sender
    parts = [name, phrases.internal if one.internal else "", shown_time(one.created_at, "")]
    heading = phrases.comma.join(filter(None, parts)) + phrases.colon.rstrip()
    key = about.audience.issue_key
    if one.in_blob:
        return heading, phrases.too_long_to_quote.format(key=key)
    most = min(about.max_characters, HISTORY_MAX_CHARACTERS)
    return heading, excerpt(one.body, most, key, phrases) or phrases.no_text


def _body(event: Event, about: Occasion, phrases: Phrases) -> str:
    most = about.max_characters
    if event.answers:
        most = min(most, CONFIRMATION_MAX_CHARACTERS)
    return excerpt(said(about.mail, about.body, phrases), most, about.audience.issue_key, phrases)


def excerpt(body: str, max_characters: int, issue_key: str, phrases: Phrases) -> str:
    """Returns the text, or its beginning and a note that names the issue, which holds all of it."""
    text = beginning(body, max_characters)
    if len(text) <= max_characters:
        return text
    cut = text[:max_characters].rstrip()
    return f"{cut}\n\n{phrases.cut.format(key=issue_key)}"


def beginning(body: str, max_characters: int) -> str:
    """Returns the text; of a longer one the beginning and a character by which `excerpt` sees it.

    To repeat it changes nothing: the character is no space, which would be stripped.
    """
    text = body.strip()
    return text if len(text) <= max_characters else f"{text[:max_characters]}…"
