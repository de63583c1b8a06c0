"""The way of an issue through the statuses: steps, approvals, resolutions, notifications."""

from __future__ import annotations

import pytest

from postrail.database import Pool
from postrail.errors import PermanentError
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.transition import transition
from postrail.workflow.rights import NotAllowed
from postrail.workflow.transitions import TransitionNotAllowed
from postrail.workflow.values import InvalidValue
from tests.integration.operate.issues.scene import (
    ADMINISTRATOR,
    AGENT,
    LATER,
    LEAD,
    OPERATOR,
    OUTSIDER,
    history,
    mails,
    new_issue,
    published,
    query,
)

PROGRESS = "SELECT status, resolution, resolved_at FROM issue WHERE issue_key = %s"
ADA = "ada@example.org"


@pytest.mark.parametrize(
    ("actor", "before", "wanted", "resolution", "progress"),
    [
        (AGENT, "Open", "In Progress", "", ("In Progress", None, None)),
        # Whatever the case.
        (AGENT, "Open", "in progress", "", ("In Progress", None, None)),
        (AGENT, "Open", "Done", "", ("Done", "Done", LATER)),
        (AGENT, "Open", "Done", "Cannot  reproduce", ("Done", "Cannot reproduce", LATER)),
        (AGENT, "Done", "Open", "", ("Open", None, None)),
        (AGENT, "In Progress", "Done", "", ("Done", "Done", LATER)),
        # Without next_statuses any may follow.
        (AGENT, "In Progress", "Open", "", ("Open", None, None)),
        (AGENT, "Released", "In Progress", "", ("In Progress", None, None)),
        # A status that needs an approval.
        (LEAD, "In Progress", "Released", "", ("Released", "Done", LATER)),
        (ADMINISTRATOR, "In Progress", "Released", "", ("Released", "Done", LATER)),
        (OPERATOR, "In Progress", "Released", "", ("Released", "Done", LATER)),
        # The resolution alone.
        (AGENT, "Done", "Done", "Duplicate", ("Done", "Duplicate", LATER)),
    ],
)
async def test_an_allowed_transition(
    pool: Pool,
    desk: Desk,
    actor: Actor,
    before: str,
    wanted: str,
    resolution: str,
    progress: tuple[object, ...],
) -> None:
    issue = await brought(pool, desk, before)
    done = await transition(desk, actor, issue, wanted, resolution=resolution)
    assert await query(pool, PROGRESS, issue) == [progress]
    assert (done.before, done.status, done.resolution) == (before, progress[0], progress[1])


@pytest.mark.parametrize(
    ("actor", "before", "wanted", "resolution", "error", "problem"),
    [
        (AGENT, "Open", "Closed", "", InvalidValue, "Use one of: Open, In Progress, Released"),
        (AGENT, "Open", "In Progress", "Fixed", InvalidValue, "takes no resolution"),
        (AGENT, "Open", "Done", "x" * 101, InvalidValue, "101 characters"),
        (LEAD, "Open", "Released", "", TransitionNotAllowed, "may not follow 'Open'"),
        (OPERATOR, "Done", "In Progress", "", TransitionNotAllowed, "Use one of: Open"),
        (AGENT, "In Progress", "Released", "", NotAllowed, "may not approve by command"),
        (OUTSIDER, "Open", "In Progress", "", NotAllowed, "may not transition by command"),
    ],
)
async def test_a_refused_transition_changes_nothing(
    pool: Pool,
    desk: Desk,
    actor: Actor,
    before: str,
    wanted: str,
    resolution: str,
    error: type[PermanentError],
    problem: str,
) -> None:
    issue = await brought(pool, desk, before)
    rows, told = await history(pool, issue), await mails(pool)
    with pytest.raises(error, match=problem):
        await transition(desk, actor, issue, wanted, resolution=resolution)
    assert (await query(pool, PROGRESS, issue))[0][0] == before
    assert await history(pool, issue) == rows
    assert await mails(pool) == told


async def test_watchers_are_notified_when_an_issue_is_done_and_open_again(
    pool: Pool, desk: Desk, issue: str
) -> None:
    assert (await transition(desk, AGENT, issue, "In Progress")).notified == ()
    done = await transition(desk, AGENT, issue, "Done", resolution="Fixed")
    assert done.notified == (ADA,)
    # From one status of the category done to another, and within it, nobody needs a message.
    assert (await transition(desk, AGENT, issue, "Done", resolution="Duplicate")).notified == ()
    assert (await transition(desk, OPERATOR, issue, "Open")).notified == (ADA,)
    texts = [text for _, text in await mails(pool)]
    assert f"An Agent set {issue} to Done (Fixed): Printer on fire\n" in texts[0]
    assert f"The help desk set {issue} to Open: Printer on fire\n" in texts[1]
    assert await history(pool, issue) == [
        ("status", "Open", "In Progress"),
        ("status", "In Progress", "Done"),
        ("resolution", None, "Fixed"),
        ("resolution", "Fixed", "Duplicate"),
        ("status", "Done", "Open"),
        ("resolution", "Duplicate", None),
    ]


async def test_the_same_status_again_changes_nothing(pool: Pool, desk: Desk, issue: str) -> None:
    await transition(desk, AGENT, issue, "Done")
    assert (await transition(desk, AGENT, issue, "Done")).notified == ()
    assert len(await published(pool)) == 1


async def test_history_says_that_a_step_was_an_approval(pool: Pool, desk: Desk, issue: str) -> None:
    await transition(desk, AGENT, issue, "In Progress")
    await transition(desk, LEAD, issue, "Released")
    acts = await query(pool, "SELECT act, actor_address FROM issue_change ORDER BY change_id")
    assert acts[0] == ("transition", AGENT.address)
    assert set(acts[1:]) == {("approve", LEAD.address)}
    assert [record.act for record in await published(pool)] == ["transition", "approve"]


async def brought(pool: Pool, desk: Desk, status: str) -> str:
    """Makes an issue and brings it to the status."""
    issue = await new_issue(pool)
    steps = {"Open": [], "Done": ["Done"], "In Progress": ["In Progress"]}
    for step in steps.get(status, ["In Progress", status]):
        await transition(desk, OPERATOR, issue, step)
    return issue
