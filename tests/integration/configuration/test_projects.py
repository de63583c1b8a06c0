"""Projects and priorities on real PostgreSQL: all fields, and what issues use of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from postrail.configuration import load
from postrail.configuration.apply import apply_entries
from postrail.configuration.entry import ConfigurationFileError
from postrail.configuration.plan import Plan
from postrail.configuration.store import read_all
from postrail.configuration.yaml_read import parse_file
from postrail.configuration.yaml_write import export_text
from postrail.database import Connection, one_connection, rows
from postrail.errors import ConfigurationError
from postrail.secrets import Secrets, generate_key
from postrail.settings import DatabaseSettings, SecretSettings
from postrail.tracker.builtin.tracker import BuiltinTracker
from postrail.tracker.builtin.usage import SettingsChanged
from tests.makers.drafts import issue_draft
from tests.servers.databases import until_lock_waits

SECRETS = Secrets(SecretSettings(keys=SecretStr(generate_key())))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
REST = """
connections: [{name: out, host: smtp.example.org, from_address: d@example.org, is_default: true}]
people: [{address: jane@example.org, addresses: [j@example.org], groups: [support]}]
"""
HELP = """
projects:
  - key: HELP
    name: Help desk
    description: "For customers:\\nall of them"
    language: de
    address: Help@example.org
    issue_types: [Request, {name: Bug, number: 77}, Task]
    default_issue_type: Task
    statuses:
      - {name: Open, category: to do, next_statuses: [Working, Done]}
      - {name: Working, category: in progress}
      - {name: Signed off, category: in progress, needs_approval: true}
      - {name: Done, category: done, next_statuses: []}
    components: [Web, Printers, "Phones, fixed"]
    fields:
      - {name: Room, kind: text}
      - {name: Severity, kind: choice, choices: [Low, High]}
      - {name: Systems, kind: choices, choices: [SAP, Mail]}
    lead: jane@example.org
    default_assignee: lead
    administrators: [group:support]
    leads: [j@example.org]
    agents: [jane@example.org, group:desk]
    outsiders: [group:guests]
    known_people: outsider
