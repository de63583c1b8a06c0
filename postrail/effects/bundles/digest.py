"""Tells a person of what happened to their issues in a day, in one message for each project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import groupby
from uuid import uuid5

from postrail import people
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.bundles.send import as_now, still_told
from postrail.notifications.bundles.daily import lines_of_day
from postrail.notifications.bundles.pending_message import PendingMessage, from_json
from postrail.notifications.compose import NAMESPACE, Cause, message_to
from postrail.notifications.desk_texts import summed_up
from postrail.notifications.phrases import phrases_in
from postrail.notifications.templates.configured import message_of
from postrail.outgoing import intake as outgoing
from postrail.outgoing.bundles import pending
from postrail.outgoing.bundles.pending import Due
from postrail.records import OutgoingQueued
from postrail.tracker import issues
from postrail.tracker.issues import IndexedIssue, Watcher

PURPOSE = "digest"


async def send_digest(
    connection: Connection,
    issue_id: int,
    recipient: str,
    snapshot: ConfigurationSnapshot,
    key: bytes,
    now: datetime,
) -> list[OutgoingQueued]:
    """Stores the person's digest of all issues, this one among them; none if it was stored before.

    Locks the issues. What is added to another one in the meantime has a timer of its own.
    """
    waiting = await pending.due_in_digest(connection, recipient, now)
    locked = await issues.lock(connection, {issue_id, *(one.issue_id for one in waiting)})
    held = {issue_id, *(one.issue_id for one in waiting)}
    told = await pending.due_in_digest(connection, recipient, now, issue_ids=held)
    if not told:
        return []
    stored = await pending.contents(connection, {one.event_id for one in told})
    events = {number: from_json(text) for number, text in stored.items()}
    persons = await people.by_address(connection, [recipient])
    seen = [
        one
        for one in told
        if (issue := locked.get(one.issue_id))
        and still_told(one, events[one.event_id], snapshot.projects.get(issue.project), persons)
    ]
    person = persons.get(recipient.lower())
    zones = {recipient: person.time_zone if person else ""}
    mails = [
        mail
        for project, own in _by_project(seen, locked)
        for mail in _digests(project, own, locked, events, snapshot, key, zones, now)
    ]
    await outgoing.store(connection, mails)
    await pending.forget(connection, told)
    return mails


def _by_project(
    told: Sequence[Due], found: Mapping[int, IndexedIssue]
) -> list[tuple[str, list[Due]]]:
    def project_of(one: Due) -> str:
        return found[one.issue_id].project

    ordered = sorted(told, key=project_of)
    return [(project, list(own)) for project, own in groupby(ordered, key=project_of)]


def _digests(
    project: str,
    told: Sequence[Due],
    found: Mapping[int, IndexedIssue],
    events: Mapping[int, PendingMessage],
    snapshot: ConfigurationSnapshot,
    key: bytes,
    time_zones: Mapping[str, str],
    now: datetime,
) -> list[OutgoingQueued]:
    """Returns the person's digest of a project; several if it is very long."""
    connection, settings = snapshot.connection_for(project), snapshot.projects.get(project)
    if connection is None or settings is None:
        return []
    latest = events[told[-1].event_id]
    language, to = latest.words.language, told[-1]
    by_issue: dict[int, list[Due]] = {}
    for one in told:
        by_issue.setdefault(found[one.issue_id].issue_id, []).append(one)
    parts = lines_of_day(
        [
            [as_now(events[one.event_id], found[one.issue_id], snapshot).words for one in own]
            for own in by_issue.values()
        ],
        phrases_in(language),
    )
    internal = any(events[one.event_id].mail.internal for one in told)
    # No two persons share one. A restored database gives other events the same numbers.
    own_ids = " ".join(events[one.event_id].mail.outgoing_id for one in told)
    name = f"digest of {project} to {to.recipient} {uuid5(NAMESPACE, own_ids)}"
    return [
        replace(
            message_to(
                [Watcher(address=to.recipient, name=to.name)],
                digest_conversation(project, to.recipient),
                message_of(
                    partial(summed_up, project, settings.name, lines, internal=internal),
                    snapshot,
                    project,
                    language,
                ),
                Cause(
                    name=f"{name} part {number}" if number else name,
                    in_reply_to=None,
                    references=(),
                    reply_to=snapshot.reply_address(project, None),
                    received_at=None,
                    mailbox=None,
                ),
                connection,
                key,
                now,
                time_zones,
            ),
            purpose=PURPOSE,
        )
        for number, lines in enumerate(parts)
    ]


def digest_conversation(project: str, recipient: str) -> str:
    """Returns the id by which the records of a person's digests stay in their order."""
    return str(uuid5(NAMESPACE, f"digests of {project} to {recipient}"))
