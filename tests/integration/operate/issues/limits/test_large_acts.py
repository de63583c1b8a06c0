"""An act has one record in Kafka, which takes no record of more than 1 MiB."""

from __future__ import annotations

import pytest

from postrail.configuration import store
from postrail.configuration.models.project import Project
from postrail.database import Pool, transaction
from postrail.notifications.entries import RECORD_MAX_BYTES
from postrail.operate.issues.act import ActTooLarge, Desk
from postrail.operate.issues.create import create
from postrail.operate.issues.edit import Edits, edit
from tests.integration.operate.issues.scene import OPERATOR, history, published, query
from tests.makers.records import NOON

FIELDS = [f"F{number}" for number in range(20)]
LARGE = dict.fromkeys(FIELDS, "😀" * 10000)
VALUES = {"summary": "s", "description": "\U0001f600" * 100_000, "reporter": "ada@example.org"}


@pytest.fixture
async def big(pool: Pool) -> None:
    """A project with many fields of text."""
    fields = [{"name": name, "kind": "text"} for name in FIELDS]
    project = Project.model_validate({"key": "BIG", "name": "Big", "fields": fields})
    async with transaction(pool) as connection:
        await store.save(connection, project, before=None, author="test", now=NOON)


async def test_an_issue_with_too_many_large_texts_is_refused(
    big: None, desk: Desk, pool: Pool
) -> None:
    with pytest.raises(ActTooLarge, match=r"and 921,600 are the most.*Shorten the texts"):
        await create(desk, OPERATOR, "BIG", {**VALUES, **LARGE})
    assert await query(pool, "SELECT 1 FROM issue") == []
    assert await query(pool, "SELECT 1 FROM outbox") == []


async def test_an_edit_with_too_many_large_texts_is_refused(
    big: None, desk: Desk, pool: Pool
) -> None:
    made = await create(desk, OPERATOR, "BIG", VALUES)
    before = await history(pool, made.issue_key)
    with pytest.raises(ActTooLarge):
        await edit(
            desk, OPERATOR, made.issue_key, Edits(values={**LARGE, "description": "\x01" * 100_000})
        )
    assert await history(pool, made.issue_key) == before
    # One after the other they fit; each record has what is new.
    await edit(desk, OPERATOR, made.issue_key, Edits(values={"description": "\x01" * 100_000}))
    await edit(desk, OPERATOR, made.issue_key, Edits(values={"description": "\x02" * 100_000}))
    sizes = await query(pool, "SELECT length(value) FROM outbox WHERE topic = 'issue.changed'")
    assert max(size for (size,) in sizes) <= RECORD_MAX_BYTES
    last = (await published(pool))[-1].changes[0]
    assert (last.field, last.before, len(last.after or "")) == ("description", None, 600_002)
