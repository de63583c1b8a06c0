"""Timed work that fails or is late is seen, and keeps no other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postrail.database import transaction
from postrail.records import OutgoingQueued
from postrail.timed_work.worker import Occasion, TimedWork
from postrail.timers import queue as timers
from postrail.timers.queue import LATE, Overdue, TimerKind
from tests.integration.handler.bench import Bench
from tests.integration.handler.bundles.bundling import WINDOW, tell, work_of

UNREADABLE = """
UPDATE pending_event SET content = jsonb_set(content::jsonb, '{mail,queued_at}', '"Psst!"')
RETURNING event_id
"""


async def _overdue(bench: Bench) -> list[Overdue]:
    async with transaction(bench.pool) as connection:
        return await timers.overdue(connection, bench.clock.now())


@pytest.mark.logs_errors("a timer failed")
async def test_what_cannot_be_read_is_seen_without_what_people_wrote(
    bench: Bench, issue: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    await tell(bench, issue, "a")
    await tell(bench, issue, "b")
    await bench.rows(UNREADABLE)
    bench.clock.move(WINDOW)
    assert await _overdue(bench) == []
    await work_of(bench).work()
    (found,) = await _overdue(bench)
    assert (found.kind, found.count, found.failures) == ("bundle", 1, 1)
    assert found.key.startswith(f"{issue} ")
    assert "mail.queued_at: datetime" in found.reason
    logged = "".join(capfd.readouterr()) + caplog.text
    assert "a timer failed" in logged
    assert "Psst" not in found.reason + logged


async def test_what_nobody_works_is_seen(bench: Bench, issue: int) -> None:
    await tell(bench, issue, "a")
    await tell(bench, issue, "b")
    bench.clock.move(WINDOW + LATE.total_seconds())
    assert await _overdue(bench) == []
    bench.clock.move(1)
    assert [(one.kind, one.count, one.failures) for one in await _overdue(bench)] == [
        ("bundle", 1, 0)
    ]


async def test_kinds_take_turns(bench: Bench) -> None:
    worked: list[str] = []

    async def note(one: Occasion) -> list[OutgoingQueued]:
        worked.append(one.timer.key)
        return []

    due_at = bench.clock.now() - timedelta(seconds=1)
    async with transaction(bench.pool) as connection:
        for kind, count in ((TimerKind.BUNDLE, 3), (TimerKind.DIGEST, 2)):
            keys = [f"{kind} {number}" for number in range(count)]
            await timers.schedule(connection, kind, dict.fromkeys(keys, due_at))
    work = {TimerKind.BUNDLE: note, TimerKind.DIGEST: note}
    assert await TimedWork(bench.process(), bench.pool, bench.key, work).work() == 5
    assert [key.partition(" ")[0] for key in worked] == [
        "bundle",
        "digest",
        "bundle",
        "digest",
        "bundle",
    ]


async def test_a_timer_that_its_work_has_moved_is_due_once_more(bench: Bench) -> None:
    worked = []

    async def wait(one: Occasion) -> list[OutgoingQueued]:
        worked.append(one.now)
        if len(worked) == 1:
            await timers.move(one.connection, one.timer, one.now + timedelta(seconds=30))
        return []

    work = TimedWork(bench.process(), bench.pool, bench.key, {TimerKind.BUNDLE: wait})
    async with transaction(bench.pool) as connection:
        await timers.schedule(connection, TimerKind.BUNDLE, {"a": bench.clock.now()})
    for seconds, due in ((0, 1), (29, 0), (1, 1), (60, 0)):
        bench.clock.move(seconds)
        assert await work.work() == due
    assert await bench.rows("SELECT 1 FROM timer") == []
