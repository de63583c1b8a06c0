"""The way of a message holds all that decides, and none of its words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.decide import decide
from postrail.decision.facts import Facts, IssueRef, MatchTried, PersonFact
from postrail.decision.way import EXPECTED, differences, way_of
from postrail.message_parts import Address
from postrail.records import MailParsed
from tests.makers.configuration import snapshot
from tests.makers.records import AUTHSERV_ID, mail_parsed, verified

HELP_1 = IssueRef(issue_id=1, issue_key="HELP-1", project="HELP")
KNOWN = Facts(conversation_issues=(HELP_1,), tried=(MatchTried("id", "<a@b>", "HELP-1"),))
ALLOWED = MailHandler(name="allowed", order=1, allowed_senders=["@partner[.]example$"])
SNAPSHOT = replace(snapshot(), handlers=(ALLOWED, MailHandler(name="rest", labels=["mail"])))


def mail(name: str = "ada", **changes: object) -> MailParsed:
    sender = Address(name=name, address=f"{name}@{name}.example")
    return mail_parsed(sender=sender, subject=f"from {name}", text=name, **changes)


def test_messages_with_other_words_take_the_same_way() -> None:
    ways = [way_of(decide(mail(name), SNAPSHOT, Facts())) for name in ("ada", "bob")]
    assert ways[0] == ways[1]
    assert "ada" not in json.dumps(ways[0])
    assert ways[0]["handler"] == "rest"
    assert ways[0]["handlers"] == [
        ["allowed", "allowed_senders do not match (address)"],
        ["rest", ""],
    ]
    [[effect, values]] = ways[0]["effects"]
    assert effect == "CreateIssue"
    assert values.items() >= {"project": "HELP", "labels": ["mail"]}.items()


@pytest.mark.parametrize(
    ("other", "facts", "named"),
    [
        (mail(), KNOWN, {"outcome", "stages", "tried", "effects"}),
        (mail("partner"), Facts(), {"handler", "handlers", "effects"}),
        (mail(kind="bulk"), Facts(), {"effects"}),
        (mail(error="broken"), Facts(), {"outcome", "handler", "stages", "handlers", "effects"}),
    ],
)
def test_another_way_is_named_by_what_differs(
    other: MailParsed, facts: Facts, named: set[str]
) -> None:
    expected = way_of(decide(mail(), SNAPSHOT, Facts()))
    found = differences(expected, way_of(decide(other, SNAPSHOT, facts)))
    assert {one.partition(":")[0] for one in found} == named


def test_what_an_expectation_leaves_out_does_not_differ() -> None:
    found = way_of(decide(mail(), SNAPSHOT, KNOWN))
    assert differences({"outcome": "comment"}, found) == []
    assert differences({"tried": [["id", ""]]}, found) == ["tried: id HELP-1 instead of id "]


def expected_of(**settings: object) -> dict[str, Any]:
    handler = MailHandler.model_validate({"name": "rest", **settings})
    decision = decide(mail(), replace(snapshot(), handlers=(handler,)), Facts())
    return {name: value for name, value in way_of(decision).items() if name in EXPECTED}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"labels": ["mail"]}, ["effects: CreateIssue has issue_type: none instead of Task"]),
        (
            {"issue_type": "Task", "labels": ["a", "b"]},
            ["effects: CreateIssue has labels: a instead of mail"],
        ),
        (
            {"kind": "comment"},
            [
                "outcome: ignored instead of issue",
                "handler: none instead of rest",
                "effects: no CreateIssue",
            ],
        ),
        (
            {"issue_type": "Task", "labels": ["mail"], "then": [{"forward": "boss@example.net"}]},
            ["effects: also Forward"],
        ),
        (
            {"issue_type": "Task", "labels": ["mail"], "fields": {"Room": "12"}},
            ["effects: CreateIssue has custom: also Room"],
        ),
    ],
)
def test_the_first_difference_is_said_in_a_few_words(
    settings: dict[str, object], said: list[str]
) -> None:
    expected = expected_of(issue_type="Task", labels=["mail"])
    assert differences(expected, expected_of(**settings)) == said


def test_a_handler_in_front_that_does_not_take_the_message_changes_nothing() -> None:
    before = {name: way_of(decide(mail(), SNAPSHOT, Facts()))[name] for name in EXPECTED}
    front = MailHandler(name="front", order=0, when={"subject is": "nobody writes this"})
    more = replace(SNAPSHOT, handlers=(front, *SNAPSHOT.handlers))
    assert differences(before, way_of(decide(mail(), more, Facts()))) == []


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        # Values of fields that the configuration knows are compared, words are not.
        ("#priority high\n#summary Ada is in", [["priority", "high"], ["summary"]]),
        ("Status: done\n\nhello", [["status", "done"]]),
    ],
)
def test_field_commands_are_compared(text: str, commands: list[list[str]]) -> None:
    handler = MailHandler(name="rest", field_commands=["status", "priority", "summary"])
    configuration = replace(snapshot(authserv_ids=[AUTHSERV_ID]), handlers=(handler,))
    by_agent = Facts(sender=PersonFact(address="ada@example.org"), agent_of=("HELP",))
    [[_, values]] = way_of(decide(verified(mail_parsed(text=text)), configuration, by_agent))[
        "effects"
    ]
    assert values["commands"] == commands
