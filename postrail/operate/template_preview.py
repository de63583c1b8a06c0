"""Shows what a message about an issue would look like, without sending it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from postrail import people
from postrail.blobs import BlobStore
from postrail.clock_sync.postgres_time import time_of
from postrail.configuration.load import load_snapshot
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.configuration.templates.message_template import MessageTemplate
from postrail.database import Connection
from postrail.effects.texts.history import earlier_comments
from postrail.errors import PermanentError
from postrail.issue_queries.contexts import contexts_of
from postrail.notifications import desk_texts, fixed_texts
from postrail.notifications.approvals.sample import sample_words
from postrail.notifications.bundles.words import bundle_words
from postrail.notifications.events import (
    COMMENTED,
    INTERNALLY_COMMENTED,
    ISSUE_CREATED,
    ISSUE_OPENED,
    ISSUE_RECEIVED,
    STATUS_CHANGED,
    Event,
    assigned_to,
    assignment_to,
    from_outside,
    mentioning,
)
from postrail.notifications.issue_words import Occasion, issue_words
from postrail.notifications.phrases import phrases_in
from postrail.notifications.phrases.phrases import Phrases
from postrail.notifications.readers import tokens_of
from postrail.notifications.templates.configured import message_by, message_of, written_language
from postrail.notifications.templates.words import Words
from postrail.notifications.tokens import filled, filled_html
from postrail.rendering.events import MessageEvent
from postrail.tracker.builtin.comments import EarlierComment
from postrail.tracker.issues import Audience, Watcher
from postrail.views.contents import with_texts
from postrail.views.issue_detail import CommentRow, IssueDetail, issue_detail

_EVENTS: dict[MessageEvent, Event] = {
    MessageEvent.CREATED: ISSUE_CREATED,
    MessageEvent.RECEIVED: ISSUE_RECEIVED,
    MessageEvent.OPENED: ISSUE_OPENED,
    MessageEvent.COMMENTED: COMMENTED,
    MessageEvent.INTERNALLY_COMMENTED: INTERNALLY_COMMENTED,
    MessageEvent.OUTSIDE_COMMENTED: from_outside(1, internal=False),
    MessageEvent.ASSIGNED: assigned_to(""),
    MessageEvent.ASSIGNEE_CHANGED: assignment_to("Ann Lee"),
    MessageEvent.STATUS_CHANGED: STATUS_CHANGED,
    MessageEvent.MENTIONED: mentioning(COMMENTED, frozenset()),
}
# Their messages have the beginning of the issue.
FIRST = (
    MessageEvent.CREATED,
    MessageEvent.RECEIVED,
    MessageEvent.OPENED,
    MessageEvent.ASSIGNED,
    MessageEvent.ASSIGNEE_CHANGED,
)
OF_COMMENTS = (
    MessageEvent.COMMENTED,
    MessageEvent.INTERNALLY_COMMENTED,
    MessageEvent.OUTSIDE_COMMENTED,
    MessageEvent.MENTIONED,
)
# In the place of texts that are written when the event happens.
SAMPLE = "The text stands here."
SAMPLE_FAULT = desk_texts.Fault(
    cause="",
    happened="unavailable",
    details="unavailable_since",
    reason=SAMPLE,
    follows="unavailable_waits",
    acts=(("test_connection", "postrail connections test relay"),),
    names={"name": "relay", "time": "2026-01-01 12:00 UTC"},
)
OF_APPROVALS = (
    MessageEvent.APPROVAL_REQUEST,
    MessageEvent.APPROVAL_REMINDER,
    MessageEvent.APPROVAL_HELP,
    MessageEvent.APPROVAL_RESULT,
    MessageEvent.APPROVAL_CLOSED,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """A message as its recipient would get it, and the template that made it."""

    event: str
    language: str
    # "": the default one.
    template: str
    # Why the configured template could not be used.
    fault: str
    subject: str
    text: str
    html: str


async def preview(
    connection: Connection,
    blobs: BlobStore,
    issue_key: str,
    event: MessageEvent | None,
    *,
    language: str = "",
    template: str = "",
) -> Preview:
    """Returns the message to the reporter of the issue, in the language or in the project's.

    With the name of a template it is by this one, of its event; else by the one that a message
    about the event has. Raises IssueNotFound, and PermanentError for an unknown template.
    """
    found = await with_texts(await issue_detail(connection, issue_key), blobs)
    snapshot, now = await load_snapshot(connection), await time_of(connection)
    project = found.issue.project
    name = snapshot.projects[project].name if project in snapshot.projects else project
    contexts = await contexts_of(connection, [found.issue.key], snapshot, now)
    context = contexts.get(found.issue.key)
    own = _named(template, snapshot) if template else None
    event = MessageEvent(own.event) if own else event or MessageEvent.COMMENTED
    chosen = written_language(snapshot, language, event, project, context)
    occasion = occasion_of(found, event, name)
    if own or snapshot.quotes_history(event, project, chosen, context):
        occasion = replace(occasion, earlier=await _earlier(connection, found, event))
    words = words_of(event, occasion, canned=own is not None)
    if own is None:
        message = message_of(words, snapshot, project, chosen, context)
    else:
        chosen = own.language or chosen
        message = message_by(own, words, chosen)
    reporter = await people.find(connection, found.issue.reporter)
    shown, zone = found.issue.reporter_name, reporter.time_zone if reporter else ""
    tokens = tokens_of(message.places(), shown, zone, now, phrases_in(chosen))
    made = message.rendered
    return Preview(
        event=event.value,
        language=chosen,
        template=made.template,
        fault=made.fault,
        subject=made.subject,
        text=filled(made.text, tokens),
        html=filled_html(made.html, tokens),
    )


def _named(name: str, snapshot: ConfigurationSnapshot) -> MessageTemplate:
    found = next((one for one in snapshot.templates if one.name == name), None)
    if found is None:
        raise PermanentError(
            f"there is no template {name!r}", remedy="List them with: postrail templates list"
        )
    return found


def occasion_of(found: IssueDetail, event: MessageEvent, project_name: str) -> Occasion:
    """Returns the event as if it had happened to the issue: its last comment, or its beginning."""
    issue = found.issue
    author, body = Watcher(address=issue.reporter, name=issue.reporter_name), found.description
    if last := _last_comment(found, event):
        author, body = Watcher(address=last.author_address, name=last.author_name), last.body
    return Occasion(
        audience=Audience(
            issue_id=0,
            issue_key=issue.key,
            project=issue.project,
            summary=issue.summary,
            conversation="",
            first_message_id=None,
            watchers=(),
        ),
        project_name=project_name,
        author=author,
        body=issue.status if event is MessageEvent.STATUS_CHANGED else body,
        max_characters=2000,
    )


def _last_comment(found: IssueDetail, event: MessageEvent) -> CommentRow | None:
    """Returns the comment that the event is about, as far as it is about one."""
    internal = event is MessageEvent.INTERNALLY_COMMENTED
    comments = [one for one in found.comments if one.internal is internal]
    return comments[-1] if comments and event not in FIRST else None


async def _earlier(
    connection: Connection, found: IssueDetail, event: MessageEvent
) -> tuple[EarlierComment, ...]:
    """Returns the comments that a message about the last one quotes; none for other events."""
    last = _last_comment(found, event)
    if last is None or event not in OF_COMMENTS:
        return ()
    asked = (last.comment_id, found.issue.key, last.internal)
    return (await earlier_comments(connection, [asked])).get(last.comment_id, ())


def words_of(
    event: MessageEvent, about: Occasion, *, canned: bool = False
) -> Callable[[Phrases], Words]:
    """Returns the words of an event of any kind, with samples for what only its time brings.

    `canned`: a letter is an answer that stands ready, and not the words of its author alone.
    """
    if event in _EVENTS:
        return partial(issue_words, _EVENTS[event], about)
    if event is MessageEvent.MANUAL:
        return partial(desk_texts.written_by_person, about, canned=canned)
    if event in OF_APPROVALS:
        return partial(sample_words, event, about)
    return partial(_words, event, about)


def _words(event: MessageEvent, about: Occasion, phrases: Phrases) -> Words:
    project, name = about.audience.project, about.project_name
    match event:
        case MessageEvent.BUNDLED:
            reported = (MessageEvent.COMMENTED, MessageEvent.INTERNALLY_COMMENTED)
            return bundle_words(
                [issue_words(_EVENTS[one], about, phrases) for one in reported], phrases
            )
        case MessageEvent.REJECTION:
            return desk_texts.rejected(phrases)
        case MessageEvent.DIGEST:
            lines = [(about.audience.issue_key, about.audience.summary)]
            return desk_texts.summed_up(project, name, lines, phrases)
        case MessageEvent.ERROR_NOTICE:
            return desk_texts.fault_noticed(SAMPLE_FAULT, project, name, phrases)
        case MessageEvent.ACCOUNT_CREATED:
            return fixed_texts.account_created(about.author.address, phrases)
        case MessageEvent.NOTICE:
            return fixed_texts.noticed(about.audience.summary, SAMPLE, phrases)
        case _:
            return fixed_texts.about_subject(event, about.audience.summary, SAMPLE, phrases)
