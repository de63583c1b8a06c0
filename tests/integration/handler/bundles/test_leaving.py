"""Who leaves an issue gets nothing that waited: neither in a bundle nor in a digest."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postrail.configuration.models.person import Person
from postrail.operate.issues.merge import merge
from postrail.operate.issues.watch import watch as watch_or_leave
from postrail.records import OutgoingQueued
from postrail.tracker.issues import Watcher
from tests.integration.handler.bench import Bench
from tests.integration.handler.bundles.bundling import (
    AGENT,
    ANN,
    WINDOW,
    left,
    tell,
    to,
    watch,
    work_of,
)
from tests.makers.acts import OPERATOR, desk_at
from tests.makers.records import mail_parsed


async def leave(bench: Bench, address: str, issue_key: str = "HELP-1") -> None:
    desk = desk_at(bench.clock.now(), bench.pool)
    done = await watch_or_leave(desk, OPERATOR, issue_key, watcher=address, watching=False)
    assert done.changed


async def work_all(bench: Bench) -> None:
    bench.clock.move(2 * timedelta(days=1).total_seconds())
    await work_of(bench).work()


async def test_what_waits_in_a_bundle_is_dropped(bench: Bench, issue: int) -> None:
    for cause in "abc":
        await tell(bench, issue, cause)
    await leave(bench, ANN.address)
    assert await left(bench) == (1, 2, 2)
    bench.clock.move(WINDOW)
    await work_of(bench).work()
    assert await to(bench, ANN.address) == [(0, "a")]
    assert await to(bench, AGENT.address) == [(0, "a"), (WINDOW, "b, c")]


async def test_without_other_people_the_event_is_dropped_too(bench: Bench, issue: int) -> None:
    await leave(bench, AGENT.address)
    for cause in "ab":
        await tell(bench, issue, cause)
    await leave(bench, ANN.address)
    assert await left(bench) == (1, 0, 0)
    await work_all(bench)
    assert await left(bench) == (0, 0, 0)


async def test_who_comes_back_is_told_of_what_follows_only(bench: Bench, issue: int) -> None:
    for cause in "ab":
        await tell(bench, issue, cause)
    await leave(bench, ANN.address)
    await watch(bench, issue, ANN)
    await tell(bench, issue, "c")
    bench.clock.move(WINDOW)
    await work_of(bench).work()
    assert await to(bench, ANN.address) == [(0, "a"), (WINDOW, "c")]


async def test_what_waits_for_another_address_of_the_person_is_dropped(
    bench: Bench, issue: int
) -> None:
    new = "ann.lee@example.org"
    await bench.save(Person(address=new, addresses=[ANN.address], name=ANN.name))
    for cause in "ab":
        await tell(bench, issue, cause)
    await leave(bench, ANN.address)
    await work_all(bench)
    assert await to(bench, new) == [(0, "a")]


async def test_what_waited_before_a_merge_is_dropped(bench: Bench, issue: int) -> None:
    await bench.handle(mail_parsed(subject="Another"))
    await tell(bench, issue, "a")
    await tell(bench, issue, "b")
    await merge(desk_at(bench.clock.now(), bench.pool), OPERATOR, "HELP-1", "HELP-2")
    await leave(bench, ANN.address, "HELP-2")
    await work_all(bench)
    assert await to(bench, ANN.address) == [(0, "a")]


@pytest.mark.parametrize("leaves", [True, False])
async def test_a_digest_leaves_out_the_issue(bench: Bench, issue: int, leaves: bool) -> None:
    bo = Watcher(address="bo@example.com", name="Bo")
    await bench.save(Person(address=bo.address, name=bo.name, messages="digest"))
    await bench.handle(mail_parsed(subject="Another"))
    ((other,),) = await bench.rows("SELECT max(issue_id) FROM issue_index")
    for number in (issue, other):
        await watch(bench, number, bo)
        await tell(bench, number, f"about {number}")
    if leaves:
        await leave(bench, bo.address)
    await work_all(bench)
    (digest,) = (one for one in bench.sent(OutgoingQueued) if one.event == "digest")
    assert f"about {other}." in (digest.text or "")
    assert (f"about {issue}." in (digest.text or "")) is not leaves
    assert await left(bench) == (0, 0, 0)
