"""`postrail issues list` on real servers: queries, filters, and errors that show the place."""

from __future__ import annotations

import asyncio

import pytest

from postrail.database import one_connection
from postrail.settings import Settings
from services.cli import output
from tests.makers.commands import Postrail, answer
from tests.makers.installation import Filled


def keys(postrail: Postrail, *arguments: str) -> list[str]:
    return [issue["key"] for issue in answer(postrail, "issues", "list", *arguments)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["HELP-2", "HELP-1"]),
        ("ORDER BY key", ["HELP-1", "HELP-2"]),
        ('project = "help desk" AND status != Done AND reporter ~ "@Example.org" order by key',
         ["HELP-1", "HELP-2"]),
        ("watcher = ada@example.org AND key = help-1", ["HELP-1"]),
        ("status = Done", []),
        ('text ~ "burns" AND text ~ "printers" AND key = HELP-1', ["HELP-1"]),
        ('text ~ "burn -fire" AND key = HELP-1', []),
        ("created >= startOfDay() OR created < startOfDay() ORDER BY key", ["HELP-1", "HELP-2"]),
    ],
)  # fmt: skip
def test_a_query_finds_issues(
    postrail: Postrail, filled: Filled, query: str, found: list[str]
) -> None:
    assert keys(postrail, query) == found


def test_filters_restrict_a_query(postrail: Postrail, filled: Filled) -> None:
    given = ["key IN (HELP-1, HELP-2) OR status = Done ORDER BY key DESC", "--project", "help"]
    assert keys(postrail, *given, "--status", "open") == ["HELP-2", "HELP-1"]
    assert keys(postrail, *given, "--limit", "1") == ["HELP-2"]
    assert keys(postrail, "key = HELP-1 OR key = HELP-2", "--status", "done") == []
    code, _, errors = postrail("issues", "list", "--project", "OTHER")
    assert code == 1
    assert errors == "Error: project has no value 'OTHER'\nRemedy: Values: HELP\n"


def test_the_current_user_is_the_author(postrail: Postrail, filled: Filled) -> None:
    asked = "assignee = currentUser()"
    assert keys(postrail, asked, "--author", "Agent@example.com") == []
    for given, problem in [
        ([], "or who asks: --author ADDRESS"),
        (["--author", "nobody@example.com"], "no person with the address 'nobody@example.com'"),
    ]:
        code, _, errors = postrail("issues", "list", asked, *given)
        assert (code, problem in errors) == (1, True), errors


def test_an_error_shows_the_place(postrail: Postrail, filled: Filled) -> None:
    code, _, errors = postrail("issues", "list", "status = Open AND type = Bag")
    assert code == 1
    assert errors.splitlines() == [
        "Error: the query is not valid at line 1, column 26: type has no value 'Bag'",
        "    status = Open AND type = Bag",
        f"    {' ' * 25}^",
        "Remedy: Values: Bug, Request, New Feature, Task, Improvement, Sub-task",
    ]


def test_merged_issues_are_hidden(postrail: Postrail, filled: Filled, settings: Settings) -> None:
    async def merge() -> None:
        async with one_connection(settings.database) as connection:
            await connection.execute(
                "UPDATE issue SET merged_into = 'HELP-2' WHERE issue_key = 'HELP-1'"
            )

    asyncio.run(merge())
    assert keys(postrail, "key = HELP-1 OR key = HELP-2") == ["HELP-2"]


def test_the_table_shows_no_control_characters(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    async def rename() -> None:
        async with one_connection(settings.database) as connection:
            await connection.execute(
                "UPDATE issue SET summary = %s WHERE issue_key = 'HELP-1'", ["\x1b[31mred"]
            )

    asyncio.run(rename())
    code, output, _ = postrail("issues", "list")
    assert code == 0
    assert "\ufffd[31mred" in output
    assert "\x1b" not in output


def test_lists_have_one_line_a_row_at_80_columns(
    postrail: Postrail, filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "PIPE_WIDTH", 80)
    summary = "summary=" + "The printer burns again " * 8
    edited = postrail("issues", "edit", "HELP-1", "--set", summary, "--author", "agent@example.com")
    assert edited[0] == 0
    for command, rows in [(["issues", "list"], 2), (["issues", "history", "HELP-1"], 1)]:
        lines = postrail(*command)[1].splitlines()
        assert len(lines) == 1 + rows, lines
        assert all(len(line.rstrip()) <= 80 for line in lines)
        assert any("…" in line for line in lines), lines
    people = postrail("people", "list")[1].splitlines()
    assert len(people) == 1 + len(answer(postrail, "people", "list"))
