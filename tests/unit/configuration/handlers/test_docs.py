"""The tables and examples of docs/mail-handlers.md agree with the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from postrail.conditions.tree import FIELDS, HEADER, OPERATORS, Operator, Sort
from postrail.configuration.models.handler_parts import Action
from postrail.configuration.models.jira_parameters import PARAMETERS
from postrail.configuration.models.mail_handler import (
    CATCH_HEADERS,
    JIRA_KINDS,
    HandlerKind,
    MailHandler,
)
from postrail.configuration.yaml_read import parse_file
from postrail.query.parse import parse
from services.parser.record.limits import BEGINNING_CHARACTERS

PAGE = (Path(__file__).parents[4] / "docs" / "mail-handlers.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
NOT_JIRAS = {"", "Forward Email"}
# Words of the table in the place of values.
NO_VALUE = {"all", "all messages", "blank", "none", "the account's", "the project's", "see below"}


def table(heading: str, first: str) -> list[list[str]]:
    """Returns the rows of the table below a heading whose first column has this title."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = section.split(f"| {first} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def code(cell: str) -> str:
    return cell.strip("` ")


def test_parameters() -> None:
    rows = table("Parameters", "parameter")
    assert [code(row[0]) for row in rows] == list(MailHandler.model_fields)
    named = {code(row[1]): code(row[0]) for row in rows if code(row[1]) not in NOT_JIRAS}
    assert named == {jira: field for jira, (field, _) in PARAMETERS.items()}


def test_defaults() -> None:
    made = MailHandler(name="x")
    for parameter, _, default, _ in table("Parameters", "parameter"):
        value = getattr(made, code(parameter))
        if default not in NO_VALUE and parameter not in ("`name`", "`priority`"):
            shown = str(value).lower() if isinstance(value, bool) else value
            assert code(default) in (str(shown), "(no subject)"), parameter
        elif default in ("blank", "none"):
            assert not value, parameter
    assert f"`catch_headers` are {', '.join(CATCH_HEADERS[:-1])}, and Received" in " ".join(
        PAGE.split()
    )


def test_kinds() -> None:
    rows = table("Kinds", "kind")
    assert tuple(code(row[0]) for row in rows) == get_args(HandlerKind)
    for kind, _, jira in rows:
        assert JIRA_KINDS[code(jira).lower()] == code(kind)


def test_fields_and_operators_of_conditions() -> None:
    rows = table("Conditions", "field")
    assert {code(row[0]).removesuffix(" NAME"): row[2] for row in rows} == dict(FIELDS)
    assert code(rows[0][0]) == f"{HEADER} NAME"
    operators = {code(row[0]): row[1].split(", ") for row in table("Conditions", "operator")}
    assert operators == {one: [sort for sort in Sort if one in OPERATORS[sort]] for one in Operator}
    assert f"the first {BEGINNING_CHARACTERS:,} characters" in PAGE


def test_actions() -> None:
    assert [code(row[0]) for row in table("Actions", "action")] == list(Action.model_fields)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_read(example: str) -> None:
    for entry in parse_file(example, "docs"):
        for query in entry.thing.issue_queries if isinstance(entry.thing, MailHandler) else ():
            parse(query)


def test_the_spam_handler_is_that_of_the_example_file() -> None:
    (spam,) = (one for one in EXAMPLES if "X-Spam-Flag" in one)
    file = (Path(__file__).parents[4] / "postrail/configuration/example.yaml").read_text()
    shown = {entry.identity: entry.thing for entry in parse_file(spam, "docs")}
    written = {entry.identity: entry.thing for entry in parse_file(file, "file")}
    assert shown == {name: written[name] for name in ("spam", "desk")}