"""


async def apply(connection: Connection, text: str, *, dry_run: bool = False) -> Plan:
    entries = parse_file(text, "f")
    return await apply_entries(
        connection, entries, SECRETS, file="f", author="me", now=NOW, dry_run=dry_run
    )


async def faults_of(connection: Connection, text: str, *, dry_run: bool = False) -> list[str]:
    with pytest.raises(ConfigurationFileError) as refused:
        await apply(connection, text, dry_run=dry_run)
    return [f"{fault.where}: {fault.problem}" for fault in refused.value.faults]


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    async with one_connection(DatabaseSettings(url=SecretStr(database_url))) as connection:
        yield connection


async def test_a_project_with_everything_is_stored_and_exported(connection: Connection) -> None:
    await apply(connection, REST + HELP)
    (project,) = await load.projects(connection)
    (entry,) = [one for one in parse_file(REST + HELP, "f") if one.kind == "project"]
    assert project == entry.thing
    assert [one.number for one in project.issue_types] == [None, 77, 3]
    assert [one.next_statuses for one in project.statuses] == [["Working", "Done"], None, None, []]
    assert (await apply(connection, REST + HELP)).count("unchanged") == 3
    text = export_text((await read_all(connection)).values())
    plan = await apply(connection, text)
    assert plan.count("unchanged") == len(plan.changes) == 8


async def test_all_lists_change_and_keep_their_order(connection: Connection) -> None:
    await apply(connection, REST + HELP)
    text = (
        HELP.replace("Web, Printers,", "Printers, Phones, Web,")
        .replace("choices: [Low, High]", "choices: [High, Middle]")
        .replace("[Request, {name: Bug, number: 77}, Task]", "[Task, {name: Error, number: 77}]")
        .replace("      - {name: Working, category: in progress}\n", "")
        .replace("[Working, Done]", "[Done]")
        .replace("      - {name: Room, kind: text}\n", "")
        .replace("administrators: [group:support]", "administrators: []")
        .replace("agents: [jane@example.org, group:desk]", "agents: [group:desk, group:new]")
    )
    assert (await apply(connection, text)).count("changed") == 1
    (project,) = await load.projects(connection)
    assert project == parse_file(text, "f")[0].thing


async def test_two_types_exchange_their_numbers(connection: Connection) -> None:
    await apply(connection, REST + HELP)
    await apply(
        connection,
        HELP.replace("Request,", "{name: Request, number: 77},")
        .replace("{name: Bug, number: 77}", "{name: Bug, number: 3}")
        .replace(", Task]", ", {name: Task, number: 1}]"),
    )
    (project,) = await load.projects(connection)
    assert [one.number for one in project.issue_types] == [77, 3, 1]


async def make_issues(connection: Connection) -> None:
    drafts = [
        issue_draft(issue_type="Bug", components=("Web",)),
        issue_draft(issue_type="Bug", status="Working", components=("Printers", "Web")),
    ]
    assert await BuiltinTracker().create_issues(connection, drafts, NOW) == ["HELP-1", "HELP-2"]
    await connection.execute(
        "INSERT INTO custom_value (issue_key, project_key, field, place, text_value) VALUES"
        " ('HELP-1', 'HELP', 'Room', 1, '1.17'), ('HELP-2', 'HELP', 'Severity', 1, 'High'),"
        " ('HELP-1', 'HELP', 'Systems', 1, 'SAP'), ('HELP-1', 'HELP', 'Systems', 2, 'Mail')"
    )


TWO = "but 2 issues have it (HELP-1, HELP-2): keep it until they have another value"
KEEP = "keep it until they have another value"


@pytest.mark.parametrize(
    ("old", "new", "faults"),
    [
        (
            "{name: Bug, number: 77}, ",
            "",
            [f"project 'HELP', issue_types: type 'Bug' is removed, {TWO}"],
        ),
        ("Request, {name: Bug, number: 77}, Task", "Bug, Task", []),
        (
            "name: Working",
            "name: Doing",
            [
                "project 'HELP', statuses: status 'Working' is removed,"
                f" but an issue has it (HELP-2): {KEEP}"
            ],
        ),
        ("      - {name: Signed off, category: in progress, needs_approval: true}\n", "", []),
        # An issue that is done has a resolution.
        (
            "{name: Working, category: in progress}",
            "{name: Working, category: done}",
            [
                "project 'HELP', statuses: status 'Working' becomes done,"
                f" but an issue has it (HELP-2): {KEEP}"
            ],
        ),
        ("{name: Working, category: in progress}", "{name: Working, category: to do}", []),
        ("Web, ", "", [f"project 'HELP', components: component 'Web' is removed, {TWO}"]),
        (', "Phones, fixed"', "", []),
        (
            "      - {name: Room, kind: text}\n",
            "",
            [
                "project 'HELP', fields: field 'Room' is removed,"
                f" but an issue has it (HELP-1): {KEEP}"
            ],
        ),
        (
            "{name: Room, kind: text}",
            "{name: Room, kind: number}",
            [
                "project 'HELP', fields: field 'Room' becomes a number,"
                f" but an issue has it (HELP-1): {KEEP}"
            ],
        ),
        (
            "[Low, High]",
            "[Low]",
            [
                "project 'HELP', fields: choice 'High' of field 'Severity' is removed,"
                f" but an issue has it (HELP-2): {KEEP}"
            ],
        ),
        ("[Low, High]", "[High]", []),
        # Each issue counts once, and the choices of a field that goes are no faults of their own.
        (
            "      - {name: Systems, kind: choices, choices: [SAP, Mail]}\n",
            "",
            [
                "project 'HELP', fields: field 'Systems' is removed,"
                f" but an issue has it (HELP-1): {KEEP}"
            ],
        ),
    ],
)
async def test_what_issues_use_is_not_removed(
    connection: Connection, old: str, new: str, faults: list[str]
) -> None:
    await apply(connection, REST + HELP)
    await make_issues(connection)
    changed = HELP.replace(old, new)
    if new == "name: Doing":
        changed = changed.replace("[Working, Done]", "[Doing, Done]")
    if not faults:
        assert (await apply(connection, changed)).count("changed") == 1
        return
    assert await faults_of(connection, changed, dry_run=True) == faults
    assert await faults_of(connection, changed) == faults
    # Nothing was written.
    assert (await apply(connection, HELP)).count("unchanged") == 1


async def test_of_many_issues_some_are_named(connection: Connection) -> None:
    await apply(connection, REST + HELP)
    drafts = [issue_draft(issue_type="Bug") for _ in range(7)]
    await BuiltinTracker().create_issues(connection, drafts, NOW)
    (fault,) = await faults_of(connection, HELP.replace("{name: Bug, number: 77}, ", ""))
    assert "7 issues have it (HELP-1, HELP-2, HELP-3, HELP-4, HELP-5, …)" in fault


@pytest.mark.parametrize("issue_first", [True, False])
async def test_a_removal_and_an_issue_that_meet_leave_no_issue_without_its_type(
    database_url: str, issue_first: bool
) -> None:
    database = DatabaseSettings(url=SecretStr(database_url))
    without = HELP.replace("{name: Bug, number: 77}, ", "")
    async with one_connection(database) as connection:
        await apply(connection, REST + HELP)

    async def remove() -> None:
        async with one_connection(database) as connection:
            await apply(connection, without)

    async def create() -> None:
        async with one_connection(database) as connection:
            await BuiltinTracker().create_issues(connection, [issue_draft(issue_type="Bug")], NOW)

    async with one_connection(database) as connection:
        if issue_first:
            await BuiltinTracker().create_issues(connection, [issue_draft(issue_type="Bug")], NOW)
            second = asyncio.create_task(remove())
        else:
            await apply(connection, without)
            second = asyncio.create_task(create())
        await until_lock_waits(connection)
    if issue_first:
        with pytest.raises(ConfigurationError, match=r"an issue has it \(HELP-1\)"):
            await second
    else:
        with pytest.raises(SettingsChanged, match="Try again"):
            await second
    async with one_connection(database) as connection:
        (project,) = await load.projects(connection)
        found = await rows(connection, "SELECT issue_type FROM issue")
    types = [one.name for one in project.issue_types]
    assert ("Bug" in types, found) == ((True, [("Bug",)]) if issue_first else (False, []))


async def test_a_removal_meets_a_row_that_was_changed_by_hand(database_url: str) -> None:
    database = DatabaseSettings(url=SecretStr(database_url))
    async with one_connection(database) as connection:
        await apply(connection, REST + HELP)
        await BuiltinTracker().create_issues(connection, [issue_draft(issue_type="Task")], NOW)

    async def remove() -> None:
        async with one_connection(database) as connection:
            await apply(connection, HELP.replace("{name: Bug, number: 77}, ", ""))

    async with one_connection(database) as connection:
        # It holds the type, but not the project, as services do.
        await connection.execute("UPDATE issue SET issue_type = 'Bug'")
        second = asyncio.create_task(remove())
        await until_lock_waits(connection)
    with pytest.raises(ConfigurationError, match="an issue has begun to use at this moment"):
        await second
    async with one_connection(database) as connection:
        assert (await apply(connection, HELP)).count("unchanged") == 1


async def test_two_projects_exchange_their_addresses(database_url: str) -> None:
    text = (
        "projects: [{key: HELP, name: x, address: a@example.org},"
        " {key: SALE, name: x, address: b@example.org}]"
    )
    database = DatabaseSettings(url=SecretStr(database_url))
    async with one_connection(database) as connection:
        await apply(connection, REST + text)
    async with one_connection(database) as connection:
        swapped = text.replace("a@", "c@").replace("b@", "a@").replace("c@", "b@")
        assert (await apply(connection, swapped)).count("changed") == 2
    async with one_connection(database) as connection:
        assert [one.address for one in await load.projects(connection)] == [
            "b@example.org",
            "a@example.org",
        ]


async def test_priorities_are_renamed_and_exchange_their_names(database_url: str) -> None:
    database = DatabaseSettings(url=SecretStr(database_url))
    async with one_connection(database) as connection:
        # Every installation has five, and an export has them, too.
        assert (await load.load_snapshot(connection)).priorities == {
            1: "Highest",
            2: "High",
            3: "Medium",
            4: "Low",
            5: "Lowest",
        }
        text = (
            "priorities: [{level: 1, name: High}, {level: 2, name: highest}, {level: 5, name: Eh}]"
        )
        assert (await apply(connection, text)).count("changed") == 3
    async with one_connection(database) as connection:
        assert (await load.load_snapshot(connection)).priorities == {
            1: "High",
            2: "highest",
            3: "Medium",
            4: "Low",
            5: "Eh",
        }
        assert (await apply(connection, text)).count("unchanged") == 3
        (fault,) = await faults_of(connection, "priorities: [{level: 3, name: HIGH}]")
        assert fault == "priority '3', name: is the name of level 1 too"
