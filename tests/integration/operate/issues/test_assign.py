"""Assigning an issue: to known people, with a notification, history and record."""

from __future__ import annotations

import pytest

from postrail.database import Pool
from postrail.errors import PermanentError
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.assign import assign
from postrail.workflow.rights import NotAllowed
from postrail.workflow.values import InvalidValue
from tests.integration.operate.issues.scene import (
    AGENT,
    LEAD,
    OPERATOR,
    OUTSIDER,
    history,
    mails,
    published,
    query,
)

ASSIGNEE = "SELECT assignee FROM issue WHERE issue_key = %s"
SECOND = "second@example.com"


async def test_an_assignee_watches_and_is_notified(pool: Pool, desk: Desk, issue: str) -> None:
    done = await assign(desk, AGENT, issue, "Second@Example.com")
    assert (done.before, done.assignee, done.notified) == (None, SECOND, (SECOND,))
    assert await query(pool, ASSIGNEE, issue) == [(SECOND,)]
    ((recipient, text),) = await mails(pool)
    assert recipient == SECOND
    assert f"An Agent assigned {issue} to you: Printer on fire\n\nIt burns.\n" in text
    assert await history(pool, issue) == [("assignee", None, SECOND), ("watcher", None, SECOND)]
    (record,) = await published(pool)
    assert (record.act, record.actor_name) == ("assign", "An Agent")


async def test_one_who_takes_an_issue_is_not_notified(pool: Pool, desk: Desk, issue: str) -> None:
    assert (await assign(desk, AGENT, issue, AGENT.address)).notified == ()
    assert await mails(pool) == []


async def test_the_same_assignee_again_changes_nothing(pool: Pool, desk: Desk, issue: str) -> None:
    await assign(desk, AGENT, issue, SECOND)
    assert (await assign(desk, LEAD, issue, SECOND)).notified == ()
    assert len(await history(pool, issue)) == 2
    assert len(await published(pool)) == 1


async def test_an_issue_is_assigned_to_nobody(pool: Pool, desk: Desk, issue: str) -> None:
    await assign(desk, OPERATOR, issue, SECOND)
    done = await assign(desk, OPERATOR, issue, None)
    assert (done.before, done.assignee, done.notified) == (SECOND, None, ())
    assert await query(pool, ASSIGNEE, issue) == [(None,)]
    assert (await history(pool, issue))[-1] == ("assignee", SECOND, None)


@pytest.mark.parametrize(
    ("actor", "assignee", "error", "problem"),
    [
        (AGENT, "nobody@example.com", InvalidValue, "no person with the address"),
        (AGENT, "ada@example.org", InvalidValue, "no person with the address"),
        (AGENT, "gone@example.com", InvalidValue, "is not active"),
        (OUTSIDER, SECOND, NotAllowed, "may not assign by command"),
    ],
)
async def test_a_refused_assignment_changes_nothing(
    pool: Pool,
    desk: Desk,
    issue: str,
    actor: Actor,
    assignee: str,
    error: type[PermanentError],
    problem: str,
) -> None:
    with pytest.raises(error, match=problem):
        await assign(desk, actor, issue, assignee)
    assert await query(pool, ASSIGNEE, issue) == [(None,)]
    assert await history(pool, issue) == []
    assert await published(pool) == []
