"""Watching an issue: oneself and others, once, with history and record."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from postrail.database import Pool
from postrail.errors import PermanentError
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.watch import watch
from postrail.people import PersonNotFound
from postrail.workflow.rights import Channel, NotAllowed
from tests.integration.operate.issues.scene import (
    AGENT,
    OPERATOR,
    OUTSIDER,
    history,
    published,
    query,
)

WATCHERS = "SELECT address, name FROM watcher ORDER BY address"
ADA = ("ada@example.org", "Ada")


async def test_a_person_watches_and_leaves(pool: Pool, desk: Desk, issue: str) -> None:
    done = await watch(desk, AGENT, issue)
    assert (done.watcher, done.watching, done.changed) == (AGENT.address, True, True)
    assert await query(pool, WATCHERS) == [ADA, (AGENT.address, AGENT.name)]
    assert (await watch(desk, AGENT, issue, watching=False)).changed
    assert await query(pool, WATCHERS) == [ADA]
    assert await history(pool, issue) == [
        ("watcher", None, AGENT.address),
        ("watcher", AGENT.address, None),
    ]
    start, stop = await published(pool)
    assert (start.act, start.issue_key, start.actor_address) == ("watch", issue, AGENT.address)
    assert [(one.field, one.before, one.after) for one in stop.changes] == [
        ("watcher", f'"{AGENT.address}"', None)
    ]


@pytest.mark.parametrize("watching", [True, False])
async def test_watching_as_before_writes_nothing(
    pool: Pool, desk: Desk, issue: str, watching: bool
) -> None:
    if watching:
        await watch(desk, AGENT, issue)
    before = await history(pool, issue)
    assert not (await watch(desk, AGENT, issue, watching=watching)).changed
    assert await history(pool, issue) == before
    assert len(await published(pool)) == len(before)


@pytest.mark.parametrize("channel", ["mail", "command", "page"])
async def test_an_outsider_watches_in_any_way(desk: Desk, issue: str, channel: Channel) -> None:
    mail_id = str(uuid.uuid4()) if channel == "mail" else None
    actor = replace(OUTSIDER, channel=channel, mail_id=mail_id)
    assert (await watch(desk, actor, issue)).changed


async def test_another_person_is_added_by_any_address(pool: Pool, desk: Desk, issue: str) -> None:
    await query(
        pool,
        "INSERT INTO person_address SELECT 'other@example.com', person_id FROM person"
        " WHERE address = 'second@example.com' RETURNING 1",
    )
    done = await watch(desk, OPERATOR, issue, watcher="Other@Example.com")
    assert done.changed
    assert await query(pool, WATCHERS) == [ADA, ("second@example.com", "A Second Agent")]
    assert not (await watch(desk, OPERATOR, issue, watcher="other@example.com")).changed
    await watch(desk, OPERATOR, issue, watcher="other@example.com", watching=False)
    assert await query(pool, WATCHERS) == [ADA]


async def test_one_who_is_no_person_may_be_removed(pool: Pool, desk: Desk, issue: str) -> None:
    await watch(desk, AGENT, issue, watcher="ada@example.org", watching=False)
    assert await query(pool, WATCHERS) == []


@pytest.mark.parametrize(
    ("actor", "watcher", "error", "problem"),
    [
        (AGENT, "nobody@example.com", PersonNotFound, "no person with the address"),
        (AGENT, "gone@example.com", PersonNotFound, "is not active"),
        (OPERATOR, "", PermanentError, "the operator has no address"),
        # Outsiders watch by themselves, and add nobody.
        (OUTSIDER, "second@example.com", NotAllowed, "may not add watcher"),
    ],
)
async def test_a_refused_watcher_changes_nothing(
    pool: Pool,
    desk: Desk,
    issue: str,
    actor: Actor,
    watcher: str,
    error: type[PermanentError],
    problem: str,
) -> None:
    with pytest.raises(error, match=problem):
        await watch(desk, actor, issue, watcher=watcher)
    assert await query(pool, WATCHERS) == [ADA]
    assert await history(pool, issue) == []
    assert await published(pool) == []
