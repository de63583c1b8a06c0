"""The turns of batches: side by side without deaths, suspects alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from postrail.in_flight.mark import DEATHS_MAX, Deaths
from postrail.mailbox import ListedMail, MailboxUnavailable
from services.fetcher.in_flight import BUSY_PAUSE_SECONDS, InFlight, Turns
from services.fetcher.reading.batch_read import Suspects


class MemoryMark:
    """A mark in memory, with the deaths that a test gives."""

    def __init__(self, **deaths: Deaths) -> None:
        self.deaths = deaths
        self.taken: list[list[str]] = []
        self.forgotten: list[tuple[str, int]] = []
        self.released = 0
        self.released_before = 0

    async def take(self, work_ids: Sequence[str]) -> dict[str, Deaths]:
        self.taken.append(list(work_ids))
        return {name: self.deaths[name] for name in work_ids if name in self.deaths}

    async def release(self) -> None:
        self.released += 1

    async def forget(self, work_id: str, *, keep: int) -> None:
        self.forgotten.append((work_id, keep))


class Reading:
    """A mailbox whose messages have their UIDs as ids."""

    def __init__(self) -> None:
        self.suspects = Suspects()
        self.done: list[list[int]] = []

    def mail_id(self, message: ListedMail) -> str:
        return f"m{message.uid}"

    async def action(self, batch: Sequence[ListedMail]) -> int:
        self.done.append([message.uid for message in batch])
        return len(batch)


BATCH = [cast(ListedMail, SimpleNamespace(uid=uid)) for uid in (1, 2, 3)]


async def test_a_batch_without_deaths_is_marked_once() -> None:
    mark, reading = MemoryMark(), Reading()
    in_flight = InFlight(mark, 2)
    assert await in_flight.work(reading, BATCH, reading.action) == [3]
    assert mark.taken == [["m1", "m2", "m3"]]
    assert mark.released == 0
    await in_flight.rest()
    assert mark.released == 1


async def test_after_a_death_each_message_is_marked_and_read_alone() -> None:
    mark, reading = MemoryMark(m2=Deaths(together=1)), Reading()
    assert await InFlight(mark, 2).work(reading, BATCH, reading.action) == [1, 1, 1]
    assert mark.taken[1:] == [["m1"], ["m2"], ["m3"]]
    assert mark.forgotten == [("m2", 0)]
    assert reading.suspects.given_up == {}


async def test_another_mailbox_at_rest_keeps_the_mark_of_what_is_read_alone() -> None:
    """Or a message that kills the fetcher would never be counted alone."""
    mark, reading = MemoryMark(m2=Deaths(together=1)), Reading()
    in_flight = InFlight(mark, 2)

    async def action(batch: Sequence[ListedMail]) -> None:
        await in_flight.rest()

    await in_flight.work(reading, BATCH, action)
    assert mark.released == 0
    await in_flight.rest()
    assert mark.released == 1


@pytest.mark.parametrize("deaths", [{}, {"m2": Deaths(together=1)}])
async def test_a_rest_during_the_marking_does_not_clear_the_mark(deaths: dict[str, Deaths]) -> None:
    class SlowMark(MemoryMark):
        async def take(self, work_ids: Sequence[str]) -> dict[str, Deaths]:
            rests.append(asyncio.create_task(in_flight.rest()))
            await asyncio.sleep(0)
            self.released_before = self.released
            return await super().take(work_ids)

    async def action(batch: Sequence[ListedMail]) -> None:
        await rests[-1]
        assert mark.released == mark.released_before

    rests, mark = list[asyncio.Task[None]](), SlowMark(**deaths)
    in_flight = InFlight(mark, 2)
    await in_flight.work(Reading(), BATCH, action)


async def test_after_three_deaths_alone_a_message_is_given_up_and_not_read() -> None:
    mark, reading = MemoryMark(m2=Deaths(alone=DEATHS_MAX)), Reading()
    await InFlight(mark, 2).work(reading, BATCH, reading.action)
    assert reading.suspects.unreadable([2])
    assert "the fetcher died 3 times" in reading.suspects.reason(2)
    assert mark.forgotten == [("m2", DEATHS_MAX - 1)]
    reading.suspects.forget([2])
    assert not reading.suspects.unreadable([2])


async def test_what_runs_alone_waits_for_the_others_and_lets_none_begin() -> None:
    turns, order = Turns(), list[str]()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def shared(name: str) -> None:
        async with turns.shared():
            order.append(f"{name} begins")
            begun.set()
            await go_on.wait()
            order.append(f"{name} ends")

    async def alone(name: str) -> None:
        async with turns.alone():
            order.append(name)
            await asyncio.sleep(0)
            order.append(f"{name} ends")

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(shared("first"))
        await begun.wait()
        tasks.create_task(alone("alone"))
        tasks.create_task(alone("second alone"))
        await asyncio.sleep(0)
        tasks.create_task(shared("later"))
        await asyncio.sleep(0.01)
        go_on.set()
    assert order[:4] == ["first begins", "first ends", "alone", "alone ends"]
    assert order.index("later begins") > order.index("alone ends")


async def test_what_runs_alone_keeps_the_others_waiting_for_a_limited_time_only() -> None:
    turns = Turns(idle_seconds=0.05)
    async with asyncio.timeout(5), turns.shared():
        waiting = asyncio.create_task(turns.alone().__aenter__())
        await asyncio.sleep(0)
        # One that takes an hour is read meanwhile.
        async with turns.shared():
            assert waiting.done()
        with pytest.raises(MailboxUnavailable, match="others took longer") as caught:
            await waiting
        assert caught.value.after_seconds == BUSY_PAUSE_SECONDS
    async with asyncio.timeout(5), turns.alone():
        pass


@pytest.mark.parametrize("kind", ["shared", "alone"])
async def test_a_cancelled_turn_lets_the_others_go_on(kind: str) -> None:
    turns = Turns()

    async def forever() -> None:
        async with cast(Any, getattr(turns, kind))():
            await asyncio.Event().wait()

    task = asyncio.create_task(forever())
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):
        async with turns.alone():
            pass
        async with turns.shared():
            pass
