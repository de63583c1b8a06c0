"""Approvers who have not answered are reminded, at most three times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from postrail.approvals.request import Rule
from postrail.records import OutgoingQueued
from tests.integration.handler.approval_times.scene import ANN, BOB, CID, ask, asked_of, work
from tests.integration.handler.bench import Bench

PAUSE = 600


async def reminded(bench: Bench, seconds: Sequence[float]) -> list[list[str]]:
    """Returns who gets a message after each of these pauses."""
    found = []
    for one in seconds:
        before = len(await asked_of(bench))
        bench.clock.move(one)
        await work(bench)
        found.append((await asked_of(bench))[before:])
    return found


async def test_each_is_reminded_three_times_in_the_thread_of_the_request(approving: Bench) -> None:
    asked = await ask(approving, deadline=timedelta(days=1), remind_after_seconds=PAUSE)
    both = ["ann", "bob"]
    times = (PAUSE - 1, 1, PAUSE, PAUSE, PAUSE, 10 * PAUSE)
    assert await reminded(approving, times) == [[], both, both, both, [], []]
    assert await asked.events() == ["reminded"] * 6
    mails = approving.sent(OutgoingQueued)
    found = await approving.rows("SELECT message_id FROM approval_assignment ORDER BY place")
    assert {one.in_reply_to for one in mails} == {message_id for (message_id,) in found}


async def test_only_those_who_have_not_answered_are_reminded(approving: Bench) -> None:
    asked = await ask(
        approving, rule=Rule.ALL, deadline=timedelta(days=1), remind_after_seconds=PAUSE
    )
    await asked.answer(ANN, "approve")
    assert await reminded(approving, [PAUSE]) == [["bob"]]
    await asked.answer(BOB, "approve")
    before = await asked_of(approving)
    assert await reminded(approving, [PAUSE, PAUSE]) == [[], []]
    assert before.count("bob") == 2


async def test_who_is_asked_later_is_reminded_later(approving: Bench) -> None:
    asked = await ask(
        approving,
        ANN,
        BOB,
        CID,
        rule=Rule.ORDER,
        deadline=timedelta(days=1),
        remind_after_seconds=PAUSE,
    )
    approving.clock.move(PAUSE / 2)
    await asked.answer(ANN, "approve")
    assert await reminded(approving, [PAUSE / 2, PAUSE / 2]) == [[], ["bob"]]


async def test_after_an_outage_there_is_one_reminder_and_not_three(approving: Bench) -> None:
    await ask(approving, ANN, deadline=timedelta(days=1), remind_after_seconds=PAUSE)
    assert await reminded(approving, [5 * PAUSE, PAUSE - 1, 1]) == [["ann"], [], ["ann"]]


async def test_nobody_is_reminded_after_the_deadline(approving: Bench) -> None:
    asked = await ask(approving, deadline=timedelta(seconds=PAUSE), remind_after_seconds=PAUSE)
    assert await reminded(approving, [PAUSE, PAUSE]) == [[], []]
    # It waits for its mailbox.
    assert await asked.state() == ("open", "")
