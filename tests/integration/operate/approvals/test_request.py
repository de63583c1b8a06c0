"""Requests: who is asked, what a repetition does, which orders are refused."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from postrail.approvals.named import RequestNotFound
from postrail.approvals.request import AtDeadline, Choice, Meaning, Rule
from postrail.database import Pool
from postrail.errors import PipelineError
from postrail.operate.approvals.act import RequestEnded
from postrail.operate.approvals.request import request_approval
from postrail.operate.approvals.withdraw import withdraw
from postrail.operate.issues.act import Actor, Desk
from postrail.tracker import IssueNotFound
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
from tests.integration.operate.issues.scene import AGENT, LATER, LEAD, query

YES = Choice(name="yes")


async def test_each_approver_is_asked_by_a_message_of_their_own(pool: Pool, desk: Desk) -> None:
    done = await requested(desk, remind_after_seconds=3600, deadline=timedelta(days=1))
    assert done.key == "A-1"
    assert (done.is_new, done.notified, done.held) == (True, (ANN.address, BOB.address), ())
    assert await states(pool, "A-1") == [(1, ANN.address, "asked"), (2, BOB.address, "asked")]
    assert await query(pool, "SELECT count(*) FROM outgoing_mail") == [(2,)]
    assert sorted(await recipients(pool)) == [ANN.address, BOB.address]
    assert await kinds(pool, "A-1") == ["requested", "asked", "asked"]
    topics = await query(pool, "SELECT DISTINCT topic FROM outbox")
    assert topics == [("outgoing.queued",)]
    (row,) = await query(pool, "SELECT deadline, setup, origin, state FROM approval_request")
    assert row == (LATER + timedelta(days=1), "deploy", "command", "open")


async def test_the_first_event_says_what_was_asked(pool: Pool, desk: Desk) -> None:
    await request_approval(desk, ANN, order(BOB.address), seal)
    first = (await events(pool, "A-1"))[0]
    assert (first.actor, first.channel) == (ANN.address, "command")
    assert '"subject":"Deploy 4.2"' in first.details


@pytest.mark.parametrize(
    ("named", "asked"),
    [
        (["group:managers"], [ANN.address, BOB.address]),
        (["group:Managers", "ANN@home.example", "bob@example.com"], [ANN.address, BOB.address]),
        # The order in which they are named.
        (["cid@example.com", "group:managers"], [CID.address, ANN.address, BOB.address]),
        # A stranger.
        (["Zoe@example.net"], ["zoe@example.net"]),
    ],
)
async def test_approvers_are_people_groups_and_strangers(
    pool: Pool, desk: Desk, named: list[str], asked: list[str]
) -> None:
    await requested(desk, *named)
    assert [one.address for one in await parts(pool, "A-1")] == asked


async def test_the_lead_of_the_project_is_asked(pool: Pool, desk: Desk, issue: str) -> None:
    await request_approval(desk, OPERATOR, order("lead"), seal, issue_key=issue)
    assert await states(pool, "A-1") == [(1, LEAD.address, "asked")]


async def test_in_order_only_the_first_is_asked(pool: Pool, desk: Desk) -> None:
    done = await requested(desk, rule=Rule.ORDER)
    assert (done.notified, done.later) == ((ANN.address,), (BOB.address,))
    assert await states(pool, "A-1") == [(1, ANN.address, "asked"), (2, BOB.address, "planned")]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"setup": "deplyo"}, "there is no approval setup 'deplyo'. Name one of these: deploy"),
        ({"setup": "off"}, "'off' is disabled"),
        ({"subject": " "}, "the subject has no text"),
        ({"subject": "one\ntwo"}, "several lines"),
        ({"subject": "x" * 300}, "300 characters"),
        ({"approvers": ()}, "has no approvers"),
        ({"approvers": ("someone",)}, "'someone' is no approver"),
        ({"approvers": ("lead",)}, "the request has no issue"),
        ({"approvers": ("group:nobody",)}, "group:nobody has no active members"),
        ({"approvers": ("gone@example.com",)}, "is not active"),
        ({"approvers": ("answers@example.com",)}, "is an address of Postrail itself"),
        ({"rule": Rule.COUNT, "needed": 3}, "3 must approve, and the request asks 2"),
        ({"choices": (YES, replace(YES, label="Sure"))}, "'yes' stands for two choices"),
        ({"choices": (YES, Choice(name="ok", label="YES"))}, "'yes' stands for two choices"),
        ({"choices": (Choice(name="2"),)}, "numbers stand for the places"),
        ({"choices": (Choice(name="approve", meaning=Meaning.REJECT),)}, "means reject"),
        ({"choices": (Choice(name="no", meaning=Meaning.REJECT),)}, "no choice approves"),
        ({"choices": (YES, Choice(name="no"))}, "choice 'no' means approve"),
        ({"choices": (YES, Choice(name="x", label="Nicht genehmigt"))}, "means approve"),
        ({"choices": (YES,), "rule": Rule.COUNT}, "no choice says what follows"),
        ({"deadline": LATER}, "the deadline is past"),
        ({"deadline": timedelta(days=40_000_000)}, "the deadline is too far"),
        ({"at_deadline": AtDeadline.REJECT}, "has none"),
        (
            {
                "deadline": timedelta(1),
                "at_deadline": AtDeadline.ESCALATE,
                "escalate_to": ("group:managers",),
            },
            "escalates to nobody but the approvers",
        ),
        ({"deadline": timedelta(1), "at_deadline": AtDeadline.ESCALATE}, "escalates to nobody"),
        ({"deadline": timedelta(1), "escalate_to": ("cid@example.com",)}, "means expire"),
        (
            {"deadline": timedelta(1), "at_deadline": AtDeadline.REJECT, "choices": (YES,)},
            "the deadline rejects, and no choice does",
        ),
        ({"callback_url": "https://example.org/x"}, "no secret to sign callbacks with"),
        ({"callback_url": "ftp://example.org/x"}, "does not begin with https"),
        ({"callback_url": "http://example.org/x", "setup": "signed"}, "does not begin with https"),
        ({"callback_url": "https://10.0.0.7/x", "setup": "signed"}, "not on the public internet"),
        ({"callback_url": "https://[::1/x", "setup": "signed"}, "not a valid URL"),
        ({"approved_status": "Done"}, "the request has no issue"),
        ({"fields": (("", "4.2"),)}, "a field has no label"),
        ({"requester_address": "Bob"}, "'Bob' is no address"),
        ({"requester_address": "a@example.org, b@example.org"}, "is no address"),
        ({"idempotency_key": "x" * 300}, "the idempotency key has 300 characters"),
        ({"fields": (("Note", "x" * 3000),)}, "characters"),
    ],
)
async def test_a_refused_order_asks_nobody(
    pool: Pool, desk: Desk, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(PipelineError) as refused:
        await request_approval(desk, OPERATOR, order(**changes), seal)
    assert problem in str(refused.value)
    assert await query(pool, "SELECT count(*) FROM approval_request") == [(0,)]
    assert await query(pool, "SELECT count(*) FROM outgoing_mail") == [(0,)]


async def test_the_url_of_a_callback_is_stored_sealed(pool: Pool, desk: Desk) -> None:
    url = "http://deploy.example.internal/done?key=1"
    await requested(desk, setup="signed", callback_url=url)
    (row,) = await query(pool, "SELECT callback_url, comment_required FROM approval_request")
    assert row == (seal(url), True)


async def test_an_order_with_the_same_key_makes_no_second_request(pool: Pool, desk: Desk) -> None:
    first = await requested(desk, idempotency_key="build 7", deadline=timedelta(days=1))
    later = replace(desk, now=desk.now + timedelta(hours=3))
    again = await requested(later, idempotency_key="build 7", deadline=timedelta(days=1))
    assert (again.request_id, again.is_new, again.notified) == (first.request_id, False, ())
    assert await query(pool, "SELECT count(*) FROM outgoing_mail") == [(2,)]


async def test_the_same_key_for_something_else_is_refused(pool: Pool, desk: Desk) -> None:
    await requested(desk, idempotency_key="build 7")
    with pytest.raises(PipelineError, match="has made A-1 already"):
        await requested(desk, idempotency_key="build 7", subject="Deploy 4.3")


async def test_two_orders_at_once_with_the_same_key_make_one_request(
    pool: Pool, desk: Desk
) -> None:
    done = await asyncio.gather(*(requested(desk, idempotency_key="build 7") for _ in range(5)))
    assert len({one.request_id for one in done}) == 1
    assert [one.is_new for one in done].count(True) == 1
    assert await query(pool, "SELECT count(*) FROM outgoing_mail") == [(2,)]


async def test_a_request_replaces_another(pool: Pool, desk: Desk) -> None:
    await requested(desk)
    new = order(BOB.address, subject="Deploy 4.2.1", idempotency_key="second")
    done = await request_approval(desk, OPERATOR, new, seal, replaces="a-1")
    assert (done.key, done.replaces) == ("A-2", "A-1")
    assert {state for _, _, state in await states(pool, "A-1")} == {"withdrawn"}
    last = (await events(pool, "A-1"))[-1]
    assert (last.kind, last.reason) == ("withdrawn", "replaced by A-2")
    # The same command once more.
    again = await request_approval(desk, OPERATOR, new, seal, replaces="a-1")
    assert (again.key, again.is_new) == ("A-2", False)


async def test_only_an_open_request_is_replaced(pool: Pool, desk: Desk) -> None:
    await requested(desk)
    await withdraw(desk, OPERATOR, "A-1")
    with pytest.raises(RequestEnded, match="A-1 is withdrawn already"):
        await request_approval(desk, OPERATOR, order(), seal, replaces="A-1")
    with pytest.raises(RequestNotFound):
        await request_approval(desk, OPERATOR, order(), seal, replaces="A-9")
    assert await query(pool, "SELECT count(*) FROM approval_request") == [(1,)]


@pytest.mark.parametrize(
    ("actor", "status", "allowed"),
    [
        (AGENT, "In Progress", True),
        # Otherwise an agent would choose who approves what takes a lead.
        (AGENT, "Released", False),
        (LEAD, "released", True),
        (OPERATOR, "Released", True),
        (Actor(address="outsider@example.com"), "In Progress", False),
    ],
)
async def test_a_status_follows_only_where_the_actor_might_set_it(
    pool: Pool, desk: Desk, issue: str, actor: Actor, status: str, allowed: bool
) -> None:
    wanted = order(approved_status=status)
    if allowed:
        done = await request_approval(desk, actor, wanted, seal, issue_key=issue)
        assert done.key == "A-1"
        return
    with pytest.raises(NotAllowed):
        await request_approval(desk, actor, wanted, seal, issue_key=issue)
    assert await query(pool, "SELECT count(*) FROM approval_request") == [(0,)]


async def test_the_deadline_escalates_to_others_than_the_approvers(pool: Pool, desk: Desk) -> None:
    escalates = {
        "at_deadline": AtDeadline.ESCALATE,
        "escalate_to": ("group:managers", "cid@example.com"),
    }
    await requested(desk, ANN.address, deadline=timedelta(days=1), **escalates)
    assert await query(pool, "SELECT escalate_to FROM approval_request") == [
        ([BOB.address, CID.address],)
    ]


async def test_an_unknown_issue_is_refused(desk: Desk) -> None:
    with pytest.raises(IssueNotFound):
        await request_approval(desk, OPERATOR, order(), seal, issue_key="HELP-99")
