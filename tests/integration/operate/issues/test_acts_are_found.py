"""Acts by hand keep the words of the search: the list finds what they wrote, and not what was."""

from __future__ import annotations

from pathlib import Path

from postrail.blobs import BlobStore
from postrail.database import Pool, transaction
from postrail.operate.issues.act import Desk
from postrail.operate.issues.attach import NewFile, attach
from postrail.operate.issues.comment import comment, edit_comment
from postrail.operate.issues.edit import Edits, edit
from postrail.operate.issues.merge import merge
from postrail.query.parse import parse
from postrail.views.issue_search import found_issues
from tests.integration.operate.issues.scene import AGENT, new_issue
from tests.makers.records import NOON


async def keys(pool: Pool, text: str) -> list[str]:
    async with transaction(pool) as connection:
        found = await found_issues(connection, parse(text), now=NOON)
    return [one.key for one in found]


async def test_an_edited_summary_and_reporter(pool: Pool, desk: Desk, issue: str) -> None:
    assert await keys(pool, 'summary ~ "flood" OR text ~ flooded OR reporter ~ "bo@"') == []
    values = {"summary": "Cellar FLOODED", "reporter": "agent@example.com"}
    await edit(desk, AGENT, issue, Edits(values=values))
    assert await keys(pool, "summary ~ flood AND text ~ flooding AND reporter ~ 'agent@'") == [
        issue
    ]
    assert await keys(pool, "reporter ~ 'ada@' OR text ~ printer") == []


async def test_a_comment_and_its_edit(pool: Pool, desk: Desk, issue: str) -> None:
    made = await comment(desk, AGENT, issue, "Use an extinguisher.")
    assert await keys(pool, "text ~ extinguishers") == [issue]
    await edit_comment(desk, AGENT, issue, made.comment_id, "Use a blanket.")
    assert await keys(pool, "text ~ blankets") == [issue]
    assert await keys(pool, "text ~ extinguishers") == []


async def test_an_attached_file(pool: Pool, desk: Desk, issue: str, tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path.as_uri())
    await attach(desk, AGENT, issue, [NewFile("floor_plan.pdf", b"x")], blobs)
    assert await keys(pool, "text ~ plan") == [issue]


async def test_a_merged_issue_is_found_as_the_other(pool: Pool, desk: Desk, issue: str) -> None:
    other = await new_issue(
        pool, summary="Zeppelin landed", description="A hummingbird sits on it."
    )
    await comment(desk, AGENT, other, "It flies.")
    await merge(desk, AGENT, other, issue)
    assert await keys(pool, "text ~ hummingbird AND text ~ flies") == [issue]
    assert await keys(pool, "ORDER BY key") == [issue]
