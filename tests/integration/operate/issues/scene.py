"""Projects, people and issues for tests of acts, and what acts leave in the tables."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, cast

from postrail.configuration import store
from postrail.configuration.configured import Configured
from postrail.configuration.models.person import Person
from postrail.configuration.models.project import Project
from postrail.database import Pool, rows, transaction
from postrail.operate.issues.act import Actor
from postrail.records import IssueChanged
from postrail.stream import avro
from postrail.tracker import issues
from postrail.tracker.builtin.tracker import BuiltinTracker
from postrail.tracker.issues import Involvement, NewIssue, Watcher
from tests.makers.acts import OPERATOR as OPERATOR
from tests.makers.configuration import mail_account, outgoing_connection
from tests.makers.drafts import comment_draft, issue_draft
from tests.makers.records import NOON

LATER = NOON + timedelta(hours=1)

AGENT = Actor(address="agent@example.com", name="An Agent")
LEAD = Actor(address="lead@example.com", name="A Lead")
ADMINISTRATOR = Actor(address="admin@example.com", name="An Administrator")
OUTSIDER = Actor(address="outsider@example.com", name="An Outsider")

HELP = Project.model_validate(
    {
        "key": "HELP",
        "name": "Help desk",
        "statuses": [
            {"name": "Open", "category": "to do", "next_statuses": ["In Progress", "Done"]},
            {"name": "In Progress", "category": "in progress"},
            {"name": "Released", "category": "done", "needs_approval": True},
            {"name": "Done", "category": "done", "next_statuses": ["Open"]},
        ],
        "components": ["Printer", "Network"],
        "fields": [
            {"name": "Serial", "kind": "text"},
            {"name": "Pages", "kind": "number"},
            {"name": "Bought", "kind": "date"},
            {"name": "Floor", "kind": "choice", "choices": ["Ground", "First"]},
            {"name": "Colours", "kind": "choices", "choices": ["Red", "Green", "Blue"]},
            {"name": "Owner", "kind": "person"},
        ],
        "leads": ["lead@example.com"],
        "administrators": ["admin@example.com"],
        "outsiders": ["outsider@example.com"],
    }
)
THINGS: tuple[Configured, ...] = (
    *(
        Person(address=actor.address, name=actor.name)
        for actor in (AGENT, LEAD, ADMINISTRATOR, OUTSIDER)
    ),
    Person(address="second@example.com", addresses=["second@home.example"], name="A Second Agent"),
    Person(address="gone@example.com", name="Gone", active=False),
    HELP,
    Project(key="SALE", name="Sales"),
    outgoing_connection(from_name="Help desk"),
    mail_account(),
)


async def configure(pool: Pool) -> None:
    """Saves the projects, the people and the connection."""
    async with transaction(pool) as connection:
        for thing in THINGS:
            await store.save(connection, thing, before=None, author="test", now=NOON)


async def new_issue(pool: Pool, **fields: Any) -> str:
    """Makes an issue as a message of ada@example.org does, who watches it; returns its key."""
    draft = issue_draft(**{"conversation": str(uuid.uuid4()), **fields})
    async with transaction(pool) as connection:
        (key,) = await BuiltinTracker().create_issues(connection, [draft], NOON)
        new = NewIssue(
            tracker="builtin",
            issue_key=key,
            project=draft.project,
            conversation=draft.conversation,
            summary=draft.summary,
            first_message_id="<first@example.org>",
        )
        (issue_id,) = await issues.add(connection, [new], NOON)
        ada = Involvement(
            issue_id=issue_id,
            watchers=(Watcher(address="ada@example.org", name="Ada"),),
            participants=("ada@example.org",),
            arrived_at="support@example.com",
        )
        await issues.record_involvements(connection, [ada])
    return key


async def outsider_comment(pool: Pool, issue_key: str, **fields: Any) -> int:
    """Adds a comment of mallory@example.net, who takes no part in the issue; returns its id."""
    author = {"author_address": "mallory@example.net", "author_name": "Mallory"}
    draft = comment_draft(issue_key, **{**author, "outsider": True, **fields})
    async with transaction(pool) as connection:
        (comment_id,) = await BuiltinTracker().add_comments(connection, [draft], NOON)
    return comment_id


async def history(pool: Pool, issue_key: str) -> list[tuple[str, Any, Any]]:
    """Returns field, value before and value after of each change, in their order."""
    found = await query(
        pool,
        "SELECT field, before, after FROM issue_change WHERE issue_key = %s ORDER BY change_id",
        issue_key,
    )
    return [(field, before, after) for field, before, after in found]


async def published(pool: Pool) -> list[IssueChanged]:
    """Returns the records of acts in the outbox, in their order."""
    found = await query(
        pool, "SELECT value FROM outbox WHERE topic = 'issue.changed' ORDER BY outbox_id"
    )
    return [cast(IssueChanged, avro.decode(value)) for (value,) in found]


async def mails(pool: Pool) -> list[tuple[str, str]]:
    """Returns recipient and text of the notifications, in their order."""
    found = await query(
        pool,
        "SELECT recipient, text FROM delivery JOIN outgoing_mail USING (outgoing_id)"
        " ORDER BY outgoing_mail.sequence, recipient",
    )
    return [(recipient, text) for recipient, text in found]


async def query(pool: Pool, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Returns the rows of a query in a transaction of its own."""
    async with transaction(pool) as connection:
        return await rows(connection, statement, parameters)
