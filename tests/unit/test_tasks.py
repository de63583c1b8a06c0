"""Tests that tasks end together, also those that lose a cancellation."""

from __future__ import annotations

import asyncio

import pytest

from postrail import tasks
from postrail.tasks import end_tasks, set_within, side_by_side, to_its_end, until_one_ends


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "CANCEL_AGAIN_SECONDS", 0.01)


class Part:
    """Works for ever, and loses the given number of cancellations."""

    def __init__(self, loses: int = 0) -> None:
        self.left = loses
        self.ended = False

    async def run(self) -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.left -= 1
                if self.left < 0:
                    self.ended = True
                    raise


async def fail(error: BaseException) -> None:
    raise error


async def succeed() -> None:
    return


@pytest.mark.parametrize("loses", [0, 1, 5])
async def test_a_task_ends_however_many_cancellations_it_loses(loses: int) -> None:
    part = Part(loses)
    task = asyncio.create_task(part.run())
    await asyncio.sleep(0)
    await end_tasks([task])
    assert task.cancelled()
    assert part.left == -1


async def test_ending_raises_nothing_of_the_tasks() -> None:
    failed = asyncio.create_task(fail(ValueError("its own")))
    await asyncio.wait([failed])
    await end_tasks([failed])
    assert isinstance(failed.exception(), ValueError)


async def test_parts_run_until_all_have_ended() -> None:
    await side_by_side(succeed(), succeed())


async def test_one_that_fails_ends_the_others_and_is_raised() -> None:
    part = Part(loses=1)
    with pytest.raises(ValueError, match="broken"):
        await side_by_side(part.run(), fail(ValueError("broken")), succeed())
    assert part.ended


async def test_several_that_fail_together_are_raised_together() -> None:
    with pytest.raises(ExceptionGroup) as raised:
        await side_by_side(fail(ValueError("one")), fail(KeyError("two")))
    assert [type(error) for error in raised.value.exceptions] == [ValueError, KeyError]


async def test_a_cancelled_caller_ends_its_parts_first() -> None:
    part = Part(loses=1)
    whole = asyncio.create_task(side_by_side(part.run()))
    await asyncio.sleep(0.01)
    whole.cancel()
    with pytest.raises(asyncio.CancelledError):
        await whole
    assert part.ended


async def test_the_end_of_one_part_ends_the_others() -> None:
    part = Part(loses=1)
    await until_one_ends(part.run(), asyncio.sleep(0.01))
    assert part.ended


async def test_an_error_of_the_first_part_that_ends_is_raised() -> None:
    part = Part(loses=0)
    with pytest.raises(ValueError, match="one"):
        await until_one_ends(part.run(), fail(ValueError("one")))
    assert part.ended


async def test_an_event_is_waited_for_no_longer_than_the_timeout() -> None:
    event = asyncio.Event()
    assert not await set_within(event, 0.01)
    event.set()
    assert await set_within(event, 3600)


async def test_a_cancellation_that_comes_with_the_event_is_not_lost() -> None:
    event = asyncio.Event()
    waiting = asyncio.create_task(set_within(event, 3600))
    await asyncio.sleep(0)
    event.set()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_work_goes_to_its_end_before_the_cancellation_is_raised() -> None:
    ended = False

    async def work() -> None:
        nonlocal ended
        await asyncio.sleep(0.1)
        ended = True

    task = asyncio.create_task(to_its_end(work()))
    await asyncio.sleep(0)
    await end_tasks([task])
    assert ended
    assert task.cancelled()


async def test_work_that_goes_to_its_end_raises_its_own_fault() -> None:
    async def work() -> None:
        raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        await to_its_end(work())
