"""What the mail handlers of a file name has to exist, in each project whose issues they make."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from pydantic import SecretStr

from postrail.configuration.configured import Configured
from postrail.configuration.entry import ConfigurationFileError
from postrail.configuration.handlers.kind import MAIL_HANDLER
from postrail.configuration.kinds import identity
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.person import Person
from postrail.configuration.models.priority import Priority
from postrail.configuration.models.project import CustomField, Project
from postrail.configuration.plan import make_plan
from postrail.configuration.yaml_read import parse_file
from postrail.secrets import Secrets, generate_key
from postrail.settings import SecretSettings
from tests.makers.configuration import mail_account, outgoing_connection

SECRETS = Secrets(SecretSettings(keys=SecretStr(generate_key())))
LEVELS = ["Highest", "High", "Medium", "Low", "Lowest"]
FIELDS = [
    CustomField(name="Room", kind="text"),
    CustomField(name="Floor", kind="number"),
    CustomField(name="Wanted by", kind="date"),
    CustomField(name="Size", kind="choice", choices=["S", "M"]),
    CustomField(name="Parts", kind="choices", choices=["Door", "Roof"]),
    CustomField(name="Owner", kind="person"),
]
EXISTING: list[Configured] = [
    outgoing_connection(),
    *(Priority(level=level, name=name) for level, name in enumerate(LEVELS, 1)),
    Person(address="jane@example.org", addresses=["jane@example.com"], groups=["support"]),
    Person(address="gone@example.org", active=False),
    Project(key="HELP", name="Help desk", components=["Web"], fields=FIELDS),
    Project(key="SALE", name="Sales", components=["Shop"]),
    mail_account("support", "HELP"),
    mail_account("sales", "SALE"),
]
HELP = "handlers:\n  - name: h\n    accounts: [support]\n"


def faults_of(text: str, *further: Configured) -> list[str]:
    known = {(type(thing), identity(thing)): thing for thing in [*EXISTING, *further]}
    try:
        make_plan(parse_file(text, "f"), known, SECRETS, file="f")
    except ConfigurationFileError as error:
        return str(error).splitlines()
    return []


@pytest.mark.parametrize(
    "settings",
    [
        "issue_type: bug",
        "issue_type: 1",
        "priority: high",
        "priority: 5",
        "components: [web]",
        "assignee: Jane@example.com",
        "reporter: jane@example.org",
        "fields: {room: anything}",
        "fields: {Floor: 1, Wanted by: 2027-01-31}",
        "fields: {Floor: 12.5}",
        "when: {account in: [Support, sales]}",
        "fields: {Floor: '12.5', Wanted by: '2027-01-31', Size: m, Parts: 'door, Roof'}",
        "fields: {Owner: Jane@example.com}",
        # What a message gives is checked when it arrives.
        "fields: {Floor: {from: subject, pattern: a}}",
        "then: [{set: {type: Bug, priority: 1, components: [Web], labels: [a b], Room: 1}}]",
        "then: [{set: {assignee: jane@example.org, Parts: [Door, Roof]}}]",
        "when: {issue matches: 'status = Open AND assignee in membersOf(support) AND due < -7d'}",
        # In another project than the account's.
        "project: SALE\n    components: [Shop]",
        "then: [{project: SALE}]\n    components: [Shop]",
    ],
)
def test_what_exists_is_fine(settings: str) -> None:
    assert faults_of(HELP + f"    {settings}\n") == []


@pytest.mark.parametrize(
    ("settings", "field", "problem"),
    [
        (
            "issue_type: Bugs",
            "issue_type",
            "HELP has no issue type 'Bugs'; it has: Request",
        ),
        ("issue_type: '9'", "issue_type", "project HELP has no issue type '9'"),
        (
            "priority: Hi",
            "priority",
            "there is no priority 'Hi'; use one of: 1 (Highest)",
        ),
        ("components: [Shop]", "components", "project HELP has no component 'Shop'; it has: Web"),
        ("assignee: gone@example.org", "assignee", "there is no active person 'gone@example.org'"),
        ("reporter: no@example.org", "reporter", "there is no active person 'no@example.org'"),
        ("fields: {Rom: a}", "fields", "project HELP has no custom field 'Rom'; it has: Room"),
        ("fields: {Rom: {from: text, pattern: a}}", "fields", "has no custom field 'Rom'"),
        ("fields: {Floor: first}", "fields", "Floor of project HELP takes a number"),
        ("fields: {Floor: '1234567890123456'}", "fields", "a number of at most 15 digits"),
        ("fields: {Wanted by: tomorrow}", "fields", "takes a date such as 2027-01-31"),
        ("fields: {Wanted by: '20270131'}", "fields", "takes a date such as 2027-01-31"),
        ("fields: {Size: XL}", "fields", "Size of project HELP takes one of: S, M, not 'XL'"),
        ("fields: {Parts: 'Door, Wall'}", "fields", "takes some of: Door, Roof"),
        ("fields: {Owner: gone@example.org}", "fields", "takes the address of an active person"),
        ("then: [{set: {type: Bugs}}]", "then", "has no issue type 'Bugs'"),
        ("then: [{set: {priority: 6}}]", "then", "there is no priority '6'"),
        ("then: [{set: {Components: [Shop]}}]", "then", "has no component 'Shop'"),
        ("then: [{set: {assignee: no@example.org}}]", "then", "there is no active person"),
        ("then: [{set: {Colour: red}}]", "then", "has no custom field 'Colour'"),
        ("then: [{set: {Parts: [Wall]}}]", "then", "takes some of: Door, Roof"),
        (
            "fields: {Floor: {from: body, pattern: a}}",
            "fields",
            "Floor: from: must be subject, text",
        ),
        (
            "fields: {Floor: {from: text, pattern: '(?<=x)a'}}",
            "fields",
            "Floor: pattern: has look",
        ),
        ("fields: {Floor: [1]}", "fields", "Floor: must be one text, not a list"),
        ("then: [{set: {Floor: {a: b}}}]", "then", "item 1: set: Floor: must be text, without"),
        ("then: [{explode: x}]", "then", "item 1: explode: is not known; known are: set, project"),
        ("then: [{forward: nobody}]", "then", "item 1: forward: must be an address such as"),
        ("then: [{watchers: [x]}]", "then", "item 1: watchers: item 1: must be an address such as"),
        ("then: {drop: x}", "then", "must be a list; begin each item with '- ', or write"),
        ("then: [{drop: a}, {quarantine: b}]", "then", "keep one of them"),
        ("order: first", "order", "must be a whole number"),
        ("attachments: {types: [image]}", "attachments", "types: item 1: must be a type of files"),
        ("jira_parameters: 'bulk=forward'", "jira_parameters: bulk", "needs a forward_address"),
        ("jira_parameters: 'issuetype=99'", "jira_parameters: issuetype", "issue type '99'"),
        ("jira_parameters: 'project=NO'", "jira_parameters: project", "no project 'NO'"),
        (
            "jira_parameters: 'reporterusername=ghost'",
            "jira_parameters: reporterusername",
            "must be an address",
        ),
        (
            "jira_parameters: 'project=HELP issuetype=1'",
            "jira_parameters",
            "project=HELP issuetype=1: put a comma before issuetype=1",
        ),
        (
            "kind: RegexCommentHandler\n    jira_parameters: 'bulk=ignore'",
            "jira_parameters: splitregex",
            "is missing",
        ),
        ("labels: vip", "labels", "must be a list; write [vip]"),
        ("allowed_senders: '@x'", "allowed_senders", "must be a list; write ['@x']"),
        ("when: {account is: suport}", "when", "there is no account 'suport'"),
        ("project: SHOP", "project", "there is no project 'SHOP'"),
        ("then: [{project: SHOP}]", "then", "there is no project 'SHOP'"),
        ("project: SALE\n    components: [Web]", "components", "project SALE has no component"),
        ("when: {issue matches: 'status = Opn'}", "when", "status has no value 'Opn'"),
        ("when: {issue matches: 'status Open'}", "when", "is not expected here"),
        ("when: {issue matches: 'text ~ fire'}", "when", "searches the words of comments"),
        ("when: {not: {issue matches: 'NOT text ~ fire'}}", "when", "searches the words of"),
        ("when: {issue matches: 'assignee = currentUser()'}", "when", "nobody is known to ask"),
        ("when: {issue matches: 'assignee in membersOf(x)'}", "when", "there is no group 'x'"),
    ],
)
def test_what_does_not_exist_is_refused(settings: str, field: str, problem: str) -> None:
    (first, *_) = faults_of(HELP + f"    {settings}\n")
    line = 4 + settings.count("\n")
    assert first.startswith(f"f:{line}: handler 'h', {field}: ")
    assert problem in first


def test_a_problem_in_several_projects_is_told_once() -> None:
    text = "handlers:\n  - name: h\n    then: [{set: {assignee: no@example.org}}]\n"
    assert len(faults_of(text)) == 1


def test_a_fault_tells_one_problem_of_a_value() -> None:
    assert len(faults_of(HELP + "    fields: {Floor: {from: body, pattern: a}}\n")) == 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("handlers: [{name: h, wehn: x}]", "f:1: handler 'h', wehn: is not known; did you mean"),
        (
            "sender_filters: [{name: f, addresses: ['*@x.example']}]",
            "f:1: sender filter 'f', addresses: *@x.example: * is a character here: use domains",
        ),
        ("handlers: [{order: 1}]", "f:1: handler, name: is missing"),
        ("handlers: {name: h}", "f:1: handlers: must be a list; begin each item with '- '"),
        (
            "limits: [{name: machine_messages, senders: ['*@x']}]",
            "f:1: limit 'machine_messages', senders: item 1: must be an address such as alarm@",
        ),
    ],
)
def test_a_fault_names_the_thing_and_the_remedy(text: str, fault: str) -> None:
    (found,) = faults_of(text)
    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("settings", "note"),
    [
        ("pattern: x", "pattern has no effect: it belongs to kind: comment_before_pattern"),
        ("notify_users: true", "notify_users has no effect: it needs create_users: true"),
        ("catch_headers: [To]", "catch_headers has no effect: it needs a catch_address"),
        ("{kind: create, closed_issues: reopen}", "closed_issues has no effect: kind: create"),
        ("{kind: comment, issue_type: Bug}", "issue_type has no effect: kind: comment makes no"),
        ("{kind: comment, then: [{project: SALE}]}", "then has no effect: kind: comment makes no"),
        ("{kind: comment, then: [{drop: spam}]}", ""),
        ("{kind: comment, issue_type: Bug, closed_issues: new_issue}", ""),
        ("{create_users: true, notify_users: true}", ""),
    ],
)
def test_a_setting_without_effect_is_noted(settings: str, note: str) -> None:
    text = settings.strip("{}").replace(", ", "\n    ")
    (entry,) = parse_file(f"{HELP}    {text}\n", "f")
    assert MAIL_HANDLER.notes
    notes = MAIL_HANDLER.notes(entry, None)
    assert len(notes) == bool(note)
    assert not note or notes[0].startswith(note)


def test_a_handler_of_several_accounts_sets_what_all_their_projects_have() -> None:
    (fault,) = faults_of("handlers: [{name: h, components: [Web]}]\n")
    assert "project SALE has no component 'Web'; it has: Shop" in fault
    assert "add it to the project, or name another project" in fault
    assert faults_of("handlers: [{name: h, components: [Web], project: HELP}]\n") == []
    (fault,) = faults_of("handlers: [{name: h, accounts: [gone]}]\n")
    assert "there is no account 'gone'" in fault


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("projects: [{key: HELP, name: Help, components: [Shop]}]", "project 'HELP'"),
        ("projects: [{key: HELP, name: Help, components: [Web, Shop]}]", ""),
        # Another project's lists are no concern of the handler.
        ("projects: [{key: SALE, name: Sales}]", ""),
        ("people: [{address: jane@example.org, active: false}]", "person 'jane@example.org'"),
        ("people: [{address: jane@example.org, name: Jane}]", ""),
    ],
)
def test_a_change_may_not_take_away_what_a_handler_names(text: str, where: str) -> None:
    handler = MailHandler(
        name="h", accounts=["support"], components=["Web"], reporter="jane@example.org"
    )
    faults: Sequence[str] = faults_of(text, handler)
    assert len(faults) == bool(where)
    for fault in faults:
        assert fault.startswith(f"f:1: {where}")
        assert "handler 'h', " in fault
