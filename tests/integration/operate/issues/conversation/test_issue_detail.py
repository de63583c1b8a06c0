"""One issue as commands and pages show it: fields, comments, edits, files, changes, links."""

from __future__ import annotations

from pathlib import Path

import pytest

from postrail.blobs import BlobStore
from postrail.database import Pool, transaction
from postrail.operate.issues.act import Desk
from postrail.operate.issues.assign import assign
from postrail.operate.issues.comment import comment, edit_comment
from postrail.operate.issues.edit import Edits, edit
from postrail.operate.issues.link import link
from postrail.operate.issues.merge import merge
from postrail.operate.issues.move import move
from postrail.operate.issues.transition import transition
from postrail.tracker import IssueNotFound
from postrail.tracker.builtin.tracker import BuiltinTracker
from postrail.views.contents import with_texts
from postrail.views.issue_detail import IssueDetail, LinkRow, issue_detail
from tests.integration.operate.issues.scene import AGENT, LATER, LEAD, new_issue
from tests.makers.drafts import attachment, comment_draft
from tests.makers.records import NOON

MANY = 500


async def detail(pool: Pool, key: str) -> IssueDetail:
    async with transaction(pool) as connection:
        return await issue_detail(connection, key)


async def test_all_fields_are_there(pool: Pool, desk: Desk, issue: str) -> None:
    values = {
        "priority": "High",
        "labels": ["fire", "water"],
        "components": ["Printer"],
        "due": "2026-12-24",
        "Pages": "12.5",
        "Bought": "2020-02-29",
        "Floor": "First",
        "Colours": ["Red", "Blue"],
    }
    await edit(desk, AGENT, issue, Edits(values=values))
    await assign(desk, AGENT, issue, AGENT.address)
    await transition(desk, AGENT, issue, "Done")
    found = await detail(pool, issue)
    head = found.issue
    assert (head.key, head.project, head.type, head.summary) == (
        issue,
        "HELP",
        "Request",
        "Printer on fire",
    )
    assert (head.status, head.category, head.resolution) == ("Done", "done", "Done")
    assert (head.priority, head.priority_name) == (2, "High")
    assert (head.assignee, head.assignee_name) == (AGENT.address, AGENT.name)
    assert (head.reporter, head.reporter_name) == ("ada@example.org", "Ada")
    assert (head.labels, head.components) == (["fire", "water"], ["Printer"])
    assert (str(head.due), head.resolved, head.updated) == ("2026-12-24", LATER, LATER)
    assert [(one.field, one.value) for one in found.fields] == [
        ("Pages", 12.5),
        ("Bought", "2020-02-29"),
        ("Floor", "First"),
        ("Colours", ["Red", "Blue"]),
    ]
    assert found.description == "It burns."
    changed = {one.field for one in found.changes}
    assert {"priority", "labels", "field:Pages", "status", "resolution"} <= changed


async def test_comments_with_their_edits_and_files(
    pool: Pool, desk: Desk, issue: str, tmp_path: Path
) -> None:
    blobs = BlobStore(tmp_path.as_uri())
    large = await blobs.put(b"a very large text")
    by_mail = comment_draft(
        issue, body="", body_blob=large.sha256, attachments=(attachment("a.txt", b"a"),)
    )
    async with transaction(pool) as connection:
        await BuiltinTracker().add_comments(connection, [by_mail], NOON)
    made = await comment(desk, AGENT, issue, "Secret.", internal=True)
    first = (await detail(pool, issue)).comments[0]
    await edit_comment(desk, LEAD, issue, first.comment_id, "Short.")
    found = await with_texts(await detail(pool, issue), blobs)
    assert [(one.comment_id, one.body, one.internal) for one in found.comments] == [
        (first.comment_id, "Short.", False),
        (made.comment_id, "Secret.", True),
    ]
    assert [(one.body, one.editor_name) for one in found.edits] == [
        ("a very large text", LEAD.name)
    ]
    assert [(one.name, one.comment_id) for one in found.attachments] == [
        ("a.txt", first.comment_id)
    ]


async def test_links_are_seen_from_both_sides(pool: Pool, desk: Desk, issue: str) -> None:
    other = await new_issue(pool, summary="No water")
    await link(desk, AGENT, other, "blocks", issue)
    await link(desk, AGENT, issue, "relates to", other)
    assert (await detail(pool, issue)).links == [
        LinkRow(relation=relation, issue_key=other, summary="No water", status="Open")
        for relation in ("is blocked by", "relates to")
    ]
    assert [one.relation for one in (await detail(pool, other)).links] == ["blocks", "relates to"]


async def test_a_merged_and_a_moved_issue_are_found_by_their_former_keys(
    pool: Pool, desk: Desk, issue: str
) -> None:
    other = await new_issue(pool, summary="It still burns")
    await comment(desk, AGENT, other, "Of the other.")
    await merge(desk, AGENT, other, issue)
    moved = await move(desk, AGENT, issue, "SALE")
    for key in (other, issue, moved.issue_key):
        found = await detail(pool, key)
        assert (found.issue.key, found.merged_from, found.former_keys) == (
            moved.issue_key,
            [other],
            [issue],
        )
        assert "Of the other." in [one.body for one in found.comments]


async def test_an_unknown_key_is_refused(pool: Pool) -> None:
    with pytest.raises(IssueNotFound, match=r"no issue HELP-9\. .*issues list"):
        await detail(pool, "HELP-9")


async def test_all_of_many_comments_are_read(pool: Pool, issue: str) -> None:
    drafts = [
        comment_draft(
            issue,
            body=f"{number} " + "text " * 100,
            quoted_text="> old\n" * 50,
            attachments=(attachment(f"{number}.txt", b"x"),),
        )
        for number in range(MANY)
    ]
    async with transaction(pool) as connection:
        await BuiltinTracker().add_comments(connection, drafts, NOON)
    found = await detail(pool, issue)
    assert len(found.comments) == len(found.attachments) == MANY
