"""Approvers whom no message could be sent to when it was their turn, and who are asked later."""

from __future__ import annotations

import pytest

from postrail.approvals.request import Rule
from postrail.database import Pool
from postrail.operate.approvals.answer import AnsweredOnPage
from postrail.operate.approvals.reassign import reassign
from postrail.operate.approvals.remind import remind
from postrail.operate.issues.act import Desk
from tests.integration.operate.approvals.scene import ANN, BOB, CID, OPERATOR, requested, states
from tests.integration.operate.approvals.test_answer_on_page import answer
from tests.integration.operate.issues.scene import query

ACTIVE = "UPDATE person SET active = %s WHERE name = 'Bob' RETURNING 1"


@pytest.fixture
async def missed(pool: Pool, desk: Desk) -> AnsweredOnPage:
    """Lets Ann approve A-1, about which Bob is to be asked after her and cannot be."""
    await requested(desk, rule=Rule.ORDER)
    await query(pool, ACTIVE, False)
    done = await answer(pool, desk, ANN.address)
    assert await states(pool, "A-1") == [(1, ANN.address, "answered"), (2, BOB.address, "planned")]
    return done


@pytest.mark.usefixtures("missed")
async def test_a_reminder_asks_who_was_not_asked(pool: Pool, desk: Desk) -> None:
    assert (await remind(desk, OPERATOR, "A-1")).notified == ()
    await query(pool, ACTIVE, True)
    assert (await remind(desk, OPERATOR, "A-1", approver=BOB.address)).notified == (BOB.address,)
    assert (await states(pool, "A-1"))[1] == (2, BOB.address, "asked")


@pytest.mark.usefixtures("missed")
async def test_who_takes_their_place_is_asked_at_once(pool: Pool, desk: Desk) -> None:
    done = await reassign(desk, OPERATOR, "A-1", BOB.address, CID.address)
    assert (done.asked_now, done.notified) == (True, (CID.address,))
    assert (await states(pool, "A-1"))[1:] == [
        (2, BOB.address, "reassigned"),
        (2, CID.address, "asked"),
    ]
