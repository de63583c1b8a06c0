"""Tests the tables of outgoing messages on PostgreSQL: intake, claims, order, results."""

from __future__ import annotations

import asyncio
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from postrail.database import Pool, rows, transaction
from postrail.outgoing import by_hand, intake, results, unconfirmed
from postrail.outgoing import queue as outgoing
from postrail.outgoing.attachments import named_blobs
from postrail.outgoing.content import content_of
from postrail.outgoing.issues import answered_issues
from postrail.outgoing.queue import BegunAttempt, Claimed
from postrail.outgoing.results import AttemptResult, DeliveryState
from postrail.outgoing.routing.strays import connections_of_due
from postrail.records import BlobReference, OutgoingQueued
from postrail.tracker import issues
from postrail.tracker.issues import NewIssue
from postrail.views import outgoing as outgoing_views
from tests.processes.senders import message_ids, old_mail, queued_mail

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def queued(*, issue_key: str | None = "DEMO-1", **changes: Any) -> OutgoingQueued:
    # An id of its own for each key.
    issue_id = zlib.crc32(issue_key.encode()) if issue_key else None
    return queued_mail(
        **{"issue_id": issue_id, "issue_key": issue_key, "queued_at": NOW, **changes}
    )


async def take_in(pool: Pool, *records: OutgoingQueued) -> int:
    async with transaction(pool) as connection:
        return await intake.take_in(connection, records)


async def claim(
    pool: Pool, limit: int = 50, *, now: datetime = NOW, connection: str = "relay"
) -> list[Claimed]:
    async with transaction(pool) as database:
        return await outgoing.claim_due(database, now, 60.0, limit, outgoing_connection=connection)


async def finish(
    pool: Pool,
    claimed: Sequence[Claimed],
    state: DeliveryState,
    *,
    due_at: datetime = NOW,
    maybe_twice: bool = False,
) -> list[AttemptResult]:
    finished = [
        AttemptResult(
            claimed=one,
            state=state,
            reply="250 OK",
            due_at=due_at,
            maybe_twice=maybe_twice,
            unknown_attempts=one.unknown_attempts + (state == "unconfirmed"),
        )
        for one in claimed
    ]
    async with transaction(pool) as connection:
        return await results.finish(connection, NOW, finished)


