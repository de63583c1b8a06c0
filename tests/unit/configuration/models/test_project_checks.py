"""Projects and priorities that contradict themselves, other things, or the people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import SecretStr

from postrail.configuration import plan
from postrail.configuration.configured import Configured
from postrail.configuration.entry import ConfigurationFileError
from postrail.configuration.kinds import identity
from postrail.configuration.models.person import Person
from postrail.configuration.models.priority import Priority
from postrail.configuration.models.project import Project
from postrail.configuration.models.project_checks import RESERVED_NAMES
from postrail.configuration.plan import make_plan
from postrail.configuration.yaml_read import parse_file
from postrail.secrets import Secrets, generate_key
from postrail.settings import SecretSettings
from postrail.workflow.fields import BUILT_IN
from tests.makers.configuration import mail_account, outgoing_connection

SECRETS = Secrets(SecretSettings(keys=SecretStr(generate_key())))
LEVELS = ["Highest", "High", "Medium", "Low", "Lowest"]
EXISTING: list[Configured] = [
    outgoing_connection(),
    *(Priority(level=level, name=name) for level, name in enumerate(LEVELS, 1)),
    Person(address="jane@example.org", addresses=["jane.doe@example.com"]),
    Person(address="gone@example.org", active=False),
    Project(key="SALE", name="Sales", address="sales@example.com", lead="jane@example.org"),
    mail_account("support", "HELP"),
    mail_account("all", "SALE"),
]
HEAD = "projects:\n  - key: HELP\n    name: Help desk\n"


def faults_of(text: str, existing: Sequence[Configured] = EXISTING) -> list[str]:
    known = {(type(thing), identity(thing)): thing for thing in existing}
    try:
        make_plan(parse_file(text, "f"), known, SECRETS, file="f")
    except ConfigurationFileError as error:
        return str(error).splitlines()
    return []


GOOD = """\
    address: Help@example.com
    issue_types: [Request, {name: Bug, number: 7}]
    statuses:
      - {name: New, category: to do, next_statuses: [in  progress, closed]}
      - {name: In Progress, category: in progress}
      - {name: Closed, category: done, needs_approval: true, next_statuses: []}
    components: [Web, Printers]
    fields:
      - {name: Room, kind: text}
      - {name: Größe der Wolke, kind: choice, choices: [S, M]}
    lead: Jane@example.org
    default_assignee: lead
    administrators: [jane.doe@example.com]
    agents: [group:Support, jane@example.org]
    outsiders: [group:guests]
