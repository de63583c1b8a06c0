"""A person's comment, on real PostgreSQL: its rows and its notifications in one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import pytest

from postrail.configuration import store
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.project import Project
from postrail.database import Connection, Pool, open_pool, rows, transaction
from postrail.errors import PermanentError
from postrail.incoming import conversations
from postrail.incoming.message_ids import Named, message_hash
from postrail.operate.issues import comment as act
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.comment import Commented
from postrail.records import OutgoingQueued
from postrail.settings import Settings
from postrail.stream import avro
from postrail.tracker import IssueDraft, issues
from postrail.tracker.builtin.tracker import BuiltinTracker
from postrail.tracker.issues import Involvement, NewIssue, Watcher
from tests.makers.records import NOON

CONVERSATION = "11111111-1111-1111-1111-111111111111"


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    opened = await open_pool(settings.database)
    yield opened
    await opened.close()


async def configure(connection: Connection, *, with_connection: bool = True) -> None:
    things: list[Project | OutgoingConnection | MailAccount] = [
        Project(key="HELP", name="Help desk"),
        MailAccount(
            name="support",
            host="imap.example.com",
            username="support",
            password="env:POSTRAIL_SECRET_X",
            address="support@example.com",
            project="HELP",
        ),
    ]
    if with_connection:
        things.append(
            OutgoingConnection(
                name="out",
                host="smtp.example.com",
                from_address="desk@example.com",
                is_default=True,
            )
        )
    for thing in things:
        await store.save(connection, thing, before=None, author="test", now=NOON)


def draft(reporter: str) -> IssueDraft:
    return IssueDraft(
        project="HELP",
        issue_type="Request",
        status="Open",
        summary="Printer on fire",
        description="It burns.",
        description_blob=None,
        reporter_address=reporter,
        reporter_name="Ada",
        conversation=CONVERSATION,
        mail_id="22222222-2222-2222-2222-222222222222",
        revision=1,
        attachments=(),
    )


async def make_issue(connection: Connection, reporter: str) -> None:
    made = draft(reporter)
    (key,) = await BuiltinTracker().create_issues(connection, [made], NOON)
    new = NewIssue(
        tracker="builtin",
        issue_key=key,
        project=made.project,
        conversation=made.conversation,
        summary=made.summary,
        first_message_id=None,
    )
    (issue_id,) = await issues.add(connection, [new], NOON)
    involved = Involvement(
        issue_id=issue_id,
        watcher=Watcher(address=reporter, name="Ada"),
        participants=(reporter,),
        arrived_at="support@example.com",
    )
    await issues.record_involvements(connection, [involved])


async def comment(pool: Pool, issue_key: str, author: str, now: datetime = NOON) -> Commented:
    desk = Desk(pool=pool, message_id_key=b"key", excerpt_max_characters=1000, now=now)
    actor = Actor(address=author.lower(), name="Agent")
    return await act.comment(desk, actor, issue_key, "Use water.")


async def in_outbox(connection: Connection) -> Sequence[OutgoingQueued]:
    found = await rows(
        connection, "SELECT value FROM outbox WHERE topic = 'outgoing.queued' ORDER BY outbox_id"
    )
    return [avro.decode_as(OutgoingQueued, bytes(row[0])) for row in found]


async def test_watchers_are_notified_and_their_answers_will_find_the_issue(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await configure(connection)
        await make_issue(connection, "ada@example.org")
    made = await comment(pool, "HELP-1", "Agent@example.com")
    assert made.told == ("ada@example.org",)
    async with transaction(pool) as connection:
        (queued,) = await in_outbox(connection)
        assert queued.reply_to == "support@example.com"
        assert queued.subject == "[HELP-1] Printer on fire"
        hashes = (message_hash(queued.deliveries[0].message_id),)
        answer = Named(mail_id=CONVERSATION, hashes=hashes, keys=())
        placed = await conversations.place(connection, [answer])
        assert placed[CONVERSATION].conversation == CONVERSATION
    # The author is notified of later comments by others, and never of their own.
    again = await comment(pool, "HELP-1", "ada@example.org")
    assert again.told == ("agent@example.com",)


async def test_without_an_outgoing_connection_the_comment_is_kept_and_no_one_is_notified(
    pool: Pool,
) -> None:
    async with transaction(pool) as connection:
        await configure(connection, with_connection=False)
        await make_issue(connection, "ada@example.org")
    assert (await comment(pool, "HELP-1", "agent@example.com")).told == ()
    async with transaction(pool) as connection:
        assert await rows(connection, "SELECT body FROM comment") == [("Use water.",)]


async def test_a_comment_on_an_unknown_issue_is_refused_and_changes_nothing(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await configure(connection)
    with pytest.raises(PermanentError, match="no issue HELP-9"):
        await comment(pool, "HELP-9", "agent@example.com")
    async with transaction(pool) as connection:
        assert await rows(connection, "SELECT 1 FROM comment UNION ALL SELECT 1 FROM outbox") == []


async def test_ids_that_were_only_named_lead_to_the_same_conversation(pool: Pool) -> None:
    async with transaction(pool) as connection:
        reply = Named(mail_id=CONVERSATION, hashes=(b"b" * 16, b"a" * 16), keys=())
        await conversations.place(connection, [reply])
    async with transaction(pool) as connection:
        original = Named(
            mail_id="33333333-3333-3333-3333-333333333333", hashes=(b"a" * 16,), keys=()
        )
        placed = await conversations.place(connection, [original])
    assert placed[original.mail_id].conversation == CONVERSATION
