"""Lists the events that are notified: to whom, and by which phrases. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from postrail.configuration.contexts.recipients import ASSIGNEE, REPORTER
from postrail.notifications.audience import nameless_reporter, reporter, watchers_except_author
from postrail.rendering.events import MessageEvent
from postrail.tracker.issues import Audience, Watcher

# Takes the audience, the author and our own addresses.
Recipients = Callable[[Audience, Watcher, frozenset[str]], list[Watcher]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A kind of effect that is notified: to whom, and by which phrases (`Phrases`)."""

    kind: MessageEvent
    recipients: Recipients
    # The phrase that says what happened.
    sentence: str
    # The phrases that say why one gets the message, and how to stop it.
    why: str = "why_watches"
    stop: str = "stop_watching"
    # The phrase in the place of an author's name.
    nobody: str = "unknown_sender"
    # The command that accepts the comment of somebody who takes no part.
    command: str = ""
    # The author's name proves nothing: the address stands before it.
    author_in_full: bool = False
    # The body is the new status.
    body_is_status: bool = False
    # The message answers the author by itself, and quotes the author's words.
    answers: bool = False
    # It has no word of the message, not even the sender's name: the desk would write to anybody
    # what anybody likes.
    neutral: bool = False
    # It is about an internal comment.
    internal: bool = False
    # The new assignee, whom the message names.
    assignee: str = ""
    # Only those are told whom the configuration names, unless the same effect tells them in their
    # role.
    to_others: bool = False
    # It is for one person in this role.
    role: str = ""


ISSUE_CREATED = Event(
    kind=MessageEvent.CREATED,
    recipients=reporter,
    sentence="received",
    why="why_wrote",
    answers=True,
    role=REPORTER,
)
ISSUE_RECEIVED = Event(
    kind=MessageEvent.RECEIVED,
    recipients=nameless_reporter,
    sentence="received",
    why="why_wrote",
    answers=True,
    neutral=True,
    role=REPORTER,
)
ISSUE_OPENED = Event(
    kind=MessageEvent.OPENED,
    recipients=watchers_except_author,
    sentence="opened",
    why="why_told",
    stop="stop_asking",
    to_others=True,
)
COMMENTED = Event(
    kind=MessageEvent.COMMENTED, recipients=watchers_except_author, sentence="commented"
)
INTERNALLY_COMMENTED = Event(
    kind=MessageEvent.INTERNALLY_COMMENTED,
    recipients=watchers_except_author,
    sentence="commented_internally",
    internal=True,
)
STATUS_CHANGED = Event(
    kind=MessageEvent.STATUS_CHANGED,
    recipients=watchers_except_author,
    sentence="status_changed",
    nobody="help_desk",
    body_is_status=True,
)


def accepting(issue_key: str, comment_id: int) -> str:
    """Returns the command that accepts a comment of somebody who takes no part in its issue."""
    return f"postrail issues accept {issue_key} {comment_id}"


def from_outside(comment_id: int, *, internal: bool) -> Event:
    """Returns the event of a comment by somebody who takes no part in the issue."""
    return Event(
        kind=MessageEvent.OUTSIDE_COMMENTED,
        recipients=watchers_except_author,
        sentence="commented",
        why="why_watches",
        command=accepting("{key}", comment_id),
        author_in_full=True,
        internal=internal,
    )


def mentioning(event: Event, mentioned: frozenset[str]) -> Event:
    """Returns the event of a comment for those of its recipients whom it mentions."""
    return replace(
        event,
        kind=MessageEvent.MENTIONED,
        recipients=partial(_among, event.recipients, mentioned),
        sentence="mentioned",
        why="why_mentioned",
    )


def assigned_to(address: str) -> Event:
    """Returns the event of an assignment, which its assignee is notified of by watching."""
    return _of_assignee(address, "assigned")


def assignment_to(name: str) -> Event:
    """Returns the event of an assignment to a person of this name, for others."""
    return Event(
        kind=MessageEvent.ASSIGNEE_CHANGED,
        recipients=watchers_except_author,
        sentence="assigned_to_other",
        why="why_told",
        stop="stop_asking",
        nobody="help_desk",
        assignee=name,
        to_others=True,
    )


def told(event: Event) -> Event:
    """Returns the event for those who do not watch the issue, and are told all the same."""
    return replace(event, why="why_told", stop="stop_asking")


def new_for(address: str) -> Event:
    """Returns the event of a new issue, which its assignee is notified of by watching."""
    return _of_assignee(address, "opened_for_assignee")


def created_for(address: str) -> Event:
    """Returns the event of a new issue, which the reporter, a watcher, is notified of."""
    return replace(
        _of_assignee(address, "opened_for_reporter"),
        kind=MessageEvent.CREATED,
        why="why_reporter",
        role=REPORTER,
    )


def _of_assignee(address: str, sentence: str) -> Event:
    return Event(
        kind=MessageEvent.ASSIGNED,
        recipients=partial(_among, watchers_except_author, frozenset({address})),
        sentence=sentence,
        why="why_assigned",
        nobody="help_desk",
        role=ASSIGNEE,
    )


def _among(
    recipients: Recipients,
    addresses: frozenset[str],
    audience: Audience,
    author: Watcher,
    own_addresses: frozenset[str],
) -> list[Watcher]:
    found = recipients(audience, author, own_addresses)
    return [person for person in found if person.address in addresses]
