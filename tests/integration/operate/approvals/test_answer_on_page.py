"""Answers on the page of a request: which count, and what the others leave behind."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from postrail.approvals.request import Rule
from postrail.approvals.token import token_for
from postrail.database import Pool
from postrail.errors import PermanentError
from postrail.operate.approvals.answer import (
    AnsweredOnPage,
    PageAnswer,
    TokenUnknown,
    answer_on_page,
)
from postrail.operate.approvals.delegate import delegate
from postrail.operate.approvals.reassign import reassign
from postrail.operate.approvals.withdraw import withdraw
from postrail.operate.issues.act import Desk
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


async def answer(
    pool: Pool,
    desk: Desk,
    address: str,
    choice: str = "approve",
    *,
    comment: str = "",
    sender: str = "",
) -> AnsweredOnPage:
    """Answers A-1 by the newest token of this approver."""
    part = [one for one in await parts(pool, "A-1") if one.address == address][-1]
    token = token_for(desk.message_id_key, part.assignment_id, part.request_id, part.address)
    given = PageAnswer(token=str(token), choice=choice, comment=comment, address=sender or address)
    return await answer_on_page(desk, given)


async def test_an_answer_decides(pool: Pool, desk: Desk) -> None:
    await requested(desk)
    done = await answer(pool, desk, ANN.address, comment=" Fine. ", sender="ANN@home.example")
    assert (done.key, done.refused, done.state, done.choice) == ("A-1", "", "decided", "approve")
    assert await states(pool, "A-1") == [(1, ANN.address, "answered"), (2, BOB.address, "decided")]
    answered = (await events(pool, "A-1"))[-2]
    assert (answered.kind, answered.channel, answered.comment) == ("answered", "page", "Fine.")
    assert (answered.actor, answered.mail_id) == ("ann@home.example", "")
    assert (await kinds(pool, "A-1"))[-1] == "decided"


async def test_the_next_one_is_asked_in_order(pool: Pool, desk: Desk) -> None:
    await requested(desk, rule=Rule.ORDER)
    done = await answer(pool, desk, ANN.address)
    assert (done.refused, done.state) == ("", "open")
    assert await states(pool, "A-1") == [(1, ANN.address, "answered"), (2, BOB.address, "asked")]
    assert (await answer(pool, desk, BOB.address)).state == "decided"


async def test_two_answers_at_once_decide_once(pool: Pool, desk: Desk) -> None:
    await requested(desk)
    done = await asyncio.gather(
        answer(pool, desk, ANN.address, "approve"), answer(pool, desk, BOB.address, "reject")
    )
    assert sorted(one.refused for one in done) == ["", "A-1 is decided already"]
    assert len({one.choice for one in done}) == 1
    found = await kinds(pool, "A-1")
    assert (found.count("decided"), found.count("refused")) == (1, 1)


async def test_what_does_not_count_is_listed(pool: Pool, desk: Desk) -> None:
    await requested(desk, rule=Rule.ORDER, deadline=timedelta(days=1), comment_required=True)
    late = replace(desk, now=LATER + timedelta(days=1))
    refused = [
        await answer(pool, desk, ANN.address, sender=BOB.address),
        await answer(pool, desk, BOB.address),
        await answer(pool, late, ANN.address),
        await answer(pool, desk, ANN.address, "maybe"),
        await answer(pool, desk, ANN.address, "reject"),
    ]
    reasons = [
        "bob@example.com is not an address of the approver",
        "bob@example.com is not asked yet",
        "it came after the deadline",
        "A-1 has no choice 'maybe'",
        "a rejection needs a comment",
    ]
    assert [one.refused for one in refused] == reasons
    assert [one.reason for one in await events(pool, "A-1") if one.kind == "refused"] == reasons
    assert await query(pool, "SELECT state FROM approval_request") == [("open",)]
    assert (await answer(pool, desk, ANN.address, "reject", comment="No.")).choice == "reject"
    again = await answer(pool, desk, ANN.address)
    assert again.refused == "ann@example.com has answered A-1 before"


async def test_after_reassignment_and_withdrawal_nothing_counts(pool: Pool, desk: Desk) -> None:
    await requested(desk)
    await reassign(desk, OPERATOR, "A-1", ANN.address, CID.address)
    done = await answer(pool, desk, ANN.address)
    assert done.refused == "ann@example.com is no longer asked: reassigned"
    await withdraw(desk, OPERATOR, "A-1")
    assert (await answer(pool, desk, CID.address)).refused == "A-1 is withdrawn already"


async def test_a_delegate_answers_within_the_dates(pool: Pool, desk: Desk) -> None:
    until = LATER + timedelta(days=7)
    await delegate(desk, OPERATOR, ANN.address, CID.address, LATER, until)
    await requested(desk, rule=Rule.ALL)
    late = await answer(pool, replace(desk, now=until), CID.address)
    assert late.refused == "cid@example.com answers for ann@example.com at another time"
    assert (await answer(pool, desk, CID.address)).refused == ""
    assert await states(pool, "A-1") == [
        (1, ANN.address, "answered for"),
        (1, CID.address, "answered"),
        (2, BOB.address, "asked"),
    ]
    assert (await answer(pool, desk, ANN.address)).refused.startswith(
        "ann@example.com is no longer"
    )


@pytest.mark.parametrize("change", ["1a", "a-", "999a-", "x"])
async def test_a_token_that_we_did_not_make_is_unknown(pool: Pool, desk: Desk, change: str) -> None:
    await requested(desk)
    (part, _) = await parts(pool, "A-1")
    token = str(token_for(b"other", part.assignment_id, part.request_id, part.address))
    for text in (token, change, f"{change}{token}"):
        given = PageAnswer(token=text, choice="approve", comment="", address=ANN.address)
        with pytest.raises(TokenUnknown):
            await answer_on_page(desk, given)
    assert await kinds(pool, "A-1") == ["requested", "asked", "asked"]


def test_a_comment_has_a_length() -> None:
    with pytest.raises(PermanentError, match="20,000 are the most"):
        PageAnswer(token="", choice="approve", comment="x" * 20_001, address=ANN.address)
