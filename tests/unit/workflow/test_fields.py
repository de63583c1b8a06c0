"""Values of each field: how they are stored, and which are refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postrail.workflow.checks import FieldContext
from postrail.workflow.fields import (
    SUMMARY_CHARACTERS,
    addresses_in,
    check_value,
    field_named,
    fields_of,
    json_value,
)
from postrail.workflow.values import InvalidValue
from tests.unit.workflow.projects import HELP, PEOPLE, PRIORITIES

CONTEXT = FieldContext(project=HELP, people=PEOPLE, priorities=PRIORITIES)


VALID: list[tuple[str, Any, Any]] = [
    ("summary", "  The\nprinter  burns ", "The printer burns"),
    ("Summary", "x", "x"),
    ("description", " kept\n as it is ", " kept\n as it is "),
    ("description", None, ""),
    ("description", "  ", ""),
    ("type", "bug", "Bug"),
    # Jira's handlers name types by their numbers.
    ("type", "1", "Bug"),
    ("type", 1, "Bug"),
    ("status", "DONE", "Done"),
    ("resolution", "Won't do", "Won't do"),
    ("resolution", "", None),
    ("priority", "high", 2),
    ("priority", "5", 5),
    ("priority", 1, 1),
    # Any address of a person is the person; mail goes to one.
    ("assignee", "Jane.Doe@example.com", "jane@example.org"),
    ("assignee", "", None),
    # Anyone may be the reporter, also an outsider.
    ("reporter", "Customer@Example.net", "customer@example.net"),
    ("labels", "urgent, vip,,urgent", ["urgent", "vip"]),
    ("labels", ["b", "a", "b"], ["b", "a"]),
    ("labels", [], []),
    ("labels", " ", []),
    # In the order of the project.
    ("components", ["phones", "Printers"], ["Printers", "Phones"]),
    ("components", "Phones, fixed", ["Phones, fixed"]),
    ("components", "phones,printers", ["Printers", "Phones"]),
    ("components", None, []),
    ("due", "2027-02-28", date(2027, 2, 28)),
    ("due", date(2027, 2, 28), date(2027, 2, 28)),
    ("due", None, None),
    ("Room", " 1.17 ", " 1.17 "),
    ("field:room", "x", "x"),
    ("Room", "", None),
    ("Cost", "12.50", Decimal("12.5")),
    ("Cost", 0.1, Decimal("0.1")),
    ("Cost", "-0", Decimal(0)),
    ("Cost", 1000, Decimal(1000)),
    ("Cost", None, None),
    ("Wanted by", "2028-02-29", date(2028, 2, 29)),
    ("severity", "high", "High"),
    ("Severity", "", None),
    ("Systems", "web, sap", ["SAP", "Web"]),
    ("Systems", ["Web"], ["Web"]),
    ("Systems", [], []),
    ("Approver", "JANE@example.org", "jane@example.org"),
]


@pytest.mark.parametrize(("name", "value", "stored"), VALID)
def test_a_valid_value_is_stored(name: str, value: Any, stored: Any) -> None:
    assert check_value(CONTEXT, name, value) == stored


INVALID: list[tuple[str, Any, str]] = [
    ("summary", None, "summary may not be empty. Give a summary"),
    ("summary", " \n ", "summary may not be empty"),
    (
        "summary",
        "x" * (SUMMARY_CHARACTERS + 1),
        "256 characters. Shorten it to at most 255",
    ),
    ("summary", "a\0b", "the character U+0000, which cannot be stored"),
    # An argument of a command that is not UTF-8.
    ("description", "a\udcffb", "U+DCFF"),
    ("description", 7, "description is a text, not 7"),
    ("type", "Story", "project HELP has no type 'Story'. Use one of: Request, Bug"),
    ("type", 2, "type is a text, not 2"),
    ("type", None, "may not be empty"),
    ("status", "Closed", "project HELP has no status 'Closed'. Use one of: New, Working"),
    ("priority", "Urgent", "no priority 'Urgent'. Use one of: 1 (Highest), 2 (High)"),
    ("priority", 0, "no priority 0"),
    ("priority", True, "no priority True"),
    ("priority", None, "may not be empty"),
    ("assignee", "nobody@example.org", "no person with the address 'nobody@example.org'"),
    ("assignee", "gone@example.org", "'gone@example.org' is not active"),
    ("assignee", 5, "is a text, not 5"),
    ("reporter", "Jane", "'Jane' is not an address"),
    ("reporter", None, "may not be empty"),
    ("labels", ["two words"], "'two words' is blank, or holds a blank or a comma"),
    ("labels", ["a", ""], "'' is blank"),
    ("labels", [1], "labels is a list of texts, not [1]"),
    ("labels", [f"l{number}" for number in range(101)], "has 101 items. Give at most 100"),
    (
        "components",
        "Printers,Coffee",
        "HELP has no components 'Coffee'. Use one of: Printers, Phones, fixed",
    ),
    ("due", "31.01.2027", "due is a date, not '31.01.2027'. Give one such as 2027-01-31"),
    ("due", "20270131", "is a date"),
    ("due", "2027-02-29", "is a date"),
    ("due", 5, "is a date"),
    ("Room", "x" * 10_001, "has 10,001 characters"),
    ("Room", 17, "is a text"),
    ("Cost", "dear", "Cost is a number of at most 15 digits, not 'dear'"),
    ("Cost", "NaN", "is a number"),
    ("Cost", "sNaN", "is a number"),
    ("Cost", "Infinity", "is a number"),
    ("Cost", True, "is a number"),
    # More digits than a number of JSON keeps would change silently.
    ("Cost", "1.000000000000000000001", "is a number of at most 15 digits"),
    ("Cost", "1e16", "is a number of at most 15 digits"),
    ("Cost", "1e-30", "is a number of at most 15 digits"),
    ("Cost", "9" * 1000, "is a number of at most 15 digits"),
    ("Wanted by", "soon", "Wanted by is a date"),
    ("Severity", "Medium", "HELP has no Severity 'Medium'. Use one of: Low, High"),
    ("Severity", ["Low"], "is a text"),
    ("Systems", ["SAP", "Fax"], "HELP has no Systems 'Fax'. Use one of: SAP, Mail, Web"),
    ("Approver", "gone@example.org", "is not active"),
    ("resolution", "x" * 101, "resolution has 101 characters"),
]


@pytest.mark.parametrize(("name", "value", "words"), INVALID)
def test_a_value_that_does_not_fit_is_refused(name: str, value: Any, words: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        check_value(CONTEXT, name, value)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 400


def test_each_field_has_rows_in_both_tables() -> None:
    names = {one.name for one in fields_of(HELP)}
    for rows in (VALID, INVALID):
        assert {field_named(HELP, row[0]).name for row in rows} == names


@pytest.mark.parametrize("name", ["Size", "watcher", "created", ""])
def test_a_field_that_nobody_sets_is_refused(name: str) -> None:
    words = "project HELP has no field .*. Use one of: summary, .*, due, Room, Cost"
    with pytest.raises(InvalidValue, match=words):
        check_value(CONTEXT, name, "1")


def test_history_names_custom_fields_apart_from_built_in_ones() -> None:
    assert field_named(HELP, "room").history_name == "field:Room"
    assert field_named(HELP, "DUE").history_name == "due"


def test_the_addresses_that_a_check_needs_are_those_of_person_fields() -> None:
    values = {"assignee": " Jane@Example.org", "approver": "b@example.org", "reporter": "c@x"}
    assert addresses_in(HELP, values) == {"jane@example.org", "b@example.org"}
    with pytest.raises(InvalidValue):
        addresses_in(HELP, {"Size": "1"})


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**10), max_value=10**10
    )
)
def test_a_number_survives_json(number: Decimal) -> None:
    stored = check_value(CONTEXT, "Cost", number)
    assert stored == number
    assert check_value(CONTEXT, "Cost", json_value(stored)) == stored


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (Decimal("12.5"), 12.5),
        (Decimal("1E+3"), 1000),
        (date(2027, 1, 31), "2027-01-31"),
        (["a"], ["a"]),
        (3, 3),
        (None, None),
    ],
)
def test_a_stored_value_has_a_form_in_json(stored: Any, expected: Any) -> None:
    found = json_value(stored)
    assert found == expected
    assert type(found) is type(expected)
