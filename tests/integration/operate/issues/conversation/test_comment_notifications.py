"""A person's comment, on real PostgreSQL: its rows and its notifications in one transaction."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postrail.configuration import store
from postrail.configuration.models.limit import Limit, LimitName
from postrail.database import Pool, transaction
from postrail.errors import PermanentError
from postrail.incoming import conversations
from postrail.incoming.message_ids import Named, message_hash
from postrail.operate.issues.act import Desk
from postrail.operate.issues.comment import comment
from postrail.operate.issues.transition import transition
from postrail.outgoing import suppressions
from postrail.outgoing.held import HeldDelivery
from postrail.records import OutgoingQueued
from postrail.stream import avro
from tests.integration.operate.issues.scene import AGENT, new_issue, query
from tests.makers.records import NOON

CONVERSATION = "11111111-1111-1111-1111-111111111111"


async def in_outbox(pool: Pool) -> list[OutgoingQueued]:
    found = await query(
        pool, "SELECT value FROM outbox WHERE topic = 'outgoing.queued' ORDER BY outbox_id"
    )
    return [avro.decode_as(OutgoingQueued, bytes(row[0])) for row in found]


async def test_watchers_are_notified_and_their_answers_will_find_the_issue(
    pool: Pool, desk: Desk
) -> None:
    key = await new_issue(pool, conversation=CONVERSATION)
    made = await comment(desk, AGENT, key, "Use water.")
    assert made.notified == ("ada@example.org",)
    (queued,) = await in_outbox(pool)
    assert queued.reply_to == "support@example.com"
    assert queued.subject == "[HELP-1] Printer on fire"
    async with transaction(pool) as connection:
        hashes = (message_hash(queued.deliveries[0].message_id),)
        answer = Named(mail_id=CONVERSATION, hashes=hashes, keys=())
        placed = await conversations.place(connection, [answer])
        assert placed[CONVERSATION].conversation == CONVERSATION
    # The author is notified of later comments by others, and never of their own.
    ada = replace(AGENT, address="ada@example.org", name="Ada")
    assert (await comment(desk, ada, key, "Thanks.")).notified == (AGENT.address,)


async def test_without_an_outgoing_connection_the_comment_is_kept_and_no_one_is_notified(
    pool: Pool, desk: Desk, issue: str
) -> None:
    await query(pool, "DELETE FROM outgoing_connection RETURNING 1")
    assert (await comment(desk, AGENT, issue, "Use water.")).notified == ()
    assert await query(pool, "SELECT body FROM comment") == [("Use water.",)]


async def test_a_comment_on_an_unknown_issue_is_refused_and_changes_nothing(
    pool: Pool, desk: Desk
) -> None:
    with pytest.raises(PermanentError, match="no issue HELP-9"):
        await comment(desk, AGENT, "HELP-9", "Use water.")
    assert await query(pool, "SELECT 1 FROM comment UNION ALL SELECT 1 FROM outbox") == []


async def test_ids_that_were_only_named_lead_to_the_same_conversation(pool: Pool) -> None:
    async with transaction(pool) as connection:
        reply = Named(
            mail_id=CONVERSATION,
            hashes=(b"b" * 16, b"a" * 16),
            own=b"b" * 16,
            sender="ada@example.org",
            keys=(),
        )
        await conversations.place(connection, [reply])
    async with transaction(pool) as connection:
        original = Named(
            mail_id="33333333-3333-3333-3333-333333333333",
            hashes=(b"a" * 16,),
            own=b"a" * 16,
            addressed=frozenset({"ada@example.org"}),
            keys=(),
        )
        placed = await conversations.place(connection, [original])
    assert placed[original.mail_id].conversation == CONVERSATION


async def test_an_act_says_whose_messages_are_held_and_why(
    pool: Pool, desk: Desk, issue: str
) -> None:
    ada = "ada@example.org"
    async with transaction(pool) as connection:
        await suppressions.suppress(
            connection, ada, "not delivered: 5.1.1", "00000000-0000-0000-0000-000000000001", NOON
        )
    done = await comment(desk, AGENT, issue, "@second Use water.")
    assert done.notified == ("second@example.com",)
    reason = "Not written to this address: not delivered: 5.1.1"
    assert done.held == (HeldDelivery(recipient=ada, reason=reason),)


async def test_an_act_says_that_a_limit_holds_its_messages(
    pool: Pool, desk: Desk, issue: str
) -> None:
    limit = Limit(name=LimitName.ISSUE_NOTIFICATIONS, value=1)
    async with transaction(pool) as connection:
        await store.save(connection, limit, before=None, author="test", now=NOON)
    assert (await comment(desk, AGENT, issue, "Use water.")).held == ()
    done = await transition(desk, AGENT, issue, "Done")
    assert done.notified == ()
    assert [(one.recipient, one.reason) for one in done.held] == [
        (
            "ada@example.org",
            "limit issue_notifications: 1 notification in 60 minutes, which HELP-1 has reached",
        )
    ]
