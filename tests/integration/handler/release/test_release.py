"""Quarantined, ignored and failed messages are handled again as if they had just arrived."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from postrail.configuration.load import load_snapshot
from postrail.configuration.models.mail_handler import MailHandler
from postrail.database import transaction
from postrail.decision import trace as traces
from postrail.decision.decide import decide
from postrail.decision.release import Release
from postrail.errors import PermanentError
from postrail.incoming import refetching
from postrail.operate.retry import HandlerNotFound
from postrail.records import MailParsed
from postrail.views.incoming import incoming_mail
from postrail.views.issue_detail import issue_detail
from tests.integration.handler.bench import Bench
from tests.integration.handler.release.publishing import (
    begun,
    by_id,
    due,
    ordered,
    published,
    settled,
)
from tests.makers.records import mail_parsed

QUARANTINE = {"name": "rest", "then": [{"quarantine": "nobody asked for it"}]}


async def rule(bench: Bench, **values: Any) -> None:
    """Adds a rule, and after it a mail handler that takes what the rule does not."""
    await bench.save(
        MailHandler.model_validate({"name": "rule", "order": 1} | values), MailHandler(name="desk")
    )


async def held(bench: Bench, **changes: Any) -> MailParsed:
    """Handles a message that the rule does not let in."""
    mail = mail_parsed(**changes)
    await bench.handle(mail)
    return mail


async def result(bench: Bench, mail: MailParsed) -> tuple[Any, ...]:
    (found,) = await bench.rows(
        "SELECT state, outcome, issue_key, revision FROM incoming_mail"
        f" WHERE mail_id = '{mail.mail_id}'"
    )
    return tuple(found)


async def test_a_released_message_makes_its_issue(bench: Bench) -> None:
    await rule(bench, **QUARANTINE)
    mail = await held(bench)
    assert await result(bench, mail) == ("quarantined", "quarantined", None, 1)
    ((before,),) = await bench.rows("SELECT arrival FROM incoming_mail")
    await ordered(bench, mail.mail_id)
    await published(bench, by_id(mail))
    await bench.work()
    assert await result(bench, mail) == ("done", "issue", "HELP-1", 2)
    ((after,),) = await bench.rows("SELECT arrival FROM incoming_mail")
    assert after > before
    assert await bench.rows("SELECT 1 FROM refetch") == []


async def test_the_order_is_in_the_row_and_in_the_facts(bench: Bench) -> None:
    await rule(bench, **QUARANTINE)
    mail = await held(bench)
    await ordered(bench, mail.mail_id)
    await published(bench, by_id(mail))
    await bench.work()
    async with transaction(bench.pool) as connection:
        found = await incoming_mail(connection, mail.mail_id)
    assert found.release == {
        "by": "ann",
        "at": bench.clock.now().isoformat(),
        "as_handler": "",
        "skips": ["action of rest"],
    }
    assert found.trace is not None
    trace = traces.from_json(found.trace)
    assert trace is not None
    assert trace.facts.release == Release(skips=("action of rest",))


@pytest.mark.logs_errors("a mail failed")
async def test_a_retry_asks_everything_again(bench: Bench) -> None:
    await rule(bench, **QUARANTINE)
    mail = await held(bench)
    await ordered(bench, mail.mail_id, releases=False)
    await published(bench, by_id(mail))
    await bench.work()
    assert await result(bench, mail) == ("quarantined", "quarantined", None, 2)
    assert await bench.rows("SELECT release FROM incoming_mail") == [(None,)]
    # What is released later fails, and a retry of that is still released.
    bench.tracker.faults = {mail.subject: PermanentError("poison")}
    await ordered(bench, mail.mail_id)
    await published(bench, by_id(mail))
    await bench.work()
    assert (await result(bench, mail))[:2] == ("failed", "failed")
    bench.tracker.faults = {}
    await ordered(bench, mail.mail_id, releases=False)
    await published(bench, by_id(mail))
    await bench.work()
    assert await result(bench, mail) == ("done", "issue", "HELP-1", 4)


async def test_each_release_passes_over_one_more_thing(bench: Bench) -> None:
    await rule(bench, ignore_subjects=["fire"], unknown_senders="quarantine")
    mail = await held(bench)
    for state, held_by in [("done", "ignore_subjects"), ("quarantined", "unknown_senders")]:
        assert await bench.rows("SELECT state, trace ->> 'held_by' FROM incoming_mail") == [
            (state, held_by)
        ]
        await ordered(bench, mail.mail_id)
        await published(bench, by_id(mail))
        await bench.work()
    assert (await result(bench, mail))[1:] == ("issue", "HELP-1", 3)
    ((skips,),) = await bench.rows("SELECT release -> 'skips' FROM incoming_mail")
    assert skips == ["ignore_subjects", "unknown_senders"]


async def test_another_handler_takes_it(bench: Bench) -> None:
    await rule(bench, **QUARANTINE)
    await bench.save(
        MailHandler.model_validate(
            {
                "name": "offers",
                "accounts": ["sales"],
                "project": "SALE",
                "when": {"size over": 10**9},
            }
        )
    )
    mail = await held(bench)
    for releases in (True, False):
        with pytest.raises(HandlerNotFound, match="Enabled are: rest, desk, offers"):
            await ordered(bench, mail.mail_id, as_handler="gone", releases=releases)
    assert await bench.rows("SELECT 1 FROM refetch") == []
    await ordered(bench, mail.mail_id, as_handler="offers", releases=False)
    assert await bench.rows("SELECT reason, requested_by FROM refetch") == [
        ("retry as handler offers", "ann")
    ]
    await published(bench, by_id(mail))
    await bench.work()
    assert await result(bench, mail) == ("done", "issue", "SALE-1", 2)


async def test_submissions_that_were_off_are_released_when_they_are_on(bench: Bench) -> None:
    await bench.save(MailHandler(name="desk", enabled=False))
    mail = await held(bench)
    ((outcome, reason),) = await bench.rows("SELECT outcome, reason FROM incoming_mail")
    assert outcome == "ignored"
    assert "submissions are off" in reason
    await bench.save(MailHandler(name="desk"))
    await ordered(bench, mail.mail_id)
    await published(bench, by_id(mail))
    await bench.work()
    assert (await result(bench, mail))[1:3] == ("issue", "HELP-1")


async def test_facts_are_fresh(bench: Bench) -> None:
    await rule(bench, **QUARANTINE, when={"subject contains": "late"})
    first = mail_parsed(message_id="<1@x>")
    answer = mail_parsed(subject="late", references=["<1@x>"])
    await bench.handle(answer)
    await bench.handle(first)
    assert await result(bench, first) == ("done", "issue", "HELP-1", 1)
    await ordered(bench, answer.mail_id)
    await published(bench, by_id(answer))
    await bench.work()
    assert await result(bench, answer) == ("done", "comment", "HELP-1", 2)


@pytest.mark.logs_errors("a mail failed")
async def test_a_late_comment_has_its_own_time(bench: Bench) -> None:
    await rule(bench, **QUARANTINE, when={"subject contains": "late"})
    mails = [mail_parsed(message_id="<1@x>")]
    mails += [mail_parsed(references=["<1@x>"], subject=one) for one in ("late", "in time")]
    start = bench.clock.now()
    for mail in mails:
        await bench.handle(mail)
        bench.clock.move(60)
    # It fails on the way, which changes nothing of its time.
    bench.tracker.comment_faults = {mails[1].mail_id: PermanentError("poison")}
    await ordered(bench, mails[1].mail_id)
    await published(bench, by_id(*mails))
    await bench.work()
    assert (await result(bench, mails[1]))[:2] == ("failed", "failed")
    bench.clock.move(3600)
    bench.tracker.comment_faults = {}
    await ordered(bench, mails[1].mail_id, releases=False)
    await published(bench, by_id(*mails))
    await bench.work()
    found = await bench.rows(
        "SELECT mail_id::text, created_at, added_late_at FROM comment ORDER BY comment_id"
    )
    assert [tuple(row) for row in found] == [
        (mails[2].mail_id, start + timedelta(seconds=120), None),
        (mails[1].mail_id, start + timedelta(seconds=60), bench.clock.now()),
    ]


@pytest.mark.parametrize("outcome", ["issue", "comment", "duplicate", "forwarded", "bounced"])
async def test_what_had_its_effect_is_not_released(bench: Bench, outcome: str) -> None:
    mail = await held(bench)
    await bench.rows(f"UPDATE incoming_mail SET outcome = '{outcome}' RETURNING 1")
    for releases in (True, False):
        with pytest.raises(PermanentError, match=f"its state is done, its outcome {outcome}"):
            await ordered(bench, mail.mail_id, releases=releases)
    assert await bench.rows("SELECT 1 FROM refetch") == []
    # As it was decided.
    await bench.rows("UPDATE incoming_mail SET outcome = 'issue' RETURNING 1")


async def test_several_are_released_or_none(bench: Bench) -> None:
    await rule(bench, **QUARANTINE, when={"subject contains": "late"})
    late, handled = await held(bench, subject="late"), await held(bench)
    with pytest.raises(PermanentError):
        await ordered(bench, late.mail_id, handled.mail_id)
    assert await bench.rows("SELECT 1 FROM refetch") == []
    assert await bench.rows("SELECT 1 FROM incoming_mail WHERE release IS NOT NULL") == []
    # Once, though it is named twice.
    assert len(await ordered(bench, late.mail_id, late.mail_id)) == 1


async def test_a_message_that_is_released_twice_at_once_has_one_effect(bench: Bench) -> None:
    await rule(bench, **QUARANTINE)
    mail = await held(bench)
    asked = await asyncio.gather(*(ordered(bench, mail.mail_id) for _ in range(8)))
    assert sorted(one.already for (one,) in asked) == [False] + [True] * 7
    # Two fetchers serve it, during a rebalance.
    requests = await due(bench)
    for ids in await asyncio.gather(*(begun(bench, requests) for _ in range(2))):
        assert ids == {mail.mail_id}
    other, _ = bench.another()
    await bench.take_in(mail, mail)
    await bench.take_in(mail)
    await asyncio.gather(bench.handler.work_batch(), other.work_batch())
    await bench.work()
    await settled(bench, requests)
    assert await result(bench, mail) == ("done", "issue", "HELP-1", 2)
    assert await bench.rows("SELECT count(*) FROM issue") == [(1,)]
    assert await bench.rows("SELECT count(*) FROM outgoing_mail") == [(1,)]


@pytest.mark.parametrize("killed_after", ["the order", "begin", "publishing", "the effects"])
async def test_a_kill_between_the_steps_loses_and_doubles_nothing(
    bench: Bench, killed_after: str
) -> None:
    await rule(bench, **QUARANTINE)
    mail = await held(bench)
    await ordered(bench, mail.mail_id)
    requests = await due(bench)
    if killed_after != "the order":
        assert await begun(bench, requests) == {mail.mail_id}
    if killed_after in ("publishing", "the effects"):
        await bench.take_in(mail)
    if killed_after == "the effects":
        await bench.work()
    # The successor finds the request, unless it is fulfilled.
    await published(bench, by_id(mail))
    await bench.work()
    assert await result(bench, mail) == ("done", "issue", "HELP-1", 2)
    assert await bench.rows("SELECT count(*) FROM issue") == [(1,)]
    assert await bench.rows("SELECT 1 FROM refetch") == []


async def test_what_is_left_of_a_message_is_released_when_its_bytes_are_gone(bench: Bench) -> None:
    await rule(bench, **QUARANTINE)
    mail = await held(bench)
    ((before,),) = await bench.rows("SELECT arrival FROM incoming_mail")
    await ordered(bench, mail.mail_id)
    (request,) = await due(bench)
    async with transaction(bench.pool) as connection:
        assert await refetching.handle_parsed(connection, request, bench.clock.now())
    await bench.work()
    assert await result(bench, mail) == ("done", "issue", "HELP-1", 2)
    ((after,),) = await bench.rows("SELECT arrival FROM incoming_mail")
    assert after > before


async def test_what_a_message_made_by_release_is_traced_and_decided_again_alike(
    bench: Bench,
) -> None:
    await rule(bench, **QUARANTINE)
    mail = await held(bench)
    await ordered(bench, mail.mail_id)
    await published(bench, by_id(mail))
    await bench.work()
    async with transaction(bench.pool) as connection:
        found = await incoming_mail(connection, mail.mail_id)
        snapshot = await load_snapshot(connection)
    trace = traces.from_json(found.trace or {})
    assert trace is not None
    again = decide(mail, snapshot, trace.facts)
    assert (again.outcome, again.reason) == (found.outcome, found.reason)
    # The effects are known once they are made.
    assert again.trace == replace(trace, effects=())


async def test_an_issue_that_came_late_says_when_its_message_arrived(bench: Bench) -> None:
    await rule(bench, **QUARANTINE)
    mail, arrived = await held(bench), bench.clock.now()
    bench.clock.move(3600)
    await ordered(bench, mail.mail_id)
    await published(bench, by_id(mail))
    await bench.work()
    async with transaction(bench.pool) as connection:
        found = (await issue_detail(connection, "HELP-1")).issue
    assert (found.arrived, found.created) == (arrived, arrived + timedelta(hours=1))


async def test_a_server_that_refuses_a_released_message_keeps_its_first_time(bench: Bench) -> None:
    await rule(bench, **QUARANTINE)
    mail = await held(bench)
    ((first,),) = await bench.rows("SELECT handled_at FROM incoming_mail")
    await ordered(bench, mail.mail_id)
    bench.clock.move(3600)
    requests = await due(bench)
    await begun(bench, requests)
    async with transaction(bench.pool) as connection:
        now = bench.clock.now()
        await refetching.postpone(connection, requests[0], "not now", until=now, now=now)
    await published(bench, by_id(mail))
    await bench.work()
    assert await result(bench, mail) == ("done", "issue", "HELP-1", 2)
    assert await bench.rows("SELECT first_handled_at FROM incoming_mail") == [(first,)]
