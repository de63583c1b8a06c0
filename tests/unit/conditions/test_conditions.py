"""Conditions: each field with its operators, their combinations, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from postrail.conditions.evaluate import MessageValues, failed_test
from postrail.conditions.read import DEPTH_MAX, InvalidCondition, read_condition
from postrail.conditions.tree import FIELDS, OPERATORS, Sort

# A Monday, 09:30 in Berlin.
MESSAGE = MessageValues(
    texts={
        "subject": ["Bug: Invoice 12 is wrong"],
        "text": ["Guten Tag,\ndie STRASSE fehlt."],
        "sender": ["mona@mail.customer.example"],
        "sender name": ["Mona Lind"],
        "sender domain": ["mail.customer.example"],
        "recipients": ["help@desk.example", "boss@desk.example"],
        "recipient domains": ["desk.example"],
        "delivered to": ["help@desk.example"],
        "attachments": ["invoice.pdf", "logo.png"],
        "attachment types": ["application/pdf", "image/png"],
        "kind": ["human"],
        "authentication": ["pass"],
        "account": ["support"],
    },
    headers={"x-spam-flag": ["YES"], "received": ["from a", "from b"]},
    numbers={"size": 3 * 1024 * 1024, "attachment count": 2},
    received_at=datetime(2026, 11, 30, 8, 30, tzinfo=UTC),
    language=lambda: "de",
    issue_matches=lambda query: query == "status = Done",
)


def failed(text: str) -> str:
    return failed_test(read_condition(yaml.safe_load(text)), MESSAGE)


# Each line is a test that holds for the message, and one that does not.
TESTS = (
    ("header X-Spam-Flag is: 'yes'", "header X-Spam-Flag is: 'no'"),
    ("header x-spam-flag exists: true", "header X-Spam-Status exists: true"),
    ("header X-Other exists: false", "header X-Spam-Flag exists: false"),
    ("header Received contains: b", "header Received contains: c"),
    ("subject is: 'bug: invoice 12 is wrong'", "subject is: bug"),
    ("subject contains: INVOICE", "subject contains: parcel"),
    ("subject starts: 'bug:'", "subject starts: invoice"),
    ("subject matches: 'invoice (\\d+)'", "subject matches: '^invoice'"),
    ("subject in: ['x', 'bug: invoice 12 is wrong']", "subject in: [bug]"),
    ("subject exists: true", "subject exists: false"),
    ("text contains: straße", "text contains: platz"),
    ("sender is: MONA@mail.customer.example", "sender is: mona@customer.example"),
    ("sender name matches: lind$", "sender name matches: ^lind"),
    ("sender domain in: [mail.customer.example]", "sender domain in: [customer.example]"),
    ("sender domain matches: '(^|\\.)customer\\.example$'", "sender domain is: example"),
    ("recipients is: boss@desk.example", "recipients is: chef@desk.example"),
    ("recipient domains in: [desk.example]", "recipient domains in: [other.example]"),
    ("delivered to starts: help", "delivered to starts: boss"),
    ("attachments matches: '\\.pdf$'", "attachments matches: '\\.exe$'"),
    ("attachments exists: true", "attachments exists: false"),
    ("attachment types starts: image/", "attachment types starts: video/"),
    ("attachment count over: 1", "attachment count over: 2"),
    ("attachment count is: 2", "attachment count is: 3"),
    ("size over: 2 MB", "size over: 3 MB"),
    ("size under: 4mb", "size under: 3145728"),
    ("kind is: human", "kind in: [bounce, bulk]"),
    ("language in: [de, fr]", "language is: en"),
    ("language exists: true", "language exists: false"),
    ("authentication is: pass", "authentication is: fail"),
    ("account is: support", "account is: sales"),
    ("time in: mon-fri 08:00-18:00 Europe/Berlin", "time in: tue-sun 08:00-18:00 UTC"),
    ("time in: mon 08:00-09:00 UTC", "time in: mon 09:00-10:00 UTC"),
    ("time in: sun 22:00-10:00 UTC", "time in: mon 22:00-08:00 UTC"),
    ("time in: sat-mon 00:00-24:00 UTC", "time in: 'tue,sun 08:00-09:00 UTC'"),
    ("issue matches: status = Done", "issue matches: status = Open"),
)


@pytest.mark.parametrize(("holds", "does_not"), TESTS)
def test_a_test_holds_or_names_itself(holds: str, does_not: str) -> None:
    assert failed(f"{{{holds}}}") == ""
    assert failed(f"{{{does_not}}}").split(":")[0] == does_not.split(":")[0]


def test_every_field_and_operator_is_asked_above() -> None:
    asked = {text.split(":")[0].lower() for pair in TESTS for text in pair}
    fields = {word.rpartition(" ")[0].split(" ")[0] for word in asked}
    assert {field.split(" ")[0] for field in FIELDS} <= fields
    assert {operator for sort in Sort for operator in OPERATORS[sort]} <= {
        word.rpartition(" ")[2] for word in asked
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("[{subject contains: bug}, {kind is: human}]", ""),
        ("all: [{subject contains: bug}, {kind is: bulk}]", "kind is: bulk"),
        ("any: [{subject contains: x}, {kind is: human}]", ""),
        (
            "any: [{subject contains: x}, {kind is: bulk}]",
            "any of: subject contains: x; kind is: bulk",
        ),
        ("not: {kind is: bulk}", ""),
        ("not: {kind is: human}", "not kind is: human"),
        (
            "not: {all: [{kind is: human}, {size over: 1}]}",
            "not (kind is: human and size over: 1)",
        ),
        ("not: {any: [{kind is: bulk}, {size under: 1}]}", ""),
    ],
)
def test_conditions_are_combined(text: str, expected: str) -> None:
    assert failed(text) == expected


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("subject", "is no condition"),
        ({}, "is no condition"),
        ({"subject contains": "a", "kind is": "b"}, "is no condition"),
        ({"all": []}, "needs a list"),
        ({"any": {"kind is": "b"}}, "needs a list"),
        ({"kind is": "spamm"}, "kind is never 'spamm'; it is one of: human, bounce"),
        ({"kind in": ["human", "spamm"]}, "kind is never 'spamm'"),
        ({"language is": "english"}, "language is never 'english'; it is one of: ar, "),
        ({"authentication is": "passed"}, "it is one of: pass, fail, none"),
        ({"subject": "a"}, "does not end in an operator"),
        ({"subjekt contains": "a"}, "did you mean 'subject'"),
        ({"header is": "a"}, "header NAME"),
        ({"header X Y is": "a"}, "is no name of a header field"),
        ({"size contains": "a"}, "size has no operator contains; it has is, over, under"),
        ({"size over": "many"}, "needs a number, such as 3, 200 KB or 10 MB"),
        ({"size over": True}, "needs a number"),
        ({"subject in": "a"}, "in needs a list"),
        ({"subject exists": "yes"}, "true or false"),
        ({"subject contains": ""}, "the text is empty"),
        ({"subject contains": ["a"]}, "needs a text"),
        ({"subject contains": "a" * 2001}, "more than 2000 characters"),
        ({"subject matches": "a(?=b)"}, "look-ahead"),
        ({"time in": "always"}, "mon-fri 08:00-18:00 Europe/Berlin"),
        ({"time in": "mon-foo 08:00-18:00 UTC"}, "'foo' is no day"),
        ({"time in": "mon 08:00-25:00 UTC"}, "as in mon-fri"),
        ({"time in": "mon 08:00-18:00 Mars/Base"}, "Mars/Base"),
        ([{"kind is": "human"}] * 201, "more than 200 tests"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_remedy(value: Any, problem: str) -> None:
    with pytest.raises(InvalidCondition) as refused:
        read_condition(value)
    assert problem in str(refused.value)


def test_deep_nesting_is_refused() -> None:
    value: Any = {"kind is": "human"}
    for _ in range(DEPTH_MAX + 1):
        value = {"not": value}
    with pytest.raises(InvalidCondition, match="nested deeper"):
        read_condition(value)
