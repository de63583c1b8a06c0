"""Several handlers at once: order, one issue for one conversation, no deadlock."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.database import transaction
from postrail.incoming import queue as incoming
from postrail.operate.issues.act import Actor
from postrail.operate.issues.comment import comment
from services.handler.step import Handler
from tests.integration.handler.bench import Bench
from tests.makers.records import mail_parsed, received


async def test_comments_are_in_the_order_of_arrival_whichever_replica_works(bench: Bench) -> None:
    first = mail_parsed()
    await bench.handle(first)
    answers = [mail_parsed(in_reply_to=[str(first.message_id)], text=f"{n:02}") for n in range(20)]
    await bench.take_in(*answers)
    handlers = [bench.another()[0] for _ in range(4)]

    async def work(handler: Handler) -> None:
        while await bench.rows("SELECT 1 FROM incoming_mail WHERE state = 'new'"):
            await handler.work_batch()

    async with asyncio.timeout(60):
        await asyncio.gather(*(work(handler) for handler in handlers))
    bodies = [row[0] for row in await bench.rows("SELECT body FROM comment ORDER BY comment_id")]
    assert bodies == [f"{n:02}" for n in range(20)]


async def test_a_message_that_another_handler_has_finished_stays_as_it_is(bench: Bench) -> None:
    mail = mail_parsed()
    await bench.take_in(mail)
    async with transaction(bench.pool) as connection:
        (row,) = await incoming.take_due(connection, bench.clock.now(), 1, 1)
    await bench.work()
    later = bench.clock.now() + timedelta(seconds=60)
    failed = incoming.FinishedMail(
        mail_id=mail.mail_id,
        state="failed",
        outcome="failed",
        reason="too late",
        issue_id=None,
        issue_key=None,
        comment_id=None,
        trace={},
    )
    async with transaction(bench.pool) as connection:
        await incoming.postpone(connection, row.decoded(), "too late", later)
        assert await incoming.finish(connection, [failed], later) == frozenset()
    bench.clock.move(3600)
    await bench.work()
    assert await bench.outcomes() == [("done", "issue", "HELP-1")]
    assert await bench.rows("SELECT count(*) FROM issue") == [(1,)]


async def test_a_failure_that_another_handler_has_overtaken_has_no_effect(bench: Bench) -> None:
    await bench.save(MailHandler(name="desk", forward_address="boss@example.net"))
    bench.tracker.faults["poison"] = ValueError("cannot be")
    await bench.take_in(mail_parsed(subject="poison"))
    with pytest.raises(ValueError, match="cannot be") as failed:
        await bench.handler._batch.work(1)
    bench.tracker.faults.clear()
    other, _ = bench.another()
    assert await other.work_batch() == 1
    await bench.handler._batch.fail(failed.value)
    assert await bench.outcomes() == [("done", "issue", "HELP-1")]
    assert await bench.rows("SELECT 1 FROM outgoing_mail WHERE purpose = 'forward'") == []


async def test_people_and_handlers_comment_on_one_issue_at_once(bench: Bench) -> None:
    first = mail_parsed()
    await bench.handle(first)
    agent = Actor(address="agent@example.com", name="Agent")
    handlers = [bench.handler, bench.another()[0]]
    async with asyncio.timeout(60):
        for _ in range(10):
            await bench.take_in(
                mail_parsed(in_reply_to=[str(first.message_id)]),
                mail_parsed(in_reply_to=[str(first.message_id)]),
            )
            await asyncio.gather(
                *(handler.work_batch() for handler in handlers),
                *(comment(bench.desk, agent, "HELP-1", "x") for _ in range(2)),
            )
        await bench.work()
    assert await bench.rows("SELECT mail_id IS NULL, count(*) FROM comment GROUP BY 1") == [
        (False, 20),
        (True, 20),
    ]
    assert await bench.rows("SELECT 1 FROM incoming_mail WHERE attempts > 1") == []


async def test_two_handlers_at_once_make_one_issue_for_one_conversation(bench: Bench) -> None:
    """Takes the two messages in by different partitions at the same moment, 15 times."""
    other, other_offsets = bench.another()
    other_offsets.expect({1: None})
    for round_number in range(15):
        first = mail_parsed()
        second = mail_parsed(in_reply_to=[str(first.message_id)])
        await asyncio.gather(
            bench.take_in(first),
            other.take_in([received(second, round_number, partition=1)]),
        )
        await asyncio.gather(bench.handler.work_batch(), other.work_batch())
    await bench.work()
    assert await bench.rows("SELECT count(*) FROM issue") == [(15,)]
    assert await bench.rows("SELECT count(*) FROM comment") == [(15,)]
