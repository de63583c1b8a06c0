"""Changes of a project beside acts and messages: no issue is left with a value of before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from postrail.configuration import load
from postrail.configuration.apply import apply_entries
from postrail.configuration.entry import ConfigurationFileError
from postrail.configuration.yaml_read import parse_file
from postrail.database import Connection, Pool, open_pool, rows, transaction
from postrail.operate.issues import act as frame
from postrail.operate.issues.act import Desk
from postrail.operate.issues.create import create
from postrail.operate.issues.edit import Edits, edit
from postrail.operate.issues.move import move
from postrail.operate.issues.transition import transition
from postrail.secrets import Secrets, generate_key
from postrail.settings import DatabaseSettings, SecretSettings
from tests.makers.acts import OPERATOR, desk_at
from tests.makers.records import NOON
from tests.servers.databases import until_lock_waits

SECRETS = Secrets(SecretSettings(keys=SecretStr(generate_key())))
TEXT = """
connections: [{name: out, host: smtp.example.org, from_address: d@example.org, is_default: true}]
people: [{address: jane@example.org}]
projects:
  - key: HELP
    name: Help desk
    statuses:
      - {name: Open, category: to do}
      - {name: Working, category: in progress}
      - {name: Done, category: done}
    components: [Web]
    fields: [{name: Level, kind: choice, choices: [Low, High]}]
  - key: SALE
    name: Sales
"""
WORKING_IS_DONE = TEXT.replace("category: in progress", "category: done")
WORKING_IS_FIRST = TEXT.replace(
    "      - {name: Open, category: to do}\n      - {name: Working, category: in progress}\n",
    "      - {name: Working, category: in progress}\n      - {name: Open, category: done}\n",
)
REPORTED = {"summary": "Fire", "reporter": "jane@example.org"}


async def apply(connection: Connection, text: str) -> None:
    entries = parse_file(text, "f")
    await apply_entries(connection, entries, SECRETS, file="f", author="me", now=NOON)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(DatabaseSettings(url=SecretStr(database_url)))
    async with transaction(opened) as connection:
        await apply(connection, TEXT)
    yield opened
    await opened.close()


@pytest.fixture
def desk(pool: Pool) -> Desk:
    return desk_at(NOON, pool)


async def after_apply(pool: Pool, text: str, act: Any) -> Any:
    """Begins the act while a change of the projects is not committed; returns its result."""
    async with transaction(pool) as connection:
        await apply(connection, text)
        task = asyncio.create_task(act)
        await until_lock_waits(connection)
    return await task


async def progress(pool: Pool) -> list[tuple[Any, ...]]:
    """Returns status, category and resolution of each issue."""
    async with transaction(pool) as connection:
        return await rows(
            connection,
            "SELECT status, category, resolution FROM issue JOIN project_status AS one"
            " ON one.project_key = issue.project_key AND one.name = status ORDER BY issue_key",
        )


@pytest.mark.parametrize(
    ("text", "values", "fault"),
    [
        (TEXT.replace("[Web]", "[]"), {"components": ["Web"]}, "component 'Web' is removed"),
        (
            TEXT.replace("[Low, High]", "[Low]"),
            {"Level": "High"},
            "choice 'High' of field 'Level' is removed",
        ),
        (
            TEXT.replace("kind: choice, choices: [Low, High]", "kind: text"),
            {"Level": "High"},
            "field 'Level' becomes a text",
        ),
        (WORKING_IS_DONE, {"status": "Working"}, "status 'Working' becomes done"),
    ],
)
async def test_a_change_waits_for_the_act_that_has_begun(
    pool: Pool,
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    values: dict[str, Any],
    fault: str,
) -> None:
    key = (await create(desk, OPERATOR, "HELP", REPORTED)).issue_key
    begun, go_on = asyncio.Event(), asyncio.Event()
    finish = frame.finish

    async def slow_finish(*arguments: Any) -> None:
        begun.set()
        await go_on.wait()
        await finish(*arguments)

    async def change() -> None:
        async with transaction(pool) as connection:
            await apply(connection, text)

    monkeypatch.setattr(frame, "finish", slow_finish)
    act: asyncio.Task[Any]
    if "status" in values:
        act = asyncio.create_task(transition(desk, OPERATOR, key, values["status"]))
    else:
        act = asyncio.create_task(edit(desk, OPERATOR, key, Edits(values=values)))
    await begun.wait()
    second = asyncio.create_task(change())
    async with transaction(pool) as connection:
        await until_lock_waits(connection)
    go_on.set()
    await act
    with pytest.raises(ConfigurationFileError, match=fault):
        await second


async def test_a_transition_uses_the_category_of_a_change_that_was_first(
    pool: Pool, desk: Desk
) -> None:
    key = (await create(desk, OPERATOR, "HELP", REPORTED)).issue_key
    await after_apply(pool, WORKING_IS_DONE, transition(desk, OPERATOR, key, "Working"))
    assert await progress(pool) == [("Working", "done", "Done")]


async def test_a_move_uses_the_categories_of_the_project_that_it_goes_to(
    pool: Pool, desk: Desk
) -> None:
    key = (await create(desk, OPERATOR, "SALE", REPORTED)).issue_key
    act = move(desk, OPERATOR, key, "HELP", {"status": "Working"})
    await after_apply(pool, WORKING_IS_DONE, act)
    assert await progress(pool) == [("Working", "done", "Done")]


async def test_a_new_issue_has_the_first_status_of_a_change_that_was_first(
    pool: Pool, desk: Desk
) -> None:
    await after_apply(pool, WORKING_IS_FIRST, create(desk, OPERATOR, "HELP", REPORTED))
    assert await progress(pool) == [("Working", "in progress", None)]


async def test_a_snapshot_of_before_is_read_again(pool: Pool) -> None:
    async with transaction(pool) as connection:
        old = await load.load_snapshot(connection)
        assert await load.with_held_projects(connection, old, ["HELP", "SALE"]) is old

    async def held() -> str:
        async with transaction(pool) as connection:
            found = await load.with_held_projects(connection, old, ["HELP"])
        return found.projects["HELP"].first_status

    assert await after_apply(pool, WORKING_IS_FIRST, held()) == "Working"
