"""What the deadline of a request does, and what it waits for."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from postrail.approvals.request import AtDeadline, Rule
from postrail.configuration.models.person import Person
from postrail.database import transaction
from postrail.operate.approvals.reassign import reassign
from postrail.records import OutgoingQueued
from tests.integration.handler.approval_times.scene import (
    ANN,
    BOB,
    CID,
    EVE,
    HOUR,
    WHILE,
    Asked,
    ask,
    asked_of,
    pass_deadline,
    read_whole,
    work,
)
from tests.integration.handler.bench import Bench
from tests.makers.acts import OPERATOR

DAY = 24 * 3600.0


async def arrive(bench: Bench, *, seconds: float, state: str) -> None:
    """Lets a message be in the mailbox of the answers, received these seconds from now."""
    received = bench.clock.now() + timedelta(seconds=seconds)
    async with transaction(bench.pool) as connection:
        await connection.execute(
            "INSERT INTO incoming_mail (mail_id, mailbox, source, state, size, received_at,"
            " fetched_at) VALUES (%s, 'answers', 'INBOX', %s, 1, %s, %s)",
            (uuid.uuid4(), state, received, received),
        )


async def test_it_waits_until_the_mailbox_was_read_whole(approving: Bench) -> None:
    asked = await ask(approving)
    await read_whole(approving, until=HOUR.total_seconds() - 1)
    approving.clock.move(HOUR.total_seconds())
    await work(approving)
    assert await asked.state() == ("open", "")
    # Ann's answer came before the deadline, and is read after it.
    await asked.answer(ANN, "approve")
    await read_whole(approving)
    approving.clock.move(WHILE)
    await work(approving)
    assert await asked.state() == ("decided", "approve")
    assert await asked.events() == []


async def test_it_waits_for_a_day_at_most(approving: Bench) -> None:
    asked = await ask(approving)
    approving.clock.move(HOUR.total_seconds() + DAY - 1)
    await work(approving)
    assert await asked.state() == ("open", "")
    approving.clock.move(WHILE)
    await work(approving)
    assert await asked.state() == ("expired", "")


@pytest.mark.parametrize(
    ("seconds", "state", "expected"),
    [
        (-1, "fetched", "open"),
        (-1, "new", "open"),
        (-1, "waiting", "open"),
        # It has an outcome, or came too late.
        (-1, "done", "expired"),
        (-1, "failed", "expired"),
        (0, "new", "expired"),
    ],
)
async def test_it_waits_for_messages_of_before_without_an_outcome(
    approving: Bench, seconds: float, state: str, expected: str
) -> None:
    asked = await ask(approving)
    approving.clock.move(HOUR.total_seconds())
    await read_whole(approving)
    await arrive(approving, seconds=seconds, state=state)
    await work(approving)
    assert (await asked.state())[0] == expected
    await approving.rows("UPDATE incoming_mail SET state = 'done' RETURNING 1")
    approving.clock.move(WHILE)
    await work(approving)
    assert (await asked.state())[0] == "expired"


async def test_nothing_happens_before_the_deadline(approving: Bench) -> None:
    asked = await ask(approving)
    await read_whole(approving, until=2 * HOUR.total_seconds())
    approving.clock.move(HOUR.total_seconds() - 1)
    await work(approving)
    assert await asked.state() == ("open", "")
    approving.clock.move(1)
    await work(approving)
    assert await asked.state() == ("expired", "")


async def test_an_expired_request_is_told_and_takes_no_answer(approving: Bench) -> None:
    asked = await ask(approving)
    await pass_deadline(approving)
    assert await asked.state() == ("expired", "")
    assert await asked.events() == ["expired"]
    assert await asked.parts() == [(1, "ann", "expired"), (2, "bob", "expired")]
    assert (await asked_of(approving))[-1] == "rob"
    told = approving.sent(OutgoingQueued)[-1]
    assert told.deliveries[0].recipient == "rob@example.org"
    # Once only.
    approving.clock.move(DAY)
    await work(approving)
    assert await asked.events() == ["expired"]


# Who answers what in time, and what the deadline makes of it.
REJECTED = [
    (Rule.ANY, {}),
    (Rule.ALL, {ANN: "approve"}),
    (Rule.COUNT, {ANN: "approve"}),
    (Rule.ORDER, {ANN: "approve"}),
]


@pytest.mark.parametrize(("rule", "answers"), REJECTED)
async def test_it_rejects(approving: Bench, rule: Rule, answers: dict[str, str]) -> None:
    asked = await ask(approving, rule=rule, needed=2, at_deadline=AtDeadline.REJECT)
    for address, choice in answers.items():
        await asked.answer(address, choice)
    await pass_deadline(approving)
    assert await asked.state() == ("decided", "reject")
    assert [one for one in await asked.events() if one != "asked"] == ["decided reject"]


async def escalated(bench: Bench, rule: Rule, *to: str, needed: int = 2) -> Asked:
    """Asks Ann and Bob, of whom Ann approves in time, unless anybody decides; then others."""
    asked = await ask(
        bench, rule=rule, needed=needed, at_deadline=AtDeadline.ESCALATE, escalate_to=to
    )
    if rule is not Rule.ANY:
        await asked.answer(ANN, "approve")
    await pass_deadline(bench)
    return asked


# The parts after the deadline, the answers that follow, and the result.
ESCALATED = [
    (
        Rule.ANY,
        (CID,),
        [(1, "ann", "escalated"), (2, "bob", "escalated"), (3, "cid", "asked")],
        {CID: "reject"},
        ("decided", "reject"),
    ),
    (
        Rule.ALL,
        (CID, EVE),
        [(1, "ann", "answered"), (2, "bob", "escalated"), (3, "cid", "asked"), (4, "eve", "asked")],
        {CID: "approve", EVE: "approve"},
        ("decided", "approve"),
    ),
    (
        Rule.ALL,
        (CID, EVE),
        [(1, "ann", "answered"), (2, "bob", "escalated"), (3, "cid", "asked"), (4, "eve", "asked")],
        {CID: "approve"},
        ("open", ""),
    ),
    (
        Rule.COUNT,
        (CID,),
        [(1, "ann", "answered"), (2, "bob", "escalated"), (3, "cid", "asked")],
        {CID: "approve"},
        ("decided", "approve"),
    ),
    # The one whose turn it is has two in their place, of whom one answers.
    (
        Rule.ORDER,
        (CID, EVE),
        [(1, "ann", "answered"), (2, "bob", "escalated"), (2, "cid", "asked"), (2, "eve", "asked")],
        {EVE: "approve"},
        ("decided", "approve"),
    ),
    # The approvers are no others.
    (
        Rule.ALL,
        (BOB, ANN, CID),
        [(1, "ann", "answered"), (2, "bob", "escalated"), (3, "cid", "asked")],
        {CID: "approve"},
        ("decided", "approve"),
    ),
]


@pytest.mark.parametrize(("rule", "to", "parts", "answers", "result"), ESCALATED)
async def test_it_escalates(
    approving: Bench,
    rule: Rule,
    to: tuple[str, ...],
    parts: list[tuple[int, str, str]],
    answers: dict[str, str],
    result: tuple[str, str],
) -> None:
    asked = await escalated(approving, rule, *to)
    assert sorted(await asked.parts()) == parts
    for address, choice in answers.items():
        await asked.answer(address, choice)
    assert await asked.state() == result


async def test_fewer_than_are_missing_decide_together_after_an_escalation(approving: Bench) -> None:
    asked = await ask(
        approving,
        rule=Rule.COUNT,
        needed=2,
        at_deadline=AtDeadline.ESCALATE,
        escalate_to=(CID,),
    )
    await pass_deadline(approving)
    await asked.answer(CID, "approve")
    assert await asked.state() == ("decided", "approve")


async def test_an_escalated_request_expires_after_the_same_time_once_more(approving: Bench) -> None:
    asked = await escalated(approving, Rule.ANY, CID)
    assert await asked.state() == ("open", "")
    # Ann and Bob are told, and Cid is asked.
    assert (await asked_of(approving))[-3:] == ["ann", "bob", "cid"]
    approving.clock.move(HOUR.total_seconds() - 1)
    await read_whole(approving)
    await work(approving)
    assert await asked.state() == ("open", "")
    approving.clock.move(1)
    await read_whole(approving)
    await work(approving)
    assert await asked.state() == ("expired", "")
    assert await asked.events() == ["escalated", "asked", "expired"]


async def test_who_is_asked_in_the_meantime_keeps_the_own_part(approving: Bench) -> None:
    asked = await ask(approving, rule=Rule.ALL, at_deadline=AtDeadline.ESCALATE, escalate_to=(CID,))
    await reassign(approving.desk, OPERATOR, asked.key, BOB, CID)
    await pass_deadline(approving)
    # Nobody else is left to ask.
    assert await asked.state() == ("expired", "")


async def test_with_nobody_else_to_ask_it_expires(approving: Bench) -> None:
    asked = await ask(approving, at_deadline=AtDeadline.ESCALATE, escalate_to=(CID,))
    await approving.save(Person(address=CID, name="Cid", active=False))
    await pass_deadline(approving)
    assert await asked.state() == ("expired", "")
    assert await asked.events() == ["expired"]
