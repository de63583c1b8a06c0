"""The way of a message through the rules, without its words: compared with another message's. Pure.

Two messages take the same way if the same stages and handlers gave the same answers, the same
keys led to the same issues, and the same effects follow.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import zip_longest
from typing import Any

from postrail.configuration.configured import folded
from postrail.decision.decision import Decision, Effect, FieldCommand
from postrail.decision.facts import IssueRef

# An answer may quote an address of the message.
ADDRESS = re.compile(r"[^\s<>@,;:]+@[^\s<>@,;:]+")
# What an expectation may name.
COMPARED = ("outcome", "handler", "effects", "handlers", "stages", "verdict", "tried")
# The values of effects that follow from the configuration, and hold none of the message's words.
VALUES = (
    "project",
    "issue",
    "linked_to",
    "links",
    "muted",
    "internal",
    "quotes_internal",
    "outsider",
    "verified",
    "brings",
    "reopens",
    "neutral",
    "confirmed",
    "joins_conversation",
    "own_conversation",
    "issue_type",
    "priority",
    "labels",
    "components",
    "custom",
    "commands",
    "skipped_lines",
    "new_text_only",
    "ends_before",
    "attachments",
    "notify",
    "to",
    "event",
    "status",
    "request_id",
    "choice",
    "why",
    "helps",
)
# The fields whose values are of the configuration, or dates; those of others are words.
CONFIGURED_VALUES = ("status", "priority", "type", "components", "due")
# What a fixture expects. A handler that does not take the message, added in front, changes nothing.
EXPECTED = ("outcome", "handler", "effects")


def way_of(decision: Decision) -> dict[str, Any]:
    """Returns what is compared, as JSON values."""
    trace = decision.trace
    return {
        "outcome": str(decision.outcome),
        "handler": taker(decision),
        "stages": [[one.stage, str(one.outcome)] for one in trace.stages] if trace else [],
        "handlers": [
            [one.handler, ADDRESS.sub("(address)", one.declined)] for one in decision.handlers
        ],
        "verdict": str(trace.verdict) if trace else "",
        "tried": [[one.kind, one.hit] for one in trace.facts.tried] if trace else [],
        "effects": [[type(one).__name__, dict(_compared(one))] for one in decision.effects],
    }


def taker(decision: Decision) -> str:
    """Returns the name of the handler that takes the message, or ""."""
    return next((one.handler for one in decision.handlers if not one.declined), "")


def _compared(effect: Effect) -> Iterator[tuple[str, Any]]:
    given = [effect, *(value for value in _values(effect) if dataclasses.is_dataclass(value))]
    for one in given:
        for name in VALUES:
            if hasattr(one, name):
                yield name, _plain(name, getattr(one, name))


def _values(effect: Effect) -> Iterator[Any]:
    for field in dataclasses.fields(effect):
        value = getattr(effect, field.name)
        if not isinstance(value, IssueRef):
            yield value


def _plain(name: str, value: Any) -> Any:
    match name, value:
        case _, IssueRef():
            return value.issue_key
        case "commands", _:
            return [_command(one) for one in value]
        case "custom", _:
            return [field for field, _ in value]
        case _, tuple():
            return list(value)
        case _, StrEnum():
            return str(value)
    return value


def _command(command: FieldCommand) -> list[str]:
    """Returns the field, and its value unless it is a word of the message."""
    with_value = folded(command.field) in CONFIGURED_VALUES
    return [command.field, command.value] if with_value else [command.field]


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Returns what differs, each in a few words; what the expectation leaves out does not.

    That holds for the values of effects, too.
    """
    each = ((name, _difference(value, found.get(name))) for name, value in expected.items())
    return [f"{name}: {difference}" for name, difference in each if difference]


def _difference(expected: Any, found: Any) -> str:
    """Returns the first difference, or "": of lists that of the first item that differs."""
    if isinstance(expected, list) and isinstance(found, list):
        items = (_of_items(*both) for both in zip_longest(expected, found))
        return next(filter(None, items), "")
    return "" if expected == found else f"{_short(found)} instead of {_short(expected)}"


def _of_items(wanted: Any, item: Any) -> str:
    if wanted == item:
        return ""
    match wanted, item:
        case None, _:
            return f"also {_item(item)}"
        case _, None:
            return f"no {_item(wanted)}"
        case [str(effect), dict(before)], [str(other), dict(after)] if effect == other:
            other_values = differences(before, after)
            return f"{effect} has {other_values[0]}" if other_values else ""
    return f"{_item(item)} instead of {_item(wanted)}"


def _short(value: Any) -> str:
    """Returns a value in one line."""
    if value in (None, "", []):
        return "none"
    return ", ".join(map(_item, value)) if isinstance(value, list) else str(value)


def _item(value: Any) -> str:
    """Returns an item of a list in one line; of an effect its name."""
    match value:
        case [str(effect), dict()]:
            return effect
        case list():
            return " ".join(map(str, value))
    return str(value)
