"""Tells people of the events of an issue that they have waited for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from postrail import people
from postrail.configuration.models.project import Project
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.deliveries.store import store_notifications
from postrail.effects.mentions import is_insider
from postrail.notifications.bundles.combine import Recipient, bundles
from postrail.notifications.bundles.pending_message import PendingMessage, from_json
from postrail.notifications.bundles.words import as_moved
from postrail.notifications.compose import Message
from postrail.notifications.templates.configured import message_of
from postrail.notifications.templates.words import Words
from postrail.outgoing.bundles import pending
from postrail.outgoing.bundles.pending import Due
from postrail.people import PersonRow
from postrail.records import OutgoingQueued
from postrail.tracker import issues
from postrail.tracker.issues import IndexedIssue
from postrail.workflow.roles import role_of


async def send_due(
    connection: Connection, issue_id: int, snapshot: ConfigurationSnapshot, now: datetime
) -> list[OutgoingQueued]:
    """Stores the messages to all who have waited for this issue long enough.

    Who is not to be told any more, such as a person who has lost the right to see internal
    comments, is not. Locks the issue.
    """
    issue = (await issues.lock(connection, [issue_id])).get(issue_id)
    told = await pending.due(connection, issue_id, now)
    if not told:
        return []
    stored = await pending.contents(connection, {one.event_id for one in told})
    events = {number: from_json(text) for number, text in stored.items()}
    mails: list[OutgoingQueued] = []
    if issue is not None:
        persons = await people.by_address(connection, {one.recipient for one in told})
        project = snapshot.projects.get(issue.project)
        known = [one for one in told if still_told(one, events[one.event_id], project, persons)]
        made = bundles(
            _recipients(known),
            {number: as_now(event, issue, snapshot) for number, event in events.items()},
            lambda words, context: _rendered(words, context, issue, snapshot),
            {address: person.time_zone for address, person in persons.items()},
            now,
        )
        mails = await store_notifications(connection, made, snapshot, now)
    await pending.forget(connection, told)
    return mails


def still_told(
    one: Due, event: PendingMessage, project: Project | None, persons: Mapping[str, PersonRow]
) -> bool:
    """Tells whether the person is active, and still sees the event."""
    person = persons.get(one.recipient.lower())
    inside = project is not None and is_insider(role_of(project, person))
    return (inside or not event.insiders_only) and (person is None or person.active)


def _recipients(told: Sequence[Due]) -> list[Recipient]:
    found: dict[str, Recipient] = {}
    for one in told:
        before = found.get(one.recipient)
        numbers = {**(before.events if before else {}), one.event_id: one.message_id}
        found[one.recipient] = Recipient(
            address=one.recipient, name=one.name, events=numbers, tokens=one.tokens
        )
    return list(found.values())


def as_now(
    event: PendingMessage, issue: IndexedIssue, snapshot: ConfigurationSnapshot
) -> PendingMessage:
    """Returns the event of the issue as it is now: it may have been moved or merged."""
    if event.mail.issue_key == issue.issue_key:
        return event
    mail = replace(event.mail, issue_id=issue.issue_id, issue_key=issue.issue_key)
    project = snapshot.projects.get(issue.project)
    name = project.name if project else issue.project
    words = as_moved(event.words, issue.issue_key, issue.project, name)
    return replace(event, mail=mail, words=words)


def _rendered(
    words: Words, context_name: str, issue: IndexedIssue, snapshot: ConfigurationSnapshot
) -> Message:
    context = next((one for one in snapshot.enabled_contexts if one.name == context_name), None)
    return message_of(lambda _: words, snapshot, issue.project, words.language, context)
