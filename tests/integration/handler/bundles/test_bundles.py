"""People are told of an issue at once, and of what follows in one message: on real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from postrail.configuration.models.limit import Limit, LimitName
from postrail.configuration.models.person import Person
from postrail.configuration.models.project import Project
from postrail.database import Connection, rows, transaction
from postrail.effects.bundles import send
from postrail.errors import FatalError
from postrail.message_parts import Address
from postrail.notifications.bundles.combine import bundles
from postrail.notifications.events import INTERNALLY_COMMENTED
from postrail.operate.issues.act import Actor
from postrail.operate.issues.comment import comment
from postrail.outgoing.bundles import pending
from postrail.records import OutgoingQueued
from postrail.timed_work import worker
from postrail.timers import queue as timers
from postrail.timers.queue import TimerKind
from postrail.tracker.issues import Watcher
from postrail.views import outgoing as view
from tests.integration.handler.bench import Bench
from tests.integration.handler.bundles.bundling import (
    AGENT,
    ANN,
    OPTIONS,
    WINDOW,
    left,
    tell,
    to,
    watch,
    work_of,
)
from tests.makers.acts import desk_at
from tests.makers.records import mail_parsed, verified

COUNT = 5000
FILL = f"""
WITH event AS (
    INSERT INTO pending_event (outgoing_id, issue_id, issue_key, conversation, connection, cause,
        subject, happened_at, content)
    SELECT gen_random_uuid(), 1000 + n, 'X-' || n, 'c', 'out', 'c', 's', now(), '{{}}'
    FROM generate_series(1, {COUNT}) AS n RETURNING event_id, issue_id
), delivery AS (
    INSERT INTO pending_delivery (event_id, recipient, issue_id, name, message_id, due_at)
    SELECT event_id, 'r@example.org', issue_id, '', '<m>', '2027-01-01' FROM event
), timer AS (
    INSERT INTO timer (kind, key, due_at) SELECT 'bundle', issue_id, '2027-01-01' FROM event
), mail AS (
    INSERT INTO outgoing_mail (outgoing_id, conversation, cause, connection, envelope_from, subject,
        queued_at, text, issue_id)
    SELECT gen_random_uuid(), 'c', 'c', 'out', 'help@example.org', 's', '2026-01-01', 't', issue_id
    FROM event RETURNING outgoing_id, sequence, issue_id
)
INSERT INTO delivery (outgoing_id, recipient, message_id, connection, sequence, issue_id, state,
    due_at, changed_at)
