"""Texts that PostgreSQL cannot hold: NUL, and bytes of a terminal that are not UTF-8."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from postrail.blobs import BlobStore
from postrail.database import Pool, transaction
from postrail.errors import PermanentError
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.assign import assign
from postrail.operate.issues.attach import NewFile, attach
from postrail.operate.issues.comment import comment, commenter
from postrail.operate.issues.create import create
from postrail.operate.issues.edit import Edits, edit
from postrail.operate.issues.link import link
from postrail.operate.issues.merge import merge
from postrail.operate.issues.move import move
from postrail.operate.issues.persons import actor_with
from postrail.operate.issues.transition import transition
from postrail.operate.issues.watch import watch
from postrail.people import PersonNotFound
from tests.integration.operate.issues.scene import AGENT, LEAD, history

# Surrogates are what Python makes of bytes that are not UTF-8.
BAD = ["\0", "\udcff"]
ACTS: dict[str, Callable[[Desk, str, str], Awaitable[Any]]] = {
    "key": lambda desk, key, bad: edit(desk, AGENT, key + bad, Edits(values={"summary": "x"})),
    "other key": lambda desk, key, bad: link(desk, AGENT, key, "blocks", key + bad),
    "key to merge into": lambda desk, key, bad: merge(desk, LEAD, key, key + bad),
    "project": lambda desk, _, bad: create(desk, AGENT, f"HELP{bad}", {"summary": "x"}),
    "project to move to": lambda desk, key, bad: move(desk, LEAD, key, f"SALE{bad}"),
    "assignee": lambda desk, key, bad: assign(desk, AGENT, key, f"{bad}@example.com"),
    "watcher": lambda desk, key, bad: watch(desk, AGENT, key, watcher=f"{bad}@example.com"),
    "status": lambda desk, key, bad: transition(desk, AGENT, key, f"Done{bad}"),
    "summary": lambda desk, key, bad: edit(desk, AGENT, key, Edits(values={"summary": bad})),
    "field": lambda desk, key, bad: edit(desk, AGENT, key, Edits(values={"Serial": f"x{bad}"})),
    "name of a field": lambda desk, key, bad: edit(desk, AGENT, key, Edits(values={bad: "x"})),
    "reporter": lambda desk, key, bad: edit(
        desk, AGENT, key, Edits(values={"reporter": f"{bad}@example.com"})
    ),
    "owner": lambda desk, key, bad: edit(
        desk, AGENT, key, Edits(values={"Owner": f"{bad}@example.com"})
    ),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", ACTS)
async def test_an_act_with_such_a_text_is_refused(
    desk: Desk, pool: Pool, issue: str, name: str, bad: str
) -> None:
    with pytest.raises(PermanentError):
        await ACTS[name](desk, issue, bad)
    assert await history(pool, issue) == []


@pytest.mark.parametrize("bad", BAD)
async def test_such_an_author_is_refused(pool: Pool, bad: str) -> None:
    address = f"agent{bad}@example.com"
    async with transaction(pool) as connection:
        with pytest.raises(PersonNotFound, match="no person with the address"):
            await actor_with(connection, address)
        with pytest.raises(PersonNotFound, match="no person with the address"):
            await commenter(connection, address)
    with pytest.raises(PermanentError, match="cannot be stored"):
        Actor(name=bad)


@pytest.mark.parametrize(("bad", "name"), [("\0", "plan.pdf"), ("\udcff", "pl?an.pdf")])
async def test_files_and_comments_are_kept_without_such_characters(
    desk: Desk, issue: str, tmp_path: Path, bad: str, name: str
) -> None:
    done = await attach(
        desk, AGENT, issue, [NewFile(f"pl{bad}an.pdf", b"x")], BlobStore(tmp_path.as_uri())
    )
    ((_, file),) = done.files
    assert (file.original_name or file.name) == name
    assert (await comment(desk, AGENT, issue, f"Fixed{bad}")).comment_id
