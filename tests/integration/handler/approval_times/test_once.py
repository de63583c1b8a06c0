"""Whatever happens at the same moment, a request is decided once."""

from __future__ import annotations

import asyncio

import pytest

from postrail.approvals.request import AtDeadline
from tests.integration.handler.approval_times.scene import (
    ANN,
    HOUR,
    Asked,
    ask,
    asked_of,
    read_whole,
    work,
)
from tests.integration.handler.bench import Bench


async def decisions(asked: Asked) -> list[str]:
    """Returns the choices of the events by which the request was decided."""
    found = await asked.bench.rows("SELECT choice FROM approval_event WHERE kind = 'decided'")
    return [choice for (choice,) in found]


async def due(bench: Bench) -> Asked:
    """Asks Ann and Bob, and lets the deadline pass at which the request is rejected."""
    asked = await ask(bench, at_deadline=AtDeadline.REJECT)
    bench.clock.move(HOUR.total_seconds())
    await read_whole(bench)
    return asked


async def test_two_handlers_work_a_deadline_once(approving: Bench) -> None:
    asked = await due(approving)
    await asyncio.gather(*(work(approving) for _ in range(4)))
    assert await decisions(asked) == ["reject"]
    assert (await asked_of(approving)).count("rob") == 1


async def test_an_answer_and_the_deadline_at_once_decide_once(approving: Bench) -> None:
    asked = await due(approving)
    # The answer finds that Ann is asked no longer if the deadline was faster.
    await asyncio.gather(work(approving), asked.answer(ANN, "approve"), return_exceptions=True)
    await work(approving)
    state, choice = await asked.state()
    assert state == "decided"
    assert await decisions(asked) == [choice]
    assert (await asked_of(approving)).count("rob") == 1


async def test_a_request_that_has_ended_is_not_concluded_again(approving: Bench) -> None:
    asked = await ask(approving)
    await asked.answer(ANN, "approve")
    with pytest.raises(ValueError, match="A-1 has ended already"):
        await asked.conclude(ANN, "reject")
    assert await decisions(asked) == ["approve"]
    assert await asked.state() == ("decided", "approve")
