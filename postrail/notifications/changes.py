"""The notifications of changed issues: assigned, done, opened again, created for somebody. Pure."""

from __future__ import annotations

from functools import partial

from postrail.notifications.audience import watchers_except_author
from postrail.notifications.compose import Event, framed
from postrail.tracker.issues import Audience, Watcher


def assigned_to(address: str) -> Event:
    """Returns the event of an assignment, which its assignee is notified of by watching."""
    return Event(partial(_only, address), assigned)


def new_for(address: str) -> Event:
    """Returns the event of a new issue, which its assignee is notified of by watching."""
    return Event(partial(_only, address), new)


def created_for(address: str) -> Event:
    """Returns the event of a new issue, which the reporter, a watcher, is notified of."""
    return Event(partial(_only, address), created)


def _only(
    address: str, audience: Audience, author: Watcher, own_addresses: frozenset[str]
) -> list[Watcher]:
    watchers = watchers_except_author(audience, author, own_addresses)
    return [person for person in watchers if person.address == address]


def assigned(audience: Audience, author: Watcher, body: str, max_characters: int) -> str:
    """Returns the text that reports an assignment; `body` is the issue's description."""
    return _text(audience, author, f"assigned {audience.issue_key} to you", body, max_characters)


def new(audience: Audience, author: Watcher, body: str, max_characters: int) -> str:
    """Returns the text that reports a new issue to the person whom it is assigned to."""
    did = f"opened {audience.issue_key}, which is assigned to you"
    return _text(audience, author, did, body, max_characters)


def created(audience: Audience, author: Watcher, body: str, max_characters: int) -> str:
    """Returns the text that reports an issue to its reporter, for whom another person made it."""
    return _text(audience, author, f"opened {audience.issue_key} for you", body, max_characters)


def status_changed(audience: Audience, author: Watcher, body: str, max_characters: int) -> str:
    """Returns the text that reports a new status, which is the body, to the watchers."""
    return _text(audience, author, f"set {audience.issue_key} to {body}", "", max_characters)


def _text(audience: Audience, author: Watcher, did: str, body: str, max_characters: int) -> str:
    who = author.name or author.address or "The help desk"
    return framed(audience, f"{who} {did}", body, max_characters)


STATUS_CHANGED = Event(watchers_except_author, status_changed)
