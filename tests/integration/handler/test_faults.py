"""A message that fails, and a system that is unavailable, hold back as little as possible."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.database import transaction
from postrail.errors import TransientError
from postrail.incoming import refetch, refetching
from postrail.records import MailHandled, MailParsed
from postrail.stream import avro
from postrail.tracker import TrackerUnavailable
from tests.integration.handler.bench import Bench
from tests.makers.records import mail_parsed


async def test_a_message_that_could_not_be_parsed_fails_and_keeps_its_bytes(bench: Bench) -> None:
    await bench.handle(mail_parsed(error="too deep", raw=b"bytes"), mail_parsed())
    assert [state for state, _, _ in await bench.outcomes()] == ["failed", "done"]
    ((parsed,),) = await bench.rows("SELECT parsed FROM incoming_mail WHERE state = 'failed'")
    kept = avro.decode(bytes(parsed))
    assert isinstance(kept, MailParsed)
    assert kept.raw == b"bytes"


@pytest.mark.logs_errors("a mail failed")
async def test_a_message_that_fails_by_an_error_forgets_its_deaths(bench: Bench) -> None:
    mails = [mail_parsed(subject="poison"), mail_parsed(subject="another")]
    bench.tracker.faults["poison"] = ValueError("cannot be")
    async with transaction(bench.pool) as connection:
        for mail in mails:
            await connection.execute(
                "INSERT INTO death (service, work_id, holder, alone, died_at)"
                " VALUES ('handler', %s, gen_random_uuid(), true, now())",
                [mail.mail_id],
            )
    await bench.take_in(mails[0])
    await bench.work()
    assert await bench.outcomes() == [("failed", "failed", None)]
    # Those of a message without an outcome stay.
    assert await bench.rows("SELECT work_id::text FROM death") == [(mails[1].mail_id,)]


@pytest.mark.logs_errors("a mail failed")
async def test_one_poisonous_message_fails_and_the_others_are_handled(
    bench: Bench,
) -> None:
    bench.tracker.faults["poison"] = ValueError("cannot be")
    mails = [mail_parsed(subject="poison" if n == 3 else f"good {n}") for n in range(8)]
    await bench.handle(*mails)
    states = [state for state, _, _ in await bench.outcomes()]
    assert states == ["done"] * 3 + ["failed"] + ["done"] * 4
    assert await bench.rows("SELECT reason FROM incoming_mail WHERE state = 'failed'") == [
        ("ValueError: cannot be",)
    ]


async def test_an_unavailable_tracker_delays_only_the_conversations_that_need_it(
    bench: Bench,
) -> None:
    bench.tracker.faults["slow"] = TrackerUnavailable("away")
    slow = mail_parsed(subject="slow")
    after = mail_parsed(subject="after", in_reply_to=[str(slow.message_id)])
    await bench.handle(slow, after, mail_parsed(subject="other"))
    found = await bench.rows("SELECT subject, state, attempts FROM incoming_mail ORDER BY arrival")
    assert found == [("slow", "waiting", 1), ("after", "new", 0), ("other", "done", 0)]
    bench.tracker.faults.clear()
    await bench.work()
    assert (await bench.outcomes())[1][0] == "new"
    bench.clock.move(3600)
    await bench.work()
    assert [o for _, o, _ in await bench.outcomes()] == ["issue", "comment", "issue"]


async def test_a_fault_after_the_commit_fails_no_message(bench: Bench) -> None:
    async def broken(entries: object) -> list[Any]:
        raise RuntimeError("the producer is broken")

    await bench.take_in(mail_parsed())
    bench.producer.send = broken  # type: ignore[method-assign]
    with pytest.raises(TransientError):
        await bench.handler.work_batch()
    assert await bench.outcomes() == [("done", "issue", "HELP-1")]


@pytest.mark.logs_errors("a mail failed")
async def test_a_failed_message_can_be_retried_and_that_is_its_next_revision(
    bench: Bench,
) -> None:
    bench.tracker.faults["poison"] = ValueError("cannot be")
    mail = mail_parsed(subject="poison")
    await bench.handle(mail)
    bench.tracker.faults.clear()
    now = bench.clock.now()
    async with transaction(bench.pool) as connection:
        await refetch.request(
            connection, [mail.mail_id], requested_by="ann", reason="retry", now=now
        )
        requests = await refetching.due(
            connection, [mail.mailbox], now, only_in_mailbox=False, limit=9, max_bytes=9
        )
        assert await refetching.begin(connection, requests, now) == {mail.mail_id}
    # The record that the fetcher publishes then, as the parser makes it anew.
    await bench.handle(mail)
    assert await bench.outcomes() == [("done", "issue", "HELP-1")]
    assert [handled.revision for handled in bench.sent(MailHandled)] == [1, 2]