async def expire_claims(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await connection.execute(
            "UPDATE delivery SET claim_until = now() - interval '1 second' WHERE state = 'sending'"
        )


async def states(pool: Pool) -> list[tuple[str, str, int, bool]]:
    async with transaction(pool) as connection:
        found = await rows(
            connection,
            "SELECT recipient, state, attempts, maybe_twice FROM delivery"
            " ORDER BY sequence, recipient",
        )
    return [(row[0], row[1], row[2], row[3]) for row in found]


async def test_intake_takes_each_mail_once_and_each_recipient_once(pool: Pool) -> None:
    mail = queued(recipients=["ann@example.org", "Ann@Example.org", "bob@example.org"])

    assert await take_in(pool, mail, mail) == 2
    assert await take_in(pool, mail) == 0

    assert await states(pool) == [
        ("ann@example.org", "queued", 0, False),
        ("bob@example.org", "queued", 0, False),
    ]


async def test_intake_never_makes_another_address_of_a_recipient(pool: Pool) -> None:
    await take_in(pool, queued(recipients=["a\x00b@x.org", "straße@x.org", "strasse@x.org"]))

    assert [row[0] for row in await states(pool)] == [
        "a\ufffdb@x.org",
        "strasse@x.org",
        "straße@x.org",
    ]


async def test_each_delivery_is_claimed_with_all_that_its_message_is_made_of(pool: Pool) -> None:
    mail = queued(
        recipients=["b@example.org", "a@example.org"],
        received_at=NOW,
        issue_key=None,
        reply_to="support@example.org",
        text="Water\x00!",
        in_reply_to="<m@x>",
        references=["<first@x>", "<m@x>"],
    )
    await take_in(pool, mail)

    first, second = await claim(pool)

    assert (first.recipient, second.recipient) == ("a@example.org", "b@example.org")
    assert [first.message_id, second.message_id] == message_ids(mail)[::-1]
    assert first.key == (mail.outgoing_id, "a@example.org")
    for one in (first, second):
        assert (one.received_at, one.queued_at, one.mailbox) == (NOW, NOW, "support")
        assert (one.from_name, one.envelope_from) == ("Help desk", "help@example.org")
        assert (one.reply_to, one.subject, one.text) == ("support@example.org", "Hello", "Water!")
        assert (one.in_reply_to, one.reference_ids) == ("<m@x>", ["<first@x>", "<m@x>"])
        assert (one.attempts, one.whole_message, one.message_blob) == (1, None, None)
    assert await claim(pool) == []


async def test_a_message_of_the_release_before_stays_whole(pool: Pool) -> None:
    small, blob = old_mail(queued_at=NOW), BlobReference(sha256="ab" * 32, size=9)
    both = ["a@example.org", "b@example.org"]
    large = old_mail(queued_at=NOW, message=None, message_blob=blob, recipients=both)
    await take_in(pool, small, large)

    first, second, third = await claim(pool)

    assert (first.text, first.whole_message) == (None, small.message)
    assert (first.message_id, first.recipient) == (small.message_id, "ann@example.org")
    assert [one.message_blob for one in (second, third)] == [blob.sha256] * 2
    assert [one.message_id for one in (second, third)] == [large.message_id] * 2


async def test_the_records_of_one_message_add_up(pool: Pool) -> None:
    whole = queued(recipients=["a@example.org", "b@example.org", "c@example.org"])
    first = replace(whole, deliveries=whole.deliveries[:1])
    rest = replace(whole, deliveries=whole.deliveries[1:])

    # In one batch, and the rest in another.
    assert await take_in(pool, first, replace(rest, deliveries=rest.deliveries[:1])) == 2
    assert await take_in(pool, rest) == 1
    assert await take_in(pool, first, rest) == 0

    assert [one.message_id for one in await claim(pool)] == message_ids(whole)


async def test_a_held_delivery_waits_and_no_other_waits_for_it(pool: Pool) -> None:
    held, later = queued(), queued()
    await take_in(pool, held, later)
    async with transaction(pool) as connection:
        await connection.execute(
            "UPDATE delivery SET state = 'held' WHERE outgoing_id = %s", [held.outgoing_id]
        )

    assert [one.outgoing_id for one in await claim(pool)] == [later.outgoing_id]
    async with transaction(pool) as connection:
        shown = await outgoing_views.deliveries(connection, state="held")
        backlog = await outgoing_views.backlog(connection)
    assert [row.outgoing_id for row in shown] == [held.outgoing_id]
    assert backlog.held == 1


async def test_limit_and_connection(pool: Pool) -> None:
    mails = [queued(issue_key=f"DEMO-{number}") for number in range(5)]
    await take_in(pool, *mails, queued(connection="other", issue_key=None))

    first = await claim(pool, 2)
    rest = await claim(pool, 10)
    other = await claim(pool, connection="other")

    assert [mail.outgoing_id for mail in first + rest] == [mail.outgoing_id for mail in mails]
    assert len(first) == 2
    assert len(other) == 1


async def test_connections_that_are_not_known_are_found(pool: Pool) -> None:
    await take_in(pool, queued(), queued(connection="gone", issue_key=None))

    async with transaction(pool) as connection:
        assert await connections_of_due(connection, NOW, but_for=["relay"]) == {"gone"}
        assert await connections_of_due(connection, NOW, but_for=["relay", "gone"]) == set()


async def test_order_per_issue_and_recipient(pool: Pool) -> None:
    first = queued()
    second = queued()
    other_recipient = queued(recipients=["bob@example.org"])
    other_issue = queued(issue_key="DEMO-2")
    no_issue = queued(issue_key=None)
    await take_in(pool, first, second, other_recipient, other_issue, no_issue)

    claimed = await claim(pool)

    assert {mail.outgoing_id for mail in claimed} == {
        first.outgoing_id,
        other_recipient.outgoing_id,
        other_issue.outgoing_id,
        no_issue.outgoing_id,
    }
    assert await claim(pool) == []
    await finish(pool, claimed, "sent")
    assert [mail.outgoing_id for mail in await claim(pool)] == [second.outgoing_id]


async def test_a_deferred_mail_is_not_waited_for_and_comes_back_when_due(pool: Pool) -> None:
    first, second = queued(), queued()
    await take_in(pool, first, second)
    later = NOW + timedelta(minutes=1)
    await finish(pool, await claim(pool), "deferred", due_at=later)

    overtaking = await claim(pool)
    await finish(pool, overtaking, "sent")

    assert [mail.outgoing_id for mail in overtaking] == [second.outgoing_id]
    assert await claim(pool) == []
    (again,) = await claim(pool, now=later)
    assert again.outgoing_id == first.outgoing_id
    assert again.attempts == 2
    assert not again.maybe_twice


async def begin(pool: Pool, *claimed: Claimed) -> set[tuple[str, str]]:
    async with transaction(pool) as connection:
        return await outgoing.begin(connection, [BegunAttempt(one) for one in claimed])


async def claim_interrupted(pool: Pool) -> list[Claimed]:
    async with transaction(pool) as connection:
        return await outgoing.claim_interrupted(connection, NOW, 60.0, 10)


async def test_an_expired_claim_is_taken_again_when_its_message_was_not_begun(pool: Pool) -> None:
    await take_in(pool, queued())
    (lost,) = await claim(pool)
    assert await claim(pool) == []

    await expire_claims(pool)
    assert await claim_interrupted(pool) == []
    (again,) = await claim(pool)

    assert again.outgoing_id == lost.outgoing_id
    assert again.claim != lost.claim
    assert not again.maybe_twice
    assert again.attempts == 2
    # The process that lost the claim must not complete the message any more.
    assert await begin(pool, lost, again) == {again.key}


async def test_an_expired_claim_of_a_begun_message_is_not_taken_to_be_sent(pool: Pool) -> None:
    await take_in(pool, queued(), queued(issue_key="DEMO-2"))
    first, _ = await claim(pool)
    assert await begin(pool, first) == {first.key}

    await expire_claims(pool)
    assert await begin(pool, first) == set()
    (other,) = await claim(pool)
    (interrupted,) = await claim_interrupted(pool)

    assert other.outgoing_id != first.outgoing_id
    assert interrupted.outgoing_id == first.outgoing_id
    # It is the same attempt, and its result may be recorded under the new claim only.
    assert interrupted.attempts == 1
    assert await finish(pool, [first], "sent") == []
    assert await claim_interrupted(pool) == []
    # A process that ends before it has recorded this leaves it to the next.
    await expire_claims(pool)
    (once_more,) = await claim_interrupted(pool)
    assert len(await finish(pool, [once_more], "unconfirmed", maybe_twice=True)) == 1


async def test_a_sender_of_the_release_before_never_tells_that_it_began(pool: Pool) -> None:
    await take_in(pool, queued())
    async with transaction(pool) as connection:
        await connection.execute(
            "UPDATE delivery SET state = 'sending', claim = gen_random_uuid(),"
            " claim_until = now() - interval '1 second', attempts = 1"
        )

    assert await claim(pool) == []
    assert len(await claim_interrupted(pool)) == 1


async def test_an_unconfirmed_delivery_waits_for_a_person(pool: Pool) -> None:
    first, second = queued(recipients=["a@example.org", "b@example.org"]), queued()
    await take_in(pool, first)
    await finish(pool, await claim(pool), "unconfirmed", maybe_twice=True)
    later = NOW + timedelta(days=30)
    assert await claim(pool, now=later) == []
    # Later messages of its issue do not wait for it.
    await take_in(pool, second)
    await finish(pool, await claim(pool), "sent")

    to = "a@example.org"
    async with transaction(pool) as connection:
        assert await unconfirmed.count(connection) == 2
        wanted = [(first.outgoing_id, to)]
        assert await by_hand.send(connection, wanted, ["unconfirmed"], "Sam", later) == wanted
        assert await by_hand.send(connection, wanted, ["unconfirmed"], "Sam", later) == []
        both = ["a@example.org", "b@example.org"]
        keys = [(first.outgoing_id, one) for one in both]
        settled = await unconfirmed.settle(connection, keys, "sent", "Sam", later)
        assert settled == [(first.outgoing_id, "b@example.org")]
        assert await unconfirmed.count(connection) == 0

    (again,) = await claim(pool, now=later)
    assert (again.recipient, again.unknown_attempts) == (to, 1)


async def test_results_under_a_lost_claim_change_nothing(pool: Pool) -> None:
    await take_in(pool, queued())
    lost = await claim(pool)
    await expire_claims(pool)
    current = await claim(pool)

    assert await finish(pool, lost, "failed") == []
    recorded = await finish(pool, current, "sent", maybe_twice=True)

    assert [item.claimed.outgoing_id for item in recorded] == [current[0].outgoing_id]
    assert await finish(pool, current, "sent", maybe_twice=True) == []
    assert await states(pool) == [("ann@example.org", "sent", 2, True)]


async def test_a_claim_that_expired_unnoticed_still_counts(pool: Pool) -> None:
    await take_in(pool, queued())
    claimed = await claim(pool)
    await expire_claims(pool)

    assert len(await finish(pool, claimed, "sent")) == 1
    assert await claim(pool) == []


async def test_two_senders_never_claim_the_same(pool: Pool) -> None:
    issues = 20
    mails = [queued(issue_key=f"DEMO-{number % issues}") for number in range(200)]
    await take_in(pool, *mails)
    sent: list[str] = []

    async def send_all() -> None:
        while batch := await claim(pool, 5):
            await asyncio.sleep(0)
            sent.extend(mail.outgoing_id for mail in batch)
            await finish(pool, batch, "sent")

    # A sender may find no due message while the other holds the next one of each issue.
    while len(sent) < len(mails):
        await asyncio.gather(send_all(), send_all())

    assert sorted(sent) == sorted(mail.outgoing_id for mail in mails)
    for issue in range(issues):
        wanted = [mail.outgoing_id for mail in mails[issue::issues]]
        assert [outgoing_id for outgoing_id in sent if outgoing_id in wanted] == wanted


async def new_issue(pool: Pool, key: str) -> int:
    new = NewIssue(
        tracker="builtin",
        issue_key=key,
        project="DEMO",
        conversation=str(uuid.uuid4()),
        summary="Hello",
        first_message_id=None,
    )
    async with transaction(pool) as connection:
        (issue_id,) = await issues.add(connection, [new], NOW)
    return issue_id


async def test_a_record_of_release_0_1_0_finds_its_issue_by_the_key(pool: Pool) -> None:
    demo = await new_issue(pool, "DEMO-1")
    old = [old_mail(queued_at=NOW, issue_key="DEMO-1") for _ in range(2)]
    unknown = old_mail(issue_key="GONE-1")
    await take_in(pool, *old, queued(issue_id=demo), unknown, queued(issue_key=None))
    async with transaction(pool) as connection:
        in_mails = await rows(connection, "SELECT issue_id FROM outgoing_mail ORDER BY sequence")
        in_queue = await rows(connection, "SELECT issue_id FROM delivery ORDER BY sequence")
    assert in_mails == in_queue == [(demo,), (demo,), (demo,), (None,), (None,)]
    # They keep the order of their issue together.
    assert len([mail for mail in await claim(pool) if mail.issue_key == "DEMO-1"]) == 1


async def test_a_message_of_an_issue_is_found_by_its_message_id(pool: Pool) -> None:
    await take_in(
        pool,
        queued(issue_id=1),
        second := queued(issue_id=2, recipients=["a@example.org", "b@example.org"]),
        third := queued(issue_id=3),
    )
    asked = [message_ids(second)[1], *message_ids(third), "<d@x>"]
    async with transaction(pool) as connection:
        found = await answered_issues(connection, [1, 2], asked)
    assert found == [(message_ids(second)[1], 2)]


async def test_what_the_commands_show(pool: Pool) -> None:
    first = queued(recipients=["a@example.org", "b@example.org"])
    second = await new_issue(pool, "DEMO-2")
    others = [queued(issue_key="DEMO-2", issue_id=second) for _ in range(2)]
    await take_in(pool, first, *others)
    await finish(pool, [mail for mail in await claim(pool) if mail.issue_key == "DEMO-1"], "failed")

    async with transaction(pool) as connection:
        backlog = await outgoing_views.backlog(connection)
        failed = await outgoing_views.deliveries(connection, state="failed")
        of_issue = await outgoing_views.deliveries(connection, issue_key="DEMO-2", limit=1)
        shown = await outgoing_views.deliveries_of(connection, first.outgoing_id[:8])
        stored = await content_of(connection, first.outgoing_id, "b@example.org")
        other = await content_of(connection, first.outgoing_id, "c@example.org")

    assert (backlog.queued, backlog.sending, backlog.deferred, backlog.failed) == (1, 1, 0, 2)
    assert backlog.unconfirmed == 0
    assert backlog.oldest_queued_at == NOW
    assert [row.recipient for row in failed] == ["a@example.org", "b@example.org"]
    assert len(of_issue) == 1
    assert [row.reply for row in shown] == ["250 OK", "250 OK"]
    assert [row.message_id for row in shown] == message_ids(first)
    assert stored is not None
    assert (stored.message_id, stored.text) == (message_ids(first)[1], first.text)
    assert other is None


async def test_the_empty_backlog(pool: Pool) -> None:
    async with transaction(pool) as connection:
        backlog = await outgoing_views.backlog(connection)

    assert (backlog.queued, backlog.oldest_queued_at) == (0, None)


async def test_the_blobs_that_messages_name_are_found_among_others(pool: Pool) -> None:
    large = BlobReference(sha256="ab" * 32, size=1)
    await take_in(pool, queued(), old_mail(message=None, message_blob=large))

    async with transaction(pool) as connection:
        assert await named_blobs(connection, [large.sha256, "cd" * 32]) == {large.sha256}
        assert await named_blobs(connection, []) == set()
