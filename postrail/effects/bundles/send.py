"""Tells people of the events of an issue that they have waited for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from postrail import people
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.deliveries.store import store_notifications
from postrail.effects.mentions import is_insider
from postrail.notifications.bundles.combine import Recipient, bundles
from postrail.notifications.bundles.pending_message import PendingMessage, from_json
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
        known = _still_told(told, events, issue, persons, snapshot)
        made = bundles(
            _recipients(known),
            {number: _now_of(event, issue) for number, event in events.items()},
            lambda words, context: _rendered(words, context, issue, snapshot),
            {address: person.time_zone for address, person in persons.items()},
            now,
        )
        mails = await store_notifications(connection, made, snapshot, now)
    await pending.forget(connection, told)
    return mails


def _still_told(
    told: Sequence[Due],
    events: Mapping[int, PendingMessage],
    issue: IndexedIssue,
    persons: Mapping[str, PersonRow],
    snapshot: ConfigurationSnapshot,
) -> list[Due]:
    """Leaves out inactive persons, and events that are hidden from a person by now."""
    project = snapshot.projects.get(issue.project)
    found = []
    for one in told:
        person = persons.get(one.recipient.lower())
        inside = project is not None and is_insider(role_of(project, person))
        visible = inside or not events[one.event_id].insiders_only
        if visible and (person is None or person.active):
            found.append(one)
    return found


def _recipients(told: Sequence[Due]) -> list[Recipient]:
    found: dict[str, Recipient] = {}
    for one in told:
        before = found.get(one.recipient)
        numbers = {**(before.events if before else {}), one.event_id: one.message_id}
        found[one.recipient] = Recipient(
            address=one.recipient, name=one.name, events=numbers, tokens=one.tokens
        )
    return list(found.values())


def _now_of(event: PendingMessage, issue: IndexedIssue) -> PendingMessage:
    """Returns the event of the issue as it is now: it may have been moved or merged."""
    mail = replace(event.mail, issue_id=issue.issue_id, issue_key=issue.issue_key)
    return replace(event, mail=mail)


def _rendered(
    words: Words, context_name: str, issue: IndexedIssue, snapshot: ConfigurationSnapshot
) -> Message:
    context = next((one for one in snapshot.enabled_contexts if one.name == context_name), None)
    return message_of(lambda _: words, snapshot, issue.project, words.language, context)
