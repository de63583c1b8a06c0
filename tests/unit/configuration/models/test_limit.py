"""Limits have defaults by their names, and one table in the documentation."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest
from pydantic import ValidationError

from postrail.configuration.models.limit import DESCRIPTIONS, Limit, LimitName
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.configuration.yaml_read import parse_file
from postrail.configuration.yaml_write import export_text, written_values

DOCUMENTATION = Path(__file__).parents[4] / "docs" / "limits.md"


def rows_of_the_documentation() -> list[str]:
    lines = DOCUMENTATION.read_text().splitlines()
    return [line for line in lines if line.startswith("| `")]


def test_the_documentation_has_all_limits_as_they_are() -> None:
    assert rows_of_the_documentation() == [
        f"| `{name}` | {one.value} | {Limit(name=name).unit} | {one.counted} | {one.above}"
        f" | {one.released} |"
        for name, one in DESCRIPTIONS.items()
    ]
    assert list(DESCRIPTIONS) == list(LimitName)


@pytest.mark.parametrize("name", list(LimitName))
def test_a_limit_has_its_defaults(name: LimitName) -> None:
    default = DESCRIPTIONS[name]
    limit = ConfigurationSnapshot().limit(name)
    assert (limit.value, limit.minutes) == (default.value, default.minutes)
    # A file names only what is different.
    assert written_values(limit) == {"name": name}
    assert written_values(Limit(name=name, value=0)) == {"name": name, "value": 0}


def test_what_is_exported_is_read_again() -> None:
    limits = [
        Limit(name=LimitName.SENDER_MESSAGES, value=50, minutes=60),
        Limit(name=LimitName.MACHINE_MESSAGES, senders=["Alarm@example.org", "b.example"]),
    ]
    text = export_text(limits)
    assert "\nlimits:\n  - name: machine_messages\n    senders:\n    - alarm@example.org\n" in text
    read = [entry.thing for entry in parse_file(text, "x")]
    assert sorted(read, key=str) == sorted(limits, key=str)


def test_an_operators_value_goes_before_the_default() -> None:
    limit = Limit(name=LimitName.SENDER_MESSAGES, value=3)
    snapshot = ConfigurationSnapshot(limits={LimitName.SENDER_MESSAGES: limit})
    assert snapshot.limit(LimitName.SENDER_MESSAGES).unit == "messages in 120 minutes"
    assert snapshot.limit(LimitName.SENDER_MESSAGES).value == 3


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"name": "senders_messages"}, "sender_messages"),
        ({"name": "sender_messages", "value": -1}, "greater than or equal to 0"),
        ({"name": "sender_messages", "minutes": 0}, "to switch the limit off, set value: 0"),
        ({"name": "sender_messages", "minutes": 50_000}, "less than or equal to 44640"),
        ({"name": "issue_watchers", "minutes": 5}, "counts at any time: leave it out"),
        ({"name": "sender_messages", "senders": ["a@b.example"]}, "belongs to machine_messages"),
        ({"name": "machine_messages", "senders": ["*@b.example"]}, "pattern"),
    ],
)
def test_a_wrong_limit_is_refused(given: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Limit.model_validate(given)


@pytest.mark.parametrize(
    ("sender", "named"),
    [
        ("alarm@example.org", True),
        ("bob@example.org", False),
        ("any@b.example", True),
        ("any@sub.b.example", False),
        ("", False),
    ],
)
def test_machines_are_named_by_address_or_domain(sender: str, *, named: bool) -> None:
    limit = Limit(name=LimitName.MACHINE_MESSAGES, senders=["alarm@example.org", "B.example"])
    assert limit.names_sender(sender) is named


def test_the_settings_that_the_example_names_are_valid() -> None:
    example = (resources.files("postrail.configuration") / "example.yaml").read_text()
    section = example[example.index("\n# limits:") : example.index("\n# The known people")]
    first, machines = (one.thing for one in parse_file(re.sub(r"(?m)^# ?", "", section), "x"))
    assert first == Limit(name=LimitName.SENDER_MESSAGES)
    assert isinstance(machines, Limit)
    assert machines.names_sender("any@monitoring.example.org")
