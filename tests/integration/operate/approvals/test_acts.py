"""Acts on open requests: withdraw, reassign, remind; and who may do them."""

from __future__ import annotations

import pytest

from postrail.approvals.request import Rule
from postrail.database import Pool
from postrail.effects.approvals.refused import RequestRefused
from postrail.operate.approvals.act import RequestEnded
from postrail.operate.approvals.reassign import reassign
from postrail.operate.approvals.remind import remind
from postrail.operate.approvals.request import request_approval
from postrail.operate.approvals.withdraw import withdraw
from postrail.operate.issues.act import Actor, Desk
from postrail.workflow.rights import NotAllowed
from tests.integration.operate.approvals.scene import (
    ANN,
    BOB,
    CID,
    OPERATOR,
    events,
    kinds,
    order,
    parts,
    recipients,
    requested,
    seal,
    states,
)
from tests.integration.operate.issues.scene import AGENT, LEAD, query

STATE = "SELECT state, closed_at IS NOT NULL FROM approval_request"


async def test_a_withdrawn_request_asks_nobody_any_more(pool: Pool, desk: Desk) -> None:
    await requested(desk, rule=Rule.ORDER)
    done = await withdraw(desk, OPERATOR, "a-1", reason="too late")
    # Bob has not been asked yet.
    assert (done.key, done.notified) == ("A-1", (ANN.address,))
    assert await query(pool, STATE) == [("withdrawn", True)]
    assert [state for _, _, state in await states(pool, "A-1")] == ["withdrawn", "withdrawn"]
    last = (await events(pool, "A-1"))[-1]
    assert (last.kind, last.actor, last.reason) == ("withdrawn", "", "too late")
    ended = "SELECT count(*) FROM outbox WHERE topic = 'approval.decided'"
    assert await query(pool, ended) == [(1,)]
    with pytest.raises(RequestEnded, match="A-1 is withdrawn already"):
        await withdraw(desk, OPERATOR, "A-1")


async def test_another_person_is_asked_in_the_place_of_one(pool: Pool, desk: Desk) -> None:
    await requested(desk, rule=Rule.ALL)
    (ann, bob) = await parts(pool, "A-1")
    done = await reassign(desk, OPERATOR, "A-1", "ann@home.example", CID.address)
    assert (done.former, done.approver, done.asked_now) == (ANN.address, CID.address, True)
    assert set(done.notified) == {ANN.address, CID.address}
    assert await states(pool, "A-1") == [
        (1, ANN.address, "reassigned"),
        (1, CID.address, "asked"),
        (2, BOB.address, "asked"),
    ]
    (_, cid, again) = await parts(pool, "A-1")
    assert (again.message_id, again.assignment_id) == (bob.message_id, bob.assignment_id)
    assert cid.message_id not in ("", ann.message_id)
    assert (await kinds(pool, "A-1"))[-2:] == ["reassigned", "asked"]


async def test_who_is_asked_later_is_reassigned_without_a_message(pool: Pool, desk: Desk) -> None:
    await requested(desk, rule=Rule.ORDER)
    done = await reassign(desk, OPERATOR, "A-1", BOB.address, CID.address)
    assert (done.asked_now, done.notified) == (False, ())
    assert await states(pool, "A-1") == [
        (1, ANN.address, "asked"),
        (2, BOB.address, "reassigned"),
        (2, CID.address, "planned"),
    ]


@pytest.mark.parametrize(
    ("former", "approver", "problem"),
    [
        (CID.address, "zoe@example.net", "is not among those whose answers to A-1 are missing"),
        # One person would count twice.
        (ANN.address, BOB.address, "bob@example.com is an approver of A-1 already"),
        (ANN.address, ANN.address, "ann@example.com is an approver of A-1 already"),
        (ANN.address, "group:managers", "are 2 people"),
        (ANN.address, "lead", "no issue"),
    ],
)
async def test_a_refused_reassignment_changes_nothing(
    pool: Pool, desk: Desk, former: str, approver: str, problem: str
) -> None:
    await requested(desk)
    before = await parts(pool, "A-1")
    with pytest.raises(RequestRefused) as refused:
        await reassign(desk, OPERATOR, "A-1", former, approver)
    assert problem in str(refused.value)
    assert await parts(pool, "A-1") == before


async def test_those_who_have_not_answered_are_reminded(pool: Pool, desk: Desk) -> None:
    await requested(desk, rule=Rule.ORDER)
    done = await remind(desk, OPERATOR, "A-1")
    assert done.notified == (ANN.address,)
    assert [one.reminders for one in await parts(pool, "A-1")] == [1, 0]
    assert (await kinds(pool, "A-1"))[-1] == "reminded"
    again = await remind(desk, OPERATOR, "A-1", approver="ann@home.example")
    assert again.notified == (ANN.address,)
    assert await recipients(pool) == [ANN.address] * 3
    with pytest.raises(RequestRefused, match=r"Name one of these: ann@example.com"):
        await remind(desk, OPERATOR, "A-1", approver=BOB.address)


@pytest.mark.parametrize(
    ("actor", "allowed"),
    [
        # The requester.
        (CID, True),
        (OPERATOR, True),
        # A lead of the issue's project.
        (LEAD, True),
        # An approver.
        (ANN, False),
        (AGENT, False),
    ],
)
async def test_only_some_may_say_whom_a_request_asks(
    pool: Pool, desk: Desk, issue: str, actor: Actor, allowed: bool
) -> None:
    await request_approval(desk, CID, order(), seal, issue_key=issue)
    if allowed:
        await withdraw(desk, actor, "A-1")
        assert await query(pool, STATE) == [("withdrawn", True)]
        return
    for act in (
        withdraw(desk, actor, "A-1"),
        reassign(desk, actor, "A-1", ANN.address, actor.address),
        remind(desk, actor, "A-1"),
    ):
        with pytest.raises(NotAllowed, match="may not change whom A-1 asks"):
            await act
    assert await query(pool, STATE) == [("open", False)]