SELECT outgoing_id, 'r@example.org', '<m>', 'out', sequence, issue_id, 'sent', now(), now()
FROM mail
"""


@pytest.mark.parametrize(
    ("events", "messages"),
    [
        ({"a": 0}, [(0, "a")]),
        ({"a": 0, "b": 10, "c": 20}, [(0, "a"), (60, "b, c")]),
        # The next bundle is a minute after the last one.
        ({"a": 0, "b": 59, "c": 61, "d": 70}, [(0, "a"), (60, "b"), (120, "c, d")]),
        ({"a": 0, "b": 60}, [(0, "a"), (60, "b")]),
        ({"a": 0, "b": 30, "c": 130}, [(0, "a"), (60, "b"), (130, "c")]),
        ({"a": 5, "b": 5, "c": 5}, [(5, "a"), (65, "b, c")]),
    ],
)
async def test_the_first_event_goes_at_once_and_those_of_the_next_minute_together(
    bench: Bench, issue: int, events: dict[str, int], messages: list[tuple[float, str]]
) -> None:
    work = work_of(bench)
    for second in range(140):
        for cause in (cause for cause, at in events.items() if at == second):
            await tell(bench, issue, cause)
        if second % 5 == 0:
            await work.work()
        bench.clock.move(1)
    assert await to(bench, ANN.address) == messages
    assert await to(bench, AGENT.address) == messages
    assert await left(bench) == (0, 0, 0)


async def test_each_person_waits_from_their_own_first_event(bench: Bench, issue: int) -> None:
    late = Watcher(address="late@example.org", name="")
    await tell(bench, issue, "a")
    bench.clock.move(30)
    await watch(bench, issue, late)
    await tell(bench, issue, "b")
    bench.clock.move(10)
    await tell(bench, issue, "c")
    work = work_of(bench)
    bench.clock.move(20)
    assert await work.work() == 1
    bench.clock.move(30)
    assert await work.work() == 1
    assert await to(bench, ANN.address) == [(0, "a"), (60, "b, c")]
    assert await to(bench, late.address) == [(30, "b"), (90, "c")]


async def test_without_a_handler_the_order_is_kept(bench: Bench, issue: int) -> None:
    await tell(bench, issue, "a")
    bench.clock.move(10)
    await tell(bench, issue, "b")
    # Nobody works the timer: also what comes after its time waits behind the others.
    bench.clock.move(600)
    await tell(bench, issue, "c")
    assert await to(bench, ANN.address) == [(0, "a")]
    await tell(bench, issue, "d", options=replace(OPTIONS, bundle_seconds=0))
    await work_of(bench).work()
    assert await to(bench, ANN.address) == [(0, "a"), (610, "b, c, d")]


async def test_without_a_window_each_event_is_a_message(bench: Bench, issue: int) -> None:
    for cause in "ab":
        await tell(bench, issue, cause, options=replace(OPTIONS, bundle_seconds=0))
    assert await to(bench, ANN.address) == [(0, "a"), (0, "b")]


async def test_the_reporter_hears_at_once_and_then_in_bundles(bench: Bench) -> None:
    sender = Address(name="Agent", address=AGENT.address)
    await bench.handle(verified(mail_parsed()))
    await bench.handle(
        *(
            verified(mail_parsed(subject="Re: HELP-1", text=text, sender=sender))
            for text in ("One", "Two")
        )
    )
    assert [mail.event for mail in bench.sent(OutgoingQueued)] == ["created"]
    bench.clock.move(WINDOW)
    await work_of(bench).work()
    bundle = bench.sent(OutgoingQueued)[-1]
    assert (bundle.event, [one.recipient for one in bundle.deliveries]) == (
        "bundled",
        ["ada@example.org"],
    )
    assert (bundle.text or "").index("One") < (bundle.text or "").index("Two")


async def test_an_internal_event_stays_with_people_of_the_project(bench: Bench, issue: int) -> None:
    await tell(bench, issue, "a")
    bench.clock.move(1)
    await tell(bench, issue, "b", INTERNALLY_COMMENTED)
    await tell(bench, issue, "c")
    bench.clock.move(WINDOW)
    await work_of(bench).work()
    assert await to(bench, ANN.address) == [(0, "a"), (61, "c")]
    assert await to(bench, AGENT.address) == [(0, "a"), (61, "b"), (61, "c")]
    assert await bench.rows(
        "SELECT cause, internal FROM outgoing_mail WHERE queued_at > '2026-01-02 00:00:30'"
        " ORDER BY sequence"
    ) == [("b", True), ("c", False)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"active": False}, [(0, "a")]),
        # An outsider by now: the internal event is hidden.
        ({}, [(0, "a"), (61, "c")]),
    ],
)
async def test_who_has_lost_the_right_meanwhile_is_not_told(
    bench: Bench, issue: int, change: dict[str, Any], told: list[tuple[float, str]]
) -> None:
    await tell(bench, issue, "a")
    bench.clock.move(1)
    await tell(bench, issue, "b", INTERNALLY_COMMENTED)
    await tell(bench, issue, "c")
    await bench.save(
        Person(address=AGENT.address, name="Agent", **change),
        Project(key="HELP", name="Help desk", outsiders=[AGENT.address]),
    )
    bench.clock.move(WINDOW)
    await work_of(bench).work()
    assert await to(bench, AGENT.address) == told
    assert await left(bench) == (0, 0, 0)


async def test_an_act_says_who_will_be_told(bench: Bench, issue: int) -> None:
    async def commented() -> tuple[str, ...]:
        desk = replace(desk_at(bench.clock.now(), bench.pool), bundle_seconds=WINDOW)
        actor = Actor(address=AGENT.address, name="Agent")
        return (await comment(desk, actor, "HELP-1", "Water!")).notified

    first = await commented()
    assert ANN.address in first
    assert sorted(await commented()) == sorted(first)


async def test_what_waits_is_listed_and_shown(bench: Bench, issue: int) -> None:
    for cause in "ab":
        await tell(bench, issue, cause)
    async with transaction(bench.pool) as connection:
        listed = await view.waiting(connection, issue_key="HELP-1")
        assert await view.waiting(connection, issue_key="HELP-2") == []
        shown = await view.deliveries_of(connection, listed[0].outgoing_id[:8])
    assert [(one.recipient, one.state, one.cause) for one in listed] == [
        (AGENT.address, "waiting", "b"),
        ("ann@example.org", "waiting", "b"),
    ]
    assert listed[0].due_at == bench.clock.now() + timedelta(seconds=WINDOW)
    assert shown == listed


async def test_the_limit_counts_what_is_sent(bench: Bench, issue: int) -> None:
    await bench.save(Limit(name=LimitName.ISSUE_NOTIFICATIONS, value=6, minutes=60))
    # To Ann and the agent: two messages at once, and two for all the others together.
    for cause in "abcdefgh":
        await tell(bench, issue, cause)
    bench.clock.move(WINDOW)
    await work_of(bench).work()
    assert await bench.rows("SELECT DISTINCT state FROM delivery") == [("queued",)]


@pytest.mark.parametrize("step", ["store_notifications", "forget", "remove"])
async def test_a_kill_loses_nothing_and_repeats_nothing(
    bench: Bench, issue: int, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cause in "ab":
        await tell(bench, issue, cause)
    bench.clock.move(WINDOW)
    where = {"store_notifications": send, "forget": pending, "remove": timers}[step]
    done = getattr(where, step)

    async def killed(*given: Any) -> None:
        await done(*given)
        raise FatalError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(where, step, killed)
        with pytest.raises(FatalError):
            await work_of(bench).work()
    assert await to(bench, ANN.address) == [(0, "a")]
    assert await work_of(bench).work() == 1
    assert await work_of(bench).work() == 0
    assert await to(bench, ANN.address) == [(0, "a"), (60, "b")]


async def test_two_handlers_tell_once(bench: Bench, issue: int) -> None:
    await tell(bench, issue, "a")
    for cause in range(20):
        await tell(bench, issue, f"{cause:02}")
    bench.clock.move(WINDOW)
    await asyncio.gather(*(work_of(bench).work() for _ in range(3)))
    assert len(await to(bench, ANN.address)) == 2
    assert await left(bench) == (0, 0, 0)


@pytest.mark.logs_errors("a timer failed")
async def test_a_timer_that_fails_keeps_no_other(
    bench: Bench, issue: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.handle(mail_parsed(subject="Another"))
    async with transaction(bench.pool) as connection:
        (other,) = [key async for key in _others(connection, issue)]
    await watch(bench, other, ANN)
    bench.clock.move(3600)
    for one in (issue, other):
        for cause in ("a", "b"):
            await tell(bench, one, f"{cause} of {one}")
    bench.clock.move(WINDOW)

    def fails(recipients: Any, events: Any, *given: Any) -> Any:
        if any(event.mail.issue_id == issue for event in events.values()):
            raise RuntimeError("no template")
        return bundles(recipients, events, *given)

    monkeypatch.setattr(send, "bundles", fails)
    work = work_of(bench)
    assert await work.work() == 2
    assert await work.work() == 0
    assert await bench.rows("SELECT failures, reason FROM timer") == [(1, "no template")]
    assert (await to(bench, ANN.address))[-1][1] == f"b of {other}"
    monkeypatch.undo()
    bench.clock.move(worker.RETRY_BASE_SECONDS * 2)
    assert await work.work() == 1
    assert (await to(bench, ANN.address))[-1][1] == f"b of {issue}"


async def _others(connection: Connection, issue_id: int) -> AsyncIterator[int]:
    for (found,) in await rows(
        connection, "SELECT issue_id FROM issue_index WHERE issue_id <> %s", [issue_id]
    ):
        yield found


async def test_what_is_due_is_found_by_index(bench: Bench, issue: int) -> None:
    await tell(bench, issue, "a")
    await tell(bench, issue, "b")
    async with transaction(bench.pool) as connection:
        await connection.execute(FILL)
    async with transaction(bench.pool) as connection:
        await connection.execute("ANALYZE")
    async with transaction(bench.pool) as connection:
        before = await _scans(connection)
        since = bench.clock.now() - timedelta(seconds=WINDOW)
        assert await pending.told_since(connection, [issue], since)
        assert await pending.waiting_until(connection, [issue])
        assert await pending.due(connection, issue, bench.clock.now() + timedelta(hours=1))
        now = bench.clock.now() + timedelta(seconds=WINDOW)
        assert await timers.take_due(connection, TimerKind.BUNDLE, now)
        assert await _scans(connection) == before


async def _scans(connection: Connection) -> list[tuple[str, int]]:
    return await rows(
        connection,
        "SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE seq_scan > 0 AND relname IN"
        " ('outgoing_mail', 'delivery', 'timer', 'pending_event', 'pending_delivery')",
    )


async def test_people_are_to_be_told_of_a_bundle_that_a_limit_holds(
    bench: Bench, issue: int
) -> None:
    limit = Limit(name=LimitName.ISSUE_NOTIFICATIONS, value=1, minutes=60)
    await bench.save(limit)
    await watch(bench, issue, ANN)
    for number in range(3):
        await tell(bench, issue, f"event {number}")
    assert await bench.rows("SELECT key FROM timer WHERE kind = 'held'") == []
    bench.clock.move(WINDOW)
    await work_of(bench).work()
    assert await bench.rows("SELECT key FROM timer WHERE kind = 'held'") == [(str(issue),)]
