"""Makes issues, of messages or by hand, with our own records of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from postrail import people
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.decision.facts import IssueRef
from postrail.incoming import conversations
from postrail.people import PersonRow
from postrail.tracker import IssueDraft, TransactionalTracker, issues
from postrail.tracker.issues import NewIssue


async def default_assignees(
    connection: Connection, snapshot: ConfigurationSnapshot, projects: Collection[str]
) -> dict[str, PersonRow]:
    """Returns the default assignees of these projects, by key, without those who are inactive."""
    wanted = {
        key: assignee for key in set(projects) if (assignee := snapshot.projects[key].own_assignee)
    }
    persons = await people.by_address(connection, wanted.values())
    return {
        key: person
        for key, assignee in wanted.items()
        if (person := persons.get(assignee)) and person.active
    }


async def make_issues(
    connection: Connection,
    tracker: TransactionalTracker,
    made: Sequence[tuple[IssueDraft, str | None]],
    now: datetime,
) -> list[IssueRef]:
    """Makes an issue of each draft, and returns them in this order.

    Beside the draft is the Message-ID of the message that makes the issue. The conversation of the
    draft leads to the issue from then on.
    """
    drafts = [draft for draft, _ in made]
    keys = await tracker.create_issues(connection, drafts, now)
    new = [
        NewIssue(
            tracker=tracker.name,
            issue_key=key,
            project=draft.project,
            conversation=draft.conversation,
            summary=draft.summary,
            first_message_id=message_id,
        )
        for (draft, message_id), key in zip(made, keys, strict=True)
    ]
    ids = await issues.add(connection, new, now)
    pairs = [(one.conversation, issue_id) for one, issue_id in zip(new, ids, strict=True)]
    await conversations.map_issues(connection, pairs)
    return [
        IssueRef(issue_id=issue_id, issue_key=one.issue_key, project=one.project)
        for one, issue_id in zip(new, ids, strict=True)
    ]
