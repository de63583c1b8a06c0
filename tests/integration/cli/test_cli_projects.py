"""`postrail projects` on a real database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from postrail.database import one_connection
from postrail.settings import Settings
from postrail.tracker.builtin.tracker import BuiltinTracker
from tests.makers.commands import Postrail, answer
from tests.makers.drafts import issue_draft
from tests.makers.records import NOON

FILE = """
connections: [{name: out, host: smtp.example.org, from_address: d@example.org, is_default: true}]
projects:
  - key: HELP
    name: "Help \\e[31mdesk"
    address: help@example.org
    issue_types: [Request, Bug]
    default_issue_type: Bug
    statuses:
      - {name: Open, category: to do, next_statuses: [Working, Done]}
      - {name: Working, category: in progress}
      - {name: Released, category: done, needs_approval: true, approval_setup: releases,
         approvers: [jane@example.org, "group:support"], approval_rule: 2}
      - {name: Done, category: done, needs_approval: true, next_statuses: []}
    components: [Web]
    fields: [{name: Severity, kind: choice, choices: [Low, High]}]
    lead: jane@example.org
    default_assignee: lead
    agents: [group:support, joe@example.org]
    known_people: outsider
    messages: digest
    bundle_seconds: 300
    quote_history: true
  - {key: SALE, name: Sales}
people: [{address: jane@example.org}, {address: joe@example.org}]
approvals: [{name: releases}]
accounts:
  - {name: answers, purpose: approvals, host: imap.example.org, username: b, password: x,
     address: answers@example.org, project: HELP}
  - {name: a, host: imap.example.org, username: a, password: x, address: all@example.org,
     project: HELP}
"""


async def make_issues(settings: Settings) -> None:
    drafts = [issue_draft(), issue_draft(status="Working"), issue_draft(status="Working")]
    async with one_connection(settings.database) as connection:
        keys = await BuiltinTracker().create_issues(connection, drafts, NOON)
        await connection.execute(
            "UPDATE issue SET status = 'Done', resolution = 'Done', resolved_at = now()"
            " WHERE issue_key = %s",
            [keys[2]],
        )
        await BuiltinTracker().create_issues(connection, [issue_draft()], NOON)
        # Merged issues do not count.
        await connection.execute(
            "UPDATE issue SET merged_into = 'HELP-1' WHERE issue_key = 'HELP-4'"
        )


@pytest.fixture
def projects(postrail: Postrail, settings: Settings) -> Postrail:
    Path("postrail.yaml").write_text(FILE)
    assert postrail("apply")[0] == 0
    asyncio.run(make_issues(settings))
    return postrail


def test_projects_are_listed(projects: Postrail) -> None:
    assert answer(projects, "projects", "list") == [
        {
            "key": "HELP",
            "name": "Help \x1b[31mdesk",
            "lead": "jane@example.org",
            "addresses": ["help@example.org", "all@example.org"],
            "issues": 3,
            "unresolved": 2,
        },
        {"key": "SALE", "name": "Sales", "lead": "", "addresses": [], "issues": 0, "unresolved": 0},
    ]
    _, output, _ = projects("projects", "list")
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert lines[0] == "Project Name Lead Addresses Issues Unresolved"
    assert lines[1].endswith("desk jane@example.org help@example.org, all@example.org 3 2")
    assert "\x1b[31m" not in output


def test_a_project_is_shown(projects: Postrail) -> None:
    found = answer(projects, "projects", "show", "help")
    assert found["project"]["key"] == "HELP"
    assert (found["connection"], found["default_assignee"]) == ("out", "jane@example.org")
    assert (found["messages"], found["bundle_seconds"]) == ("digest", 300)
    assert found["quote_history"] is True
    assert found["issue_types"] == [
        {"name": "Request", "number": None},
        {"name": "Bug", "number": 1},
    ]
    statuses = {one["name"]: (one["next_statuses"], one["issues"]) for one in found["statuses"]}
    assert statuses == {
        "Open": (["Working", "Done"], 1),
        "Working": (["Open", "Released", "Done"], 1),
        "Released": (["Open", "Working", "Done"], 0),
        "Done": ([], 1),
    }
    (released,) = [one for one in found["statuses"] if one["name"] == "Released"]
    assert (released["approval_setup"], released["approval_rule"]) == ("releases", "2")
    assert released["approvers"] == ["jane@example.org", "group:support"]
    assert found["fields"] == [{"name": "Severity", "kind": "choice", "choices": ["Low", "High"]}]
    assert found["priorities"]["1"] == "Highest"
    assert found["roles"] == [
        {"role": "lead", "members": ["jane@example.org"]},
        {"role": "agent", "members": ["group:support", "joe@example.org"]},
    ]
    code, output, _ = projects("projects", "show", "HELP")
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert code == 0
    for line in (
        "Issues 3, 2 of them unresolved",
        "Default assignee jane@example.org",
        "Messages once a day, bundled within 300 s, with earlier comments",
        "Priorities 1 Highest, 2 High, 3 Medium, 4 Low, 5 Lowest",
        "Open to do Working, Done 1",
        "Released done any 2 of jane@example.org, group:support (releases) 0",
        "Working in progress any 1",
        "Done done none a lead 1",
        "Bug 1 default",
        "Severity choice Low, High",
        "agent group:support, joe@example.org",
        "outsider all other known people",
    ):
        assert line in lines
    assert "\x1b[31m" not in output


def test_an_unknown_project_is_refused_with_the_known_ones(projects: Postrail) -> None:
    code, output, errors = projects("projects", "show", "SHOP")
    assert (code, output) == (1, "")
    assert "there is no project SHOP" in errors
    assert "Remedy: Use one of: HELP, SALE" in errors


def test_without_projects_the_list_says_what_to_do(postrail: Postrail) -> None:
    assert "run postrail apply" in postrail("projects", "list")[1]
