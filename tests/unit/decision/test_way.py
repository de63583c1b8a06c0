"""The way of a message holds all that decides, and none of its words."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.decide import decide
from postrail.decision.facts import Facts, IssueRef, MatchTried
from postrail.decision.way import differences, way_of
from postrail.message_parts import Address
from postrail.records import MailParsed
from tests.makers.configuration import snapshot
from tests.makers.records import mail_parsed

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
        (mail("partner"), Facts(), {"handlers", "effects"}),
        (mail(kind="bulk"), Facts(), {"effects"}),
        (mail(error="broken"), Facts(), {"outcome", "stages", "handlers", "effects"}),
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
