"""Delegations: who answers for whom, from when to when, and about which requests."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from postrail.approvals.request import Rule
from postrail.configuration.load import load_snapshot
from postrail.database import Pool, transaction
from postrail.effects.approvals.delegates import begin_delegation
from postrail.operate.approvals.delegate import DelegationRefused, delegate, end_delegation
from postrail.operate.approvals.reassign import reassign
from postrail.operate.issues.act import Desk
from postrail.people import PersonNotFound
from postrail.workflow.rights import NotAllowed
from tests.integration.operate.approvals.scene import (
    ANN,
    BOB,
    CID,
    OPERATOR,
    events,
    kinds,
    parts,
    requested,
    states,
)
from tests.integration.operate.issues.scene import LATER, query

WEEK = timedelta(days=7)


async def test_a_delegate_is_asked_about_new_requests(pool: Pool, desk: Desk) -> None:
    await delegate(desk, OPERATOR, "ann@home.example", CID.address, LATER, LATER + WEEK)
    done = await requested(desk, rule=Rule.ALL)
    assert set(done.notified) == {ANN.address, BOB.address, CID.address}
    assert await states(pool, "A-1") == [
        (1, ANN.address, "asked"),
        (1, CID.address, "asked"),
        (2, BOB.address, "asked"),
    ]
    (_, cid, _) = await parts(pool, "A-1")
    assert cid.answers_for == ANN.address


async def test_a_delegate_is_asked_about_open_requests(pool: Pool, desk: Desk) -> None:
    await requested(desk)
    await requested(desk, BOB.address, ANN.address, rule=Rule.ORDER)
    await requested(desk, BOB.address)
    done = await delegate(desk, ANN, ANN.address, CID.address, LATER, LATER + WEEK)
    assert done.asked_about == ("A-1", "A-2")
    # Of the second one, Ann will be asked later, and so will Cid.
    assert done.notified == (CID.address,)
    assert (1, CID.address, "asked") in await states(pool, "A-1")
    assert (2, CID.address, "planned") in await states(pool, "A-2")
    assert "delegated" in await kinds(pool, "A-1")
    assert await kinds(pool, "A-3") == ["requested", "asked"]
    # The same command once more.
    again = await delegate(desk, ANN, ANN.address, CID.address, LATER, LATER + WEEK)
    assert (again.delegation, again.asked_about) == (done.delegation, ())


async def test_outside_of_its_dates_a_delegation_asks_nobody(pool: Pool, desk: Desk) -> None:
    await requested(desk)
    begin, end = LATER + timedelta(days=1), LATER + timedelta(days=2)
    done = await delegate(desk, OPERATOR, ANN.address, CID.address, begin, end)
    assert (done.asked_about, done.notified) == ((), ())
    for number, (now, asked) in enumerate(
        [
            (begin - timedelta(seconds=1), False),
            (begin, True),
            (end - timedelta(seconds=1), True),
            (end, False),
        ],
        start=2,
    ):
        await requested(replace(desk, now=now))
        people = {address for _, address, _ in await states(pool, f"A-{number}")}
        assert (CID.address in people) is asked


async def test_at_its_begin_the_delegate_is_asked_about_open_requests(
    pool: Pool, desk: Desk
) -> None:
    await requested(desk)
    begin = LATER + timedelta(days=1)
    made = await delegate(desk, OPERATOR, ANN.address, CID.address, begin, begin + WEEK)
    timer = await query(pool, "SELECT key, due_at FROM timer WHERE kind = 'approval_delegation'")
    number = made.delegation.delegation_id
    assert timer == [(str(number), begin)]
    for _ in range(2):
        async with transaction(pool) as connection:
            snapshot = await load_snapshot(connection)
            await begin_delegation(connection, snapshot, number, b"key", begin)
    assert await states(pool, "A-1") == [
        (1, ANN.address, "asked"),
        (1, CID.address, "asked"),
        (2, BOB.address, "asked"),
    ]
    last = (await events(pool, "A-1"))[-2]
    assert (last.kind, last.channel) == ("delegated", "timer")
    await requested(desk)
    await end_delegation(desk, OPERATOR, number)
    async with transaction(pool) as connection:
        snapshot = await load_snapshot(connection)
        assert list(await begin_delegation(connection, snapshot, number, b"key", begin)) == []


async def test_an_ended_delegation_is_closed_everywhere(pool: Pool, desk: Desk) -> None:
    await requested(desk)
    made = await delegate(desk, OPERATOR, ANN.address, CID.address, LATER, LATER + WEEK)
    later = replace(desk, now=LATER + timedelta(hours=1))
    done = await end_delegation(later, ANN, made.delegation.delegation_id)
    assert done.no_longer_asked_about == ("A-1",)
    assert (1, CID.address, "delegation ended") in await states(pool, "A-1")
    assert (1, ANN.address, "asked") in await states(pool, "A-1")
    await requested(later)
    assert CID.address not in {address for _, address, _ in await states(pool, "A-2")}
    with pytest.raises(DelegationRefused, match="has ended already"):
        await end_delegation(later, OPERATOR, made.delegation.delegation_id)
    with pytest.raises(DelegationRefused, match="there is no delegation 99"):
        await end_delegation(later, OPERATOR, 99)


async def test_reassigning_closes_the_part_of_the_delegate(pool: Pool, desk: Desk) -> None:
    await delegate(desk, OPERATOR, ANN.address, CID.address, LATER, LATER + WEEK)
    await requested(desk)
    await reassign(desk, OPERATOR, "A-1", ANN.address, "zoe@example.net")
    assert await states(pool, "A-1") == [
        (1, ANN.address, "reassigned"),
        (1, CID.address, "reassigned"),
        (1, "zoe@example.net", "asked"),
        (2, BOB.address, "asked"),
    ]


async def test_the_delegate_of_a_new_approver_is_asked_too(pool: Pool, desk: Desk) -> None:
    await delegate(desk, OPERATOR, CID.address, BOB.address, LATER, LATER + WEEK)
    await requested(desk, ANN.address)
    await reassign(desk, OPERATOR, "A-1", ANN.address, CID.address)
    assert await states(pool, "A-1") == [
        (1, ANN.address, "reassigned"),
        (1, CID.address, "asked"),
        (1, BOB.address, "asked"),
    ]


async def test_only_the_person_and_the_operator_delegate(pool: Pool, desk: Desk) -> None:
    with pytest.raises(NotAllowed, match="may not say who answers for"):
        await delegate(desk, BOB, ANN.address, BOB.address, LATER, LATER + WEEK)
    with pytest.raises(PersonNotFound):
        await delegate(desk, OPERATOR, ANN.address, "zoe@example.net", LATER, LATER + WEEK)
    with pytest.raises(DelegationRefused, match="cannot answer for themselves"):
        await delegate(desk, ANN, ANN.address, "ann@home.example", LATER, LATER + WEEK)
    with pytest.raises(DelegationRefused, match="ends before it begins"):
        await delegate(desk, ANN, ANN.address, BOB.address, LATER, LATER)
    with pytest.raises(DelegationRefused, match="its end is past"):
        await delegate(desk, ANN, ANN.address, BOB.address, LATER - WEEK, LATER)
    assert await query(pool, "SELECT count(*) FROM approval_delegation") == [(0,)]
