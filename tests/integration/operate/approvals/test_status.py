"""Transitions to a status with an approval setup: whoever may not set it requests it."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.approvals.named import request_named
from postrail.approvals.request import Request, Rule
from postrail.configuration import store as configuration
from postrail.configuration.models.project import Project
from postrail.database import Pool, transaction
from postrail.operate.approvals.withdraw import withdraw
from postrail.operate.issues.act import Desk
from postrail.operate.issues.transition import transition
from postrail.workflow.rights import NotAllowed
from postrail.workflow.transitions import TransitionNotAllowed
from postrail.workflow.values import InvalidValue
from tests.integration.operate.approvals.scene import ANN, BOB, OPERATOR, parts
from tests.integration.operate.issues.scene import (
    ADMINISTRATOR,
    AGENT,
    HELP,
    LEAD,
    OUTSIDER,
    history,
    query,
)
from tests.makers.records import NOON

STATUS = "SELECT status FROM issue WHERE issue_key = %s"


async def ruled(pool: Pool, **changes: Any) -> None:
    """Lets the status Released of HELP be approved by mail."""
    statuses = [
        {
            **one.model_dump(),
            **({"approval_setup": "deploy", **changes} if one.name == "Released" else {}),
            "next_statuses": ["In Progress"] if one.name == "Done" else None,
        }
        for one in HELP.statuses
    ]
    project = Project.model_validate({**HELP.model_dump(), "statuses": statuses})
    async with transaction(pool) as connection:
        await configuration.save(connection, project, before=HELP, author="test", now=NOON)


async def request(pool: Pool) -> Request:
    """Returns the request A-1."""
    async with transaction(pool) as connection:
        return await request_named(connection, "A-1")


async def test_an_agent_requests_the_status(pool: Pool, desk: Desk, issue: str) -> None:
    await ruled(pool)
    done = await transition(desk, AGENT, issue, "released")
    assert (done.status, done.changed, done.request) == ("Open", False, "A-1")
    # Those who may set it themselves.
    assert set(done.notified) == {LEAD.address, ADMINISTRATOR.address}
    assert await query(pool, STATUS, issue) == [("Open",)]
    assert await history(pool, issue) == [("approval", None, "A-1")]
    made = await request(pool)
    assert made.subject.endswith(": Open → Released")
    assert (made.approved_status, made.rejected_status) == ("Released", "")
    assert (made.origin, made.requester_address) == ("transition", AGENT.address)


async def test_a_long_summary_is_cut_in_the_subject(pool: Pool, desk: Desk, issue: str) -> None:
    await ruled(pool)
    await query(pool, "UPDATE issue SET summary = repeat('x', 255) RETURNING 1")
    assert (await transition(desk, AGENT, issue, "Released")).request == "A-1"
    subject = (await request(pool)).subject
    assert (len(subject), subject[-20:]) == (250, "xxx: Open → Released")


async def test_the_status_is_requested_once(pool: Pool, desk: Desk, issue: str) -> None:
    await ruled(pool)
    await transition(desk, AGENT, issue, "Released")
    again = await transition(desk, AGENT, issue, "Released")
    assert (again.request, again.notified) == ("A-1", ())
    assert await query(pool, "SELECT count(*) FROM approval_request") == [(1,)]
    await withdraw(desk, OPERATOR, "A-1")
    third = await transition(desk, AGENT, issue, "Released")
    assert third.request == "A-2"


async def test_the_status_says_who_approves_by_which_rule(
    pool: Pool, desk: Desk, issue: str
) -> None:
    await ruled(pool, approvers=["group:managers", LEAD.address], approval_rule="2")
    await transition(desk, AGENT, issue, "Released")
    made = await request(pool)
    assert (made.rule, made.needed) == (Rule.COUNT, 2)
    asked = [one.address for one in await parts(pool, "A-1")]
    assert asked == [ANN.address, BOB.address, LEAD.address]


async def test_who_may_approve_sets_the_status_at_once(pool: Pool, desk: Desk, issue: str) -> None:
    await ruled(pool)
    done = await transition(desk, LEAD, issue, "Released")
    assert (done.status, done.request) == ("Released", "")
    assert await query(pool, "SELECT count(*) FROM approval_request") == [(0,)]


async def test_its_requester_may_not_say_who_approves(pool: Pool, desk: Desk, issue: str) -> None:
    await ruled(pool)
    await transition(desk, AGENT, issue, "Released")
    with pytest.raises(NotAllowed):
        await withdraw(desk, AGENT, "A-1")


async def test_what_is_not_allowed_requests_nothing(pool: Pool, desk: Desk, issue: str) -> None:
    await ruled(pool)
    with pytest.raises(NotAllowed):
        await transition(desk, OUTSIDER, issue, "Released")
    with pytest.raises(InvalidValue, match="must be approved first"):
        await transition(desk, AGENT, issue, "Released", resolution="Fixed")
    await transition(desk, AGENT, issue, "Done")
    with pytest.raises(TransitionNotAllowed):
        await transition(desk, AGENT, issue, "Released")
    assert await query(pool, "SELECT count(*) FROM approval_request") == [(0,)]