"""


def test_a_project_with_everything_is_fine() -> None:
    assert faults_of(HEAD + GOOD) == []


STATUSES = "    statuses: [{name: New, category: to do}, {name: End, category: done}, "
FIELD = "    fields: [{name: Room, kind: text}, "


@pytest.mark.parametrize(
    ("settings", "faults"),
    [
        # types
        ("    issue_types: [Bug, Task, bug]", ["issue_types: 'bug' is given twice"]),
        (
            "    issue_types: [{name: A, number: 3}, Task]",
            ["issue_types: two types have the number 3"],
        ),
        ("    issue_types: []", ["issue_types: must have at least 1 item"]),
        ("    default_issue_type: X", ["default_issue_type 'X' is not in issue_types"]),
        # statuses
        (STATUSES + "{name: ' new', category: done}]", ["statuses: 'new' is given twice"]),
        (
            STATUSES + "{name: Wait, category: to do, next_statuses: [End, Gone]}]",
            ["statuses: 'Wait' is followed by 'Gone', which is not a status"],
        ),
        (
            "    statuses: [{name: New, category: to do}, {name: A, category: in progress}]",
            ["statuses: no status has the category done"],
        ),
        (
            "    statuses: [{name: End, category: done}, {name: New, category: to do}]",
            ["statuses: new issues have the first status, and 'End' is done"],
        ),
        (STATUSES + "{name: A, category: open}]", ["statuses: item 3: category: must be 'to do'"]),
        (STATUSES + "A]", ["statuses: item 3: must have fields"]),
        (STATUSES + "{name: A, category: done, x: 1}]", ["statuses: item 3: x: is not known"]),
        # components
        ("    components: [Web, WEB]", ["components: 'web' is given twice"]),
        # custom fields
        (FIELD + "{name: room, kind: date}]", ["fields: 'room' is given twice"]),
        (FIELD + "{name: Due, kind: date}]", ["fields: 'Due' is the name of a built-in field"]),
        # A name of JQL.
        (FIELD + "{name: issueType, kind: text}]", ["'issueType' is the name of a built-in field"]),
        (FIELD + "{name: Order, kind: text}]", ["fields: 'Order' is the name of a built-in field"]),
        (FIELD + "{name: 'a:b', kind: text}]", ["fields: 'a:b' must begin with a letter"]),
        (FIELD + "{name: 1st, kind: text}]", ["fields: '1st' must begin with a letter"]),
        (FIELD + "{name: S, kind: choice}]", ["fields: 'S' needs choices"]),
        (
            FIELD + "{name: S, kind: choice, choices: ['a, b']}]",
            ["fields: the choices of 'S': 'a, b' has a comma; write it without"],
        ),
        (FIELD + "{name: S, kind: choices, choices: []}]", ["fields: 'S' needs choices"]),
        (FIELD + "{name: S, kind: date, choices: [a]}]", ["'S' is a date, which has no choices"]),
        (
            FIELD + "{name: S, kind: choices, choices: [a, A]}]",
            ["fields: the choices of 'S': 'a' is given twice"],
        ),
        (FIELD + "{name: S, kind: url}]", ["fields: item 2: kind: must be 'text', 'number'"]),
        # messages
        ("    messages: weekly", ["messages: must be 'at_once' or 'digest'"]),
        ("    messages: digest\n    bundle_seconds: 0", []),
        ("    bundle_seconds: 3601", ["bundle_seconds: must be less than or equal to 3600"]),
        ("    bundle_seconds: -1", ["bundle_seconds: must be greater than or equal to 0"]),
        # people
        ("    lead: nobody@example.org", ["lead: there is no person 'nobody@example.org'"]),
        ("    lead: gone@example.org", ["lead: gone@example.org is not active"]),
        ("    lead: Jane", ["lead: must be an address of mail, or blank"]),
        ("    default_assignee: lead", ["default_assignee: is lead, and the project has no lead"]),
        ("    default_assignee: x@example.org", ["default_assignee: there is no person 'x@"]),
        ("    default_assignee: Boss", ["default_assignee: must be an address of mail, the word"]),
        ("    agents: [x@example.org]", ["agents: there is no person 'x@example.org'"]),
        (
            "    leads: [JANE@example.org, jane@example.org]",
            ["leads: jane@example.org is given tw"],
        ),
        ("    leads: ['group:']", ["leads: must be a list of addresses of persons, or group:"]),
        ("    outsiders: [support]", ["outsiders: must be a list of addresses of persons, or gr"]),
        # addresses
        ("    address: Sales@example.com", ["address: is the address of project SALE already"]),
        ("    address: support@example.com", []),
        (
            "    address: all@example.com",
            ["address: is watched by account all, which is for project SALE"],
        ),
        ("    address: help", ["address: must be an address of mail, or blank"]),
    ],
)
def test_what_is_wrong_with_a_project_is_said_at_its_line(settings: str, faults: list[str]) -> None:
    found = faults_of(HEAD + settings + "\n")
    assert len(found) == len(faults)
    for line, words in zip(found, faults, strict=True):
        assert words in line
        assert line.startswith(("f:4: project 'HELP'", "f:2: project 'HELP'"))


def test_a_file_may_add_the_person_that_its_project_names() -> None:
    people = "people: [{address: new@example.org}]\n"
    assert faults_of(f"{HEAD}    lead: new@example.org\n{people}") == []


def test_a_person_who_has_a_role_is_not_deactivated_in_silence() -> None:
    (fault,) = faults_of("people:\n  - address: jane@example.org\n    active: false\n")
    assert fault.startswith(
        "f:3: person 'jane@example.org', active: jane@example.org is in lead of project SALE"
    )


@pytest.mark.parametrize("given", ["active: true", "addresses: []"])
def test_an_address_that_has_a_role_is_not_taken_away_in_silence(given: str) -> None:
    existing = [
        *EXISTING,
        Person(address="leo@example.org", addresses=["leo@home.example"]),
        Project(key="SALE", name="Sales", agents=["leo@home.example"]),
    ]
    faults = faults_of(f"people:\n  - address: leo@example.org\n    {given}\n", existing)
    expected = [
        "f:3: person 'leo@example.org', addresses: leo@home.example is in agents of project SALE"
    ]
    assert faults == ([] if given == "active: true" else expected)


def test_two_projects_may_exchange_their_addresses() -> None:
    existing = [*EXISTING, Project(key="HELP", name="Help", address="help@example.com")]
    text = (
        "projects:\n  - {key: HELP, name: Help, address: sales@example.com}\n"
        "  - {key: SALE, name: Sales, address: help@example.com}\n"
    )
    assert faults_of(text, existing) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{level: 1, name: Now}", None),
        # An exchange.
        ("{level: 1, name: High}, {level: 2, name: Highest}", None),
        ("{level: 1, name: LOW}", "f:1: priority '1', name: is the name of level 4 too"),
        ("{level: 1, name: '5'}", "f:1: priority '1', name: is a number"),
        ("{level: 6, name: x}", "f:1: priority 6, level: must be less than or equal to 5"),
        ("{level: 1, name: ''}", "f:1: priority 1, name: must not be empty"),
    ],
)
def test_priorities_have_different_names(text: str, fault: str | None) -> None:
    found = faults_of(f"priorities: [{text}]\n")
    assert len(found) == bool(fault)
    assert "".join(found).startswith(fault or "")


def test_a_custom_field_has_the_name_of_no_built_in_one() -> None:
    assert {one.name for one in BUILT_IN} <= RESERVED_NAMES


def test_the_settings_that_the_example_explains_can_be_applied() -> None:
    example = (Path(plan.__file__).parent / "example.yaml").read_text()
    part = example[example.index("projects:") : example.index("# OAuth2")]
    # Settings begin with a small letter or a dash, and sentences with a capital.
    uncommented = re.sub(r"^( *)# (?=[a-z_]+:|  - |     [a-z])", r"\1", part, flags=re.M)
    text = uncommented.replace("    issue_types: [Request, Incident]\n", "")
    others = "people: [{address: agent@example.org}]\napprovals: [{name: releases}]\n"
    assert faults_of(text.replace("outgoing", "out") + others) == []
    (project,) = [one.thing for one in parse_file(text, "f") if isinstance(one.thing, Project)]
    assert project.model_fields_set == set(Project.model_fields)


LONG = "L" * 101


@pytest.mark.parametrize(
    ("text", "field", "line"),
    [
        (f"issue_types: [Bug, {LONG}]", "issue_types", 4),
        (f"components: [{LONG}]", "components", 4),
        (f"fields: [{{name: {LONG}, kind: text}}]", "fields", 4),
        (f"fields: [{{name: Room, kind: choice, choices: [{LONG}]}}]", "fields", 4),
        (
            "statuses: [{name: Open, category: to do}, {name: Done, category: done},"
            f" {{name: {LONG}, category: done}}]",
            "statuses",
            4,
        ),
    ],
)
def test_a_new_name_is_short(text: str, field: str, line: int) -> None:
    assert faults_of(f"{HEAD}    {text}\n") == [
        f"f:{line}: project 'HELP', {field}: 'LLLLLLLLLLLLLLLLLLLL…' is longer than 100 characters;"
        " shorten it"
    ]
    assert faults_of(f"{HEAD}    {text.replace(LONG, LONG[1:])}\n") == []


def test_a_long_type_of_an_earlier_release_may_stay() -> None:
    given = {"key": "HELP", "name": "Help desk", "issue_types": ["Bug", LONG]}
    existing = [*EXISTING, Project.model_validate(given)]
    text = f"{HEAD}    issue_types: [Bug, {LONG}]\n"
    assert faults_of(text, existing) == []
    # The name of a type says nothing of components.
    assert len(faults_of(f"{text}    components: [{LONG}]\n", existing)) == 1
