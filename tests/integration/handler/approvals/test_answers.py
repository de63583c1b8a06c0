"""Answers by mail in PostgreSQL: what they decide, what is listed, and that it happens once."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from postrail.approvals import store
from postrail.approvals.request import (
    AssignmentState,
    Choice,
    ClosedBecause,
    NewAssignment,
    Rule,
)
from postrail.database import transaction
from postrail.message_parts import Address
from postrail.records import ApprovalDecided, MailHandled, OutgoingQueued
from services.handler.step import Handler
from tests.integration.handler.approvals.scene import (
    answer,
    answered,
    ask,
    configure,
    events,
    kinds,
    part_of,
    parts_of,
    state_of,
)
from tests.integration.handler.bench import Bench
from tests.makers.approvals.requests import ANA, BEN, CHO
from tests.makers.records import NOON


@pytest.fixture
async def desk(bench: Bench) -> Bench:
    await configure(bench)
    return bench


async def test_an_answer_decides_and_all_of_it_is_kept(desk: Bench) -> None:
    request = await ask(desk, ANA, BEN)
    await desk.handle(await answer(desk, request, ANA, "Approve.\n\nGo ahead."))
    assert await state_of(desk, request) == ("decided", "approve")
    ana, ben = await parts_of(desk, request)
    assert (ana.choice, ana.comment) == ("approve", "Go ahead.")
    assert (ben.state, ben.closed_because) == (AssignmentState.CLOSED, ClosedBecause.DECIDED)
    _, given, decided = await events(desk, request)
    assert [str(given.kind), str(decided.kind)] == ["answered", "decided"]
    assert given.actor == decided.actor == ANA
    assert given.mail_id == ana.mail_id == decided.mail_id
    assert given.verdict.startswith("pass: ")
    [record] = desk.sent(ApprovalDecided)
    assert (record.request_id, record.choice, record.event.hash) == (
        request.request_id,
        "approve",
        decided.hash,
    )
    [handled] = desk.sent(MailHandled)
    [effect] = handled.effects
    assert (effect.kind, effect.request_id, effect.event) == (
        "answer_request",
        request.request_id,
        "approve",
    )
    [told] = [one for one in desk.sent(OutgoingQueued) if one.event == "approval_result"]
    assert [one.recipient for one in told.deliveries] == ["requester@example.org"]


async def test_a_request_ends_when_no_choice_can_have_enough_answers(desk: Bench) -> None:
    choices = [Choice(name=name, label=name.capitalize()) for name in ("east", "west")]
    request = await ask(desk, ANA, BEN, rule=Rule.COUNT, needed=2, choices=choices)
    await desk.handle(await answer(desk, request, ANA, "east"))
    assert await state_of(desk, request) == ("open", "")
    await desk.handle(await answer(desk, request, BEN, "west"))
    assert await state_of(desk, request) == ("expired", "")
    [*_, ended] = await events(desk, request)
    assert (str(ended.kind), ended.choice) == ("expired", "")
    assert "no choice has enough answers" in ended.reason
    [record] = desk.sent(ApprovalDecided)
    assert (record.state, record.choice) == ("expired", "")


async def test_the_same_message_again_decides_nothing_more(desk: Bench) -> None:
    request = await ask(desk, ANA, BEN, rule=Rule.ALL)
    mail = await answer(desk, request, ANA, "approve")
    await desk.handle(mail)
    # Its decision is made once more, as after a crash of PostgreSQL that has lost the outcome.
    await desk.rows("UPDATE incoming_mail SET state = 'new', outcome = NULL RETURNING 1")
    await desk.work()
    assert await desk.outcomes() == [("done", "approval", None)]
    # The mailbox lists it under another UIDVALIDITY, and somebody replays it.
    await desk.handle(replace(mail, mail_id="9f7e1c53-8b0a-4f4e-9c06-7a1d0a3a9d51"))
    assert (await desk.outcomes())[-1] == ("done", "ignored", None)
    assert await kinds(desk, request) == ["requested", "answered", "refused"]
    [*_, listed] = await events(desk, request)
    assert json.loads(listed.details)["why"] == "repeated"
    assert await state_of(desk, request) == ("open", "")


async def test_two_answers_in_the_same_second_decide_once(desk: Bench) -> None:
    for _ in range(5):
        request = await ask(desk, ANA, BEN)
        await desk.take_in(
            await answer(desk, request, ANA, "approve"), await answer(desk, request, BEN, "reject")
        )
        handlers = [desk.another()[0] for _ in range(2)]

        async def work(handler: Handler) -> None:
            while await desk.rows("SELECT 1 FROM incoming_mail WHERE state = 'new'"):
                await handler.work_batch()

        async with asyncio.timeout(60):
            await asyncio.gather(*map(work, handlers))
        given = await answered(desk, request)
        assert len(given) == 1
        assert await state_of(desk, request) == ("decided", given[0][1])
        assert await kinds(desk, request) == ["requested", "answered", "decided", "refused"]
    assert len(desk.sent(ApprovalDecided)) == 5


async def test_both_answers_of_one_batch_are_handled(desk: Bench) -> None:
    request = await ask(desk, ANA, BEN, rule=Rule.ALL)
    await desk.handle(
        await answer(desk, request, ANA, "approve"), await answer(desk, request, BEN, "approve")
    )
    assert await state_of(desk, request) == ("decided", "approve")
    assert await kinds(desk, request) == ["requested", "answered", "answered", "decided"]


async def test_a_person_is_told_once_why_an_answer_does_not_count(desk: Bench) -> None:
    request = await ask(desk, ANA)
    await desk.handle(await answer(desk, request, ANA, "Who wants that?"))
    await desk.handle(await answer(desk, request, ANA, "I do not know."))
    help_mails = [one for one in desk.sent(OutgoingQueued) if one.event == "approval_help"]
    assert [one.deliveries[0].recipient for one in help_mails] == [ANA]
    assert [one.answered for one in await events(desk, request)] == [False, True, False]
    assert help_mails[0].outgoing_id in desk.sent(MailHandled)[0].outgoing_ids
    assert help_mails[0].automatic
    await desk.handle(await answer(desk, request, ANA, "approve"))
    assert await state_of(desk, request) == ("decided", "approve")


async def test_a_stranger_is_told_nothing_of_the_request(desk: Bench) -> None:
    request = await ask(desk, ANA, subject="Dismiss Bob")
    stranger = Address(name="", address="mallory@example.org")
    await desk.handle(await answer(desk, request, ANA, "approve", sender=stranger))
    [told] = [one for one in desk.sent(OutgoingQueued) if one.event == "approval_help"]
    part = await part_of(desk, request, ANA)
    assert "Dismiss" not in f"{told.subject}{told.text}{told.html}"
    assert f"{part.assignment_id}a-" not in f"{told.text}{told.html}{told.reply_to}"
    assert [one.recipient for one in told.deliveries] == ["mallory@example.org"]


async def test_another_address_of_the_person_counts_and_an_inactive_person_does_not(
    desk: Bench,
) -> None:
    request = await ask(desk, CHO, ANA)
    await desk.handle(await answer(desk, request, CHO, "approve"))
    assert await state_of(desk, request) == ("open", "")
    home = Address(name="", address="Ana@Home.Example")
    await desk.handle(await answer(desk, request, ANA, "approve", sender=home))
    assert await state_of(desk, request) == ("decided", "approve")


async def test_a_token_is_found_in_the_text_and_the_references(desk: Bench) -> None:
    request = await ask(desk, ANA, BEN, rule=Rule.ALL)
    plain = [Address(name="", address="answers@example.com")]
    for approver, place in ((ANA, "text"), (BEN, "references")):
        mail = await answer(desk, request, approver, "approve")
        token = mail.to[0].address.partition("+")[2].partition("@")[0]
        zeros = f"{'0' * 8}-0000-0000-0000-{'0' * 12}.{'0' * 16}"
        moved = (
            replace(mail, to=plain, text=f"approve\n\n[{token}]")
            if place == "text"
            else replace(mail, to=plain, references=[f"postrail.{zeros}.{token}@example.com"])
        )
        await desk.handle(moved)
    assert await answered(desk, request) == [(ANA, "approve"), (BEN, "approve")]


async def test_the_token_of_another_approver_gives_no_right(desk: Bench) -> None:
    request = await ask(desk, ANA, BEN)
    stolen = await answer(desk, request, ANA, "approve", sender=Address(name="", address=BEN))
    await desk.handle(stolen)
    assert await answered(desk, request) == []
    [*_, listed] = await events(desk, request)
    assert json.loads(listed.details)["why"] == "stranger"


async def test_a_forged_token_is_listed_and_locks_nothing(desk: Bench) -> None:
    request = await ask(desk, ANA)
    mail = await answer(desk, request, ANA, "approve")
    genuine, _, domain = mail.to[0].address.partition("@")
    forged = f"{genuine[:-1]}{'b' if genuine[-1] == 'a' else 'a'}@{domain}"
    async with transaction(desk.pool) as connection:
        await store.lock(connection, [request.request_id])
        async with asyncio.timeout(30):
            await desk.handle(replace(mail, to=[Address(name="", address=forged)]))
    assert await kinds(desk, request) == ["requested", "refused"]
    assert await state_of(desk, request) == ("open", "")


async def test_who_answers_for_another_closes_the_place(desk: Bench) -> None:
    request = await ask(desk, ANA, rule=Rule.ALL)
    async with transaction(desk.pool) as connection:
        [ben] = await store.add_assignments(
            connection, request.request_id, [NewAssignment(place=1, address=BEN)]
        )
        await store.asked(connection, ben.assignment_id, "<ben@x>", NOON)
    await desk.handle(await answer(desk, request, BEN, "approve"))
    assert await state_of(desk, request) == ("decided", "approve")
    assert (await part_of(desk, request, ANA)).closed_because == ClosedBecause.ANSWERED_FOR


async def test_the_callback_is_queued_once(desk: Bench) -> None:
    request = await ask(desk, ANA, BEN, callback_url="sealed")
    await desk.handle(await answer(desk, request, ANA, "reject\nNot on a Friday."))
    await desk.handle(await answer(desk, request, BEN, "approve"))
    [(about, url, body)] = await desk.rows("SELECT about, url, body FROM webhook_post")
    assert (about, url) == (request.key, "sealed")
    content = json.loads(body)
    assert content["event"] == "approval.decided"
    assert (content["choice"], content["meaning"], content["comment"]) == (
        "reject",
        "reject",
        "Not on a Friday.",
    )
    assert [one["address"] for one in content["answers"]] == [ANA]


async def test_the_next_approver_is_asked_in_order(desk: Bench) -> None:
    request = await ask(desk, ANA, BEN, rule=Rule.ORDER)
    await desk.handle(await answer(desk, request, ANA, "approve"))
    [asks] = [one for one in desk.sent(OutgoingQueued) if one.event == "approval_request"]
    assert [one.recipient for one in asks.deliveries] == [BEN]
    assert await kinds(desk, request) == ["requested", "answered", "asked"]
    await desk.handle(await answer(desk, request, BEN, "reject"))
    assert await state_of(desk, request) == ("decided", "reject")
