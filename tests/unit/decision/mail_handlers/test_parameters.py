"""Each parameter of a mail handler: what it makes of a message that is something else without it.

The rows name the fields of `MailHandler`; none may lack a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.project import CustomField
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.decide import decide
from postrail.decision.decision import (
    AddComment,
    CreateIssue,
    CreatePerson,
    Decision,
    FieldCommand,
    Forward,
    Notify,
    Reply,
)
from postrail.decision.facts import Facts, IssueRef, NamedIssue, PersonFact
from postrail.message_parts import Address, Attachment, HeaderField
from postrail.records import MailParsed
from tests.makers.configuration import mail_account, snapshot
from tests.makers.records import mail_parsed, verified

ADA = PersonFact(address="ada@example.org", name="Ada")
BO = PersonFact(address="bo@example.org", name="Bo", agent_of=("HELP",))
HELP_1 = IssueRef(issue_id=1, issue_key="HELP-1", project="HELP")
KNOWN = Facts(sender=ADA)
UNKNOWN = Facts()
UNKNOWN_ANSWER = Facts(conversation_issues=(HELP_1,), taking_part=(1,))
# It answers a message that we sent to its sender.
ANSWER = Facts(conversation_issues=(HELP_1,), sender=ADA, taking_part=(1,), answered_in=(1,))
DONE = replace(ANSWER, done_issues=(1,))
TO_BO = Facts(sender=ADA, addressed=(BO, ADA))
NUMBER = Facts(named_issues=(NamedIssue(issue=HELP_1, number="1"),), sender=ADA, taking_part=(1,))
AGENT = Facts(sender=ADA, agent_of=("HELP",), insider_in=(1,), conversation_issues=(HELP_1,))
PLAIN = mail_parsed()
VERIFIED = verified(mail_parsed(text="#priority high\n\nIt burns."))
FORWARD = verified(
    mail_parsed(
        subject="Fwd: Fire",
        text="From: Mona <mona@customer.example>\nTo: ada@example.org\n\nIt burns.",
    )
)
BULK = mail_parsed(headers=[HeaderField(name="Precedence", value="bulk")])
ROOM = mail_parsed(headers=[HeaderField(name="X-Room", value="Room 321")])
FILES = mail_parsed(
    attachments=[
        Attachment(
            name=name, content_type=kind, size=size, sha256="", content_id=None, inline=False
        )
        for name, kind, size in [
            ("a.pdf", "application/pdf", 11),
            ("b.exe", "application/x-exe", 1),
        ]
    ]
)


def issue(decision: Decision) -> CreateIssue:
    (found,) = (one for one in decision.effects if isinstance(one, CreateIssue))
    return found


def comment(decision: Decision) -> AddComment:
    (found,) = (one for one in decision.effects if isinstance(one, AddComment))
    return found


def outcome(decision: Decision) -> str:
    return str(decision.outcome)


def person(decision: Decision) -> CreatePerson | None:
    return next((one for one in decision.effects if isinstance(one, CreatePerson)), None)


def sent(decision: Decision) -> list[str]:
    """Returns where the message is sent on, who is told of it, and the text of an answer."""
    found = []
    for effect in decision.effects:
        match effect:
            case Forward():
                found.append(f"forward {effect.to}")
            case Notify():
                found.append(f"notice {effect.to}")
            case Reply():
                found.append(f"reply {effect.text}")
    return found


def type_of(decision: Decision) -> str:
    return issue(decision).fields.issue_type


def handler_of(decision: Decision) -> str:
    assert decision.trace is not None
    return next(one.handler for one in decision.trace.handlers if not one.declined)


# The field, its values, the message, and what the parameter makes of a part of the decision.
Row = tuple[str, dict[str, Any], MailParsed, Facts, Callable[[Decision], object], object]
ROWS: list[Row] = [
    ("name", {"name": "desk"}, PLAIN, KNOWN, handler_of, "desk"),
    ("enabled", {"enabled": False}, PLAIN, KNOWN, handler_of, "second"),
    ("order", {"order": 200}, PLAIN, KNOWN, handler_of, "second"),
    ("accounts", {"accounts": ["sales"]}, PLAIN, KNOWN, handler_of, "second"),
    ("when", {"when": {"subject is": "x"}}, PLAIN, KNOWN, handler_of, "second"),
    ("kind", {"kind": "comment"}, PLAIN, KNOWN, handler_of, "second"),
    (
        "pattern",
        {"kind": "comment_before_pattern", "pattern": "^--"},
        PLAIN,
        ANSWER,
        lambda d: comment(d).text.ends_before,
        "^--",
    ),
    # The issues that it makes.
    ("project", {"project": "SALE"}, PLAIN, KNOWN, lambda d: issue(d).project, "SALE"),
    (
        "issue_type",
        {"issue_type": "bug"},
        PLAIN,
        KNOWN,
        lambda d: issue(d).fields.issue_type,
        "Bug",
    ),
    ("issue_type", {"issue_type": 3}, PLAIN, KNOWN, type_of, "Task"),
    ("priority", {"priority": "high"}, PLAIN, KNOWN, lambda d: issue(d).fields.priority, 2),
    ("priority", {"priority": 5}, PLAIN, KNOWN, lambda d: issue(d).fields.priority, 5),
    ("labels", {"labels": ["vip"]}, PLAIN, KNOWN, lambda d: issue(d).fields.labels, ("vip",)),
    (
        "components",
        {"components": ["door"]},
        PLAIN,
        KNOWN,
        lambda d: issue(d).fields.components,
        ("Door",),
    ),
    (
        "assignee",
        {"assignee": "Bo@example.org"},
        PLAIN,
        KNOWN,
        lambda d: issue(d).fields.assignee,
        "bo@example.org",
    ),
    (
        "fields",
        {"fields": {"Room": "12"}},
        ROOM,
        KNOWN,
        lambda d: issue(d).fields.custom,
        (("Room", "12"),),
    ),
    (
        "fields",
        {"fields": {"Room": {"from": "header X-Room", "pattern": r"\d+"}}},
        ROOM,
        KNOWN,
        lambda d: issue(d).fields.custom,
        (("Room", "321"),),
    ),
    (
        "default_summary",
        {"default_summary": "(no words)"},
        PLAIN,
        KNOWN,
        lambda d: issue(d).fields.summary,
        "(no words)",
    ),
    (
        "cc_assignee",
        {"cc_assignee": True},
        PLAIN,
        TO_BO,
        lambda d: issue(d).fields.assignee,
        "bo@example.org",
    ),
    (
        "cc_watchers",
        {"cc_watchers": True},
        VERIFIED,
        TO_BO,
        lambda d: issue(d).watchers,
        ("bo@example.org", "ada@example.org"),
    ),
    (
        "attachments",
        {"attachments": {"keep": False}},
        FILES,
        KNOWN,
        lambda d: (issue(d).text.attachments, len(issue(d).text.left_out)),
        ((), 2),
    ),
    (
        "attachments",
        {"attachments": {"max_bytes": 10}},
        FILES,
        KNOWN,
        lambda d: issue(d).text.left_out,
        ("a.pdf (larger than 10 bytes)",),
    ),
    (
        "attachments",
        {"attachments": {"types": ["application/pdf"]}},
        FILES,
        KNOWN,
        lambda d: issue(d).text.left_out,
        ("b.exe (type application/x-exe)",),
    ),
    (
        "attachments",
        {"attachments": {"refused_types": ["application/pdf"]}},
        FILES,
        KNOWN,
        lambda d: issue(d).text.attachments,
        (1,),
    ),
    (
        "attachments",
        {"attachments": {"refused_names": [r"\.exe$"]}},
        FILES,
        KNOWN,
        lambda d: issue(d).text.left_out,
        ("b.exe (name)",),
    ),
    (
        "strip_quotations",
        {"strip_quotations": False},
        PLAIN,
        ANSWER,
        lambda d: comment(d).text.new_text_only,
        False,
    ),
    ("closed_issues", {"closed_issues": "reopen"}, PLAIN, DONE, lambda d: comment(d).reopens, True),
    ("closed_issues", {"closed_issues": "new_issue"}, PLAIN, DONE, outcome, "issue"),
    (
        "forwards",
        {"forwards": "original_sender"},
        FORWARD,
        Facts(sender=ADA, agent_of=("HELP",)),
        lambda d: issue(d).reporter,
        "mona@customer.example",
    ),
    ("bare_numbers", {"bare_numbers": True}, PLAIN, NUMBER, outcome, "comment"),
    # Senders who are no known persons.
    ("unknown_senders", {"unknown_senders": "ignore"}, PLAIN, UNKNOWN, outcome, "ignored"),
    ("unknown_senders", {"unknown_senders": "quarantine"}, PLAIN, UNKNOWN, outcome, "quarantined"),
    (
        "create_users",
        {"create_users": True},
        PLAIN,
        UNKNOWN_ANSWER,
        person,
        CreatePerson(notify=True),
    ),
    (
        "notify_users",
        {"create_users": True, "notify_users": False},
        PLAIN,
        UNKNOWN_ANSWER,
        person,
        CreatePerson(notify=False),
    ),
    (
        "reporter",
        {"reporter": "Bo@example.org"},
        PLAIN,
        UNKNOWN,
        lambda d: (issue(d).reporter, issue(d).text.signed_by),
        ("bo@example.org", "ada@example.org"),
    ),
    ("allowed_senders", {"allowed_senders": ["@x$"]}, PLAIN, UNKNOWN, handler_of, "second"),
    (
        "field_commands",
        {"field_commands": ["priority"]},
        VERIFIED,
        AGENT,
        lambda d: comment(d).commands,
        (FieldCommand(field="priority", value="high"),),
    ),
    # Whether it takes the message.
    ("bulk", {"bulk": "ignore"}, BULK, KNOWN, outcome, "ignored"),
    ("bulk", {"bulk": "delete"}, BULK, KNOWN, outcome, "deleted"),
    (
        "forward_address",
        {"bulk": "forward", "forward_address": "boss@example.net"},
        BULK,
        KNOWN,
        lambda d: (outcome(d), sent(d)),
        ("forwarded", ["forward boss@example.net"]),
    ),
    (
        "catch_address",
        {"catch_address": "foo@example.com"},
        PLAIN,
        KNOWN,
        handler_of,
        "second",
    ),
    (
        "catch_headers",
        {"catch_address": "support@example.com", "catch_headers": ["Cc"]},
        PLAIN,
        KNOWN,
        handler_of,
        "second",
    ),
    ("ignore_subjects", {"ignore_subjects": ["^printer"]}, PLAIN, KNOWN, outcome, "ignored"),
    (
        "jira_parameters",
        {"jira_parameters": "project=SALE, issuetype=1"},
        PLAIN,
        KNOWN,
        lambda d: (issue(d).project, issue(d).fields.issue_type),
        ("SALE", "Bug"),
    ),
    # Its actions.
    (
        "then",
        {"then": [{"set": {"priority": "Low", "Room": 7}}, {"set": {"priority": "High"}}]},
        PLAIN,
        KNOWN,
        lambda d: (issue(d).fields.priority, issue(d).fields.custom),
        (2, (("Room", "7"),)),
    ),
    (
        "then",
        {"then": [{"project": "SALE"}, {"project": "HELP"}, {"project": "SALE"}]},
        PLAIN,
        KNOWN,
        lambda d: issue(d).project,
        "SALE",
    ),
    (
        "then",
        {"then": [{"watchers": ["Lead@example.org"]}, {"watchers": ["bo@example.org"]}]},
        PLAIN,
        KNOWN,
        lambda d: issue(d).watchers,
        ("lead@example.org", "bo@example.org"),
    ),
    (
        "then",
        {"labels": ["a"], "then": [{"labels": ["b"]}, {"set": {"labels": ["c", "a"]}}]},
        PLAIN,
        KNOWN,
        lambda d: issue(d).fields.labels,
        ("a", "b", "c"),
    ),
    (
        "then",
        {"then": [{"labels": ["a"]}, {"drop": "no printers here"}]},
        PLAIN,
        KNOWN,
        lambda d: (outcome(d), d.reason),
        ("ignored", "handler h: no printers here"),
    ),
    (
        "then",
        {"then": [{"quarantine": "a person looks at it"}]},
        PLAIN,
        KNOWN,
        lambda d: (outcome(d), d.reason),
        ("quarantined", "handler h: a person looks at it"),
    ),
    (
        "then",
        {"then": [{"forward": "boss@example.net"}, {"notify": "lead@example.net"}]},
        PLAIN,
        KNOWN,
        sent,
        ["forward boss@example.net", "notice lead@example.net"],
    ),
    ("then", {"then": [{"reply": "We are on holiday."}]}, PLAIN, KNOWN, sent, None),
]
# These change nothing about a message: the first is for people, the second is tried when saved;
# the third decides about messages that no handler takes (see below).
ELSEWHERE = {"description", "sample_addresses", "forward_unhandled"}


def configured(values: dict[str, Any]) -> ConfigurationSnapshot:
    base = snapshot()
    help_desk = base.projects["HELP"].model_copy(
        update={"components": ["Door"], "fields": [CustomField(name="Room", kind="text")]}
    )
    handlers = [
        MailHandler.model_validate({"name": "h", "cc_assignee": False} | values),
        MailHandler(name="second", order=150, cc_assignee=False),
    ]
    return ConfigurationSnapshot(
        accounts=base.accounts | {"support": mail_account(authserv_ids=["mx.example.com"])},
        projects=base.projects | {"HELP": help_desk},
        connections=base.connections,
        priorities={1: "Highest", 2: "High", 3: "Medium", 4: "Low", 5: "Lowest"},
        handlers=tuple(sorted(handlers, key=lambda one: (one.order, one.name))),
    )


def part_of(decision: Decision, look: Callable[[Decision], object]) -> object:
    try:
        return look(decision)
    except ValueError:
        return "no such effect"


@pytest.mark.parametrize(
    ("field", "values", "mail", "facts", "look", "expected"),
    ROWS,
    ids=[f"{row[0]}-{place}" for place, row in enumerate(ROWS)],
)
def test_each_parameter(
    field: str,
    values: dict[str, Any],
    mail: MailParsed,
    facts: Facts,
    look: Callable[[Decision], object],
    expected: object,
) -> None:
    found = part_of(decide(mail, configured(values), facts), look)
    if expected is not None:
        assert found == expected
    without = {name: value for name, value in values.items() if name != field}
    if without.get("kind") == "comment_before_pattern" or without.get("bulk") == "forward":
        without = {}
    assert part_of(decide(mail, configured(without), facts), look) != found


def test_each_field_has_a_row() -> None:
    assert {row[0] for row in ROWS} | ELSEWHERE == set(MailHandler.model_fields)


def test_messages_that_no_handler_takes_are_forwarded_where_that_is_on() -> None:
    values = {
        "forward_address": "boss@example.net",
        "when": {"subject is": "x"},
        "forward_unhandled": True,
    }
    for unhandled, sent_to in [(True, ["forward boss@example.net"]), (False, [])]:
        given = configured(values | {"forward_unhandled": unhandled})
        alone = ConfigurationSnapshot(
            accounts=given.accounts,
            projects=given.projects,
            connections=given.connections,
            handlers=given.handlers[:1],
        )
        assert sent(decide(PLAIN, alone, KNOWN)) == sent_to


@pytest.mark.parametrize(
    ("kind", "account", "handler", "new_text_only"),
    [
        # The handler's setting goes before the account's.
        ("create_or_comment", True, None, True),
        ("create_or_comment", False, None, False),
        ("create_or_comment", True, False, False),
        ("create_or_comment", False, True, True),
        ("comment_before_pattern", False, None, False),
        # These kinds say it themselves.
        ("comment", True, True, False),
        ("comment_reply_text", False, False, True),
    ],
)
def test_strip_quotations(
    kind: str, account: bool, handler: bool | None, new_text_only: bool
) -> None:
    given = configured({"kind": kind, "pattern": "^--", "strip_quotations": handler})
    given.accounts["support"] = mail_account(strip_quotations=account)
    assert comment(decide(PLAIN, given, ANSWER)).text.new_text_only is new_text_only


@pytest.mark.parametrize(
    ("routed", "to", "project"),
    [
        # The handler's project goes before the account's, and before that of an address.
        ({}, "support@example.com", "HELP"),
        ({"project": "SALE"}, "support@example.com", "SALE"),
        ({"then": [{"project": "SALE"}]}, "support@example.com", "SALE"),
        ({"project": "HELP"}, "sale@example.com", "HELP"),
    ],
)
def test_the_project_of_the_handler_goes_first(
    routed: dict[str, Any], to: str, project: str
) -> None:
    mail = mail_parsed(to=[Address(name="", address=to)])
    assert issue(decide(mail, configured(routed), KNOWN)).project == project
