"""Links between issues: each kind, from both sides, once, and without contradictions."""

from __future__ import annotations

import asyncio

import pytest

from postrail.database import Pool
from postrail.errors import PermanentError
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.link import LinkNotPossible, link, unlink
from postrail.operate.issues.merge import merge
from postrail.tracker import IssueNotFound
from postrail.workflow.rights import NotAllowed
from postrail.workflow.values import InvalidValue
from tests.integration.operate.issues.scene import (
    AGENT,
    LATER,
    OUTSIDER,
    history,
    new_issue,
    published,
    query,
)

LINKS = "SELECT issue_key, kind, linked_key FROM issue_link ORDER BY 1, 2, 3"


@pytest.fixture
async def other(pool: Pool, issue: str) -> str:
    """Makes a second issue, of another project."""
    return await new_issue(pool, project="SALE")


@pytest.mark.parametrize(
    ("words", "inverse", "stored"),
    [
        ("relates to", "relates to", ("HELP-1", "relates to", "SALE-1")),
        ("duplicates", "is duplicated by", ("HELP-1", "duplicates", "SALE-1")),
        ("is duplicated by", "duplicates", ("SALE-1", "duplicates", "HELP-1")),
        ("blocks", "is blocked by", ("HELP-1", "blocks", "SALE-1")),
        ("Is-Blocked-By", "blocks", ("SALE-1", "blocks", "HELP-1")),
    ],
)
async def test_a_link_is_made_and_removed_from_either_side(
    pool: Pool, desk: Desk, other: str, words: str, inverse: str, stored: tuple[str, str, str]
) -> None:
    made = await link(desk, AGENT, "HELP-1", words, other)
    said = words.replace("-", " ").lower()
    assert (made.words, made.linked, made.changed) == (said, True, True)
    assert await query(pool, LINKS) == [stored]
    again = await link(desk, AGENT, other, inverse, "HELP-1")
    assert (again.linked, again.changed) == (True, False)
    gone = await unlink(desk, AGENT, other, inverse, "HELP-1")
    assert (gone.linked, gone.changed) == (False, True)
    assert await query(pool, LINKS) == []
    assert not (await unlink(desk, AGENT, "HELP-1", words, other)).changed
    assert await history(pool, "HELP-1") == [
        ("link", None, f"{said} SALE-1"),
        ("link", f"{said} SALE-1", None),
    ]
    assert await history(pool, "SALE-1") == [
        ("link", None, f"{inverse} HELP-1"),
        ("link", f"{inverse} HELP-1", None),
    ]
    changed = [(one.issue_key, one.project, one.changes[0].field) for one in await published(pool)]
    assert sorted(changed) == [("HELP-1", "HELP", "link")] * 2 + [("SALE-1", "SALE", "link")] * 2
    assert await query(pool, "SELECT DISTINCT changed_at FROM issue") == [(LATER,)]


@pytest.mark.parametrize("words", ["blocks", "duplicates"])
async def test_the_opposite_of_a_link_is_refused(
    pool: Pool, desk: Desk, other: str, words: str
) -> None:
    await link(desk, AGENT, "HELP-1", words, other)
    with pytest.raises(LinkNotPossible, match="other way round") as raised:
        await link(desk, AGENT, other, words, "HELP-1")
    assert f"unlink HELP-1 {words} SALE-1" in raised.value.remedy
    assert len(await query(pool, LINKS)) == 1


@pytest.mark.parametrize(
    ("words", "key", "error", "problem"),
    [
        ("likes", "SALE-1", InvalidValue, "there is no link 'likes'. Use one of: relates to, dupl"),
        ("blocks", "HELP-1", LinkNotPossible, "HELP-1 and HELP-1 are one issue"),
        ("blocks", "SALE-9", IssueNotFound, "there is no issue SALE-9"),
    ],
)
async def test_a_refused_link_changes_nothing(
    pool: Pool,
    desk: Desk,
    other: str,
    words: str,
    key: str,
    error: type[PermanentError],
    problem: str,
) -> None:
    with pytest.raises(error, match=problem) as raised:
        await link(desk, AGENT, "HELP-1", words, key)
    assert raised.value.remedy
    assert await query(pool, LINKS) == []
    assert await published(pool) == []


@pytest.mark.parametrize(
    ("actor", "first", "second", "allowed"),
    [
        (AGENT, "HELP-1", "SALE-1", True),
        # An outsider of HELP, and an agent of SALE.
        (OUTSIDER, "HELP-1", "SALE-1", False),
        (OUTSIDER, "SALE-1", "HELP-1", False),
        (Actor(address=AGENT.address, channel="mail"), "HELP-1", "SALE-1", False),
    ],
)
async def test_a_link_takes_the_right_in_both_projects(
    desk: Desk, other: str, actor: Actor, first: str, second: str, allowed: bool
) -> None:
    if allowed:
        assert (await link(desk, actor, first, "blocks", second)).changed
        return
    with pytest.raises(NotAllowed):
        await link(desk, actor, first, "blocks", second)


async def test_links_of_the_same_issues_at_once_do_not_wait_for_each_other(
    pool: Pool, desk: Desk, other: str
) -> None:
    async with asyncio.timeout(60):
        done = await asyncio.gather(
            *(
                link(desk, AGENT, *keys)
                for _ in range(10)
                for keys in (("HELP-1", "relates to", other), (other, "relates to", "HELP-1"))
            )
        )
    assert [one.changed for one in done].count(True) == 1
    assert len(await query(pool, LINKS)) == 1


@pytest.mark.parametrize(
    ("words", "opposite"),
    [("blocks", "is blocked by"), ("is blocked by", "blocks"), ("duplicates", "is duplicated by")],
)
async def test_a_link_ends_where_the_successor_has_the_opposite_one(
    pool: Pool, desk: Desk, words: str, opposite: str
) -> None:
    old, new, third = [await new_issue(pool) for _ in range(3)]
    await link(desk, AGENT, old, words, third)
    await link(desk, AGENT, new, opposite, third)
    # Another kind says nothing against it.
    await link(desk, AGENT, old, "relates to", third)
    kept = "SELECT issue_key, kind, linked_key FROM issue_link WHERE %s IN (issue_key, linked_key)"
    before = await query(pool, kept, new)
    merged = await merge(desk, AGENT, old, new)
    assert merged.ended_links == (f"{words} {third}",)
    assert sorted(await query(pool, kept, new)) == sorted([*before, (new, "relates to", third)])
    assert await query(pool, kept, old) == []
    assert ("link", f"{words} {third}", None) in await history(pool, old)
