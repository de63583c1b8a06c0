"""The way of a message through the rules, without its words: compared with another message's. Pure.

Two messages take the same way if the same stages and handlers gave the same answers, and the same
keys led to the same issues.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

from postrail.decision.decision import Decision, Effect
from postrail.decision.facts import IssueRef

# An answer may quote an address of the message.
ADDRESS = re.compile(r"[^\s<>@,;:]+@[^\s<>@,;:]+")
# The values of effects that the configuration gives, and none of the message's words.
COMPARED = (
    "project",
    "issue",
    "muted",
    "internal",
    "outsider",
    "verified",
    "reopens",
    "neutral",
    "issue_type",
    "priority",
    "labels",
    "components",
)


def way_of(decision: Decision) -> dict[str, Any]:
    """Returns what is compared, as JSON values."""
    trace = decision.trace
    return {
        "outcome": str(decision.outcome),
        "stages": [[one.stage, str(one.outcome)] for one in trace.stages] if trace else [],
        "handlers": [
            [one.handler, ADDRESS.sub("(address)", one.declined)] for one in decision.handlers
        ],
        "verdict": str(trace.verdict) if trace else "",
        "tried": [[one.kind, one.hit] for one in trace.facts.tried] if trace else [],
        "effects": [[type(one).__name__, dict(_compared(one))] for one in decision.effects],
    }


def _compared(effect: Effect) -> Iterator[tuple[str, Any]]:
    given = [effect, *(value for value in _values(effect) if dataclasses.is_dataclass(value))]
    for one in given:
        for name in COMPARED:
            value = getattr(one, name, None)
            if value not in (None, "", (), False):
                yield name, _plain(value)


def _values(effect: Effect) -> Iterator[Any]:
    for field in dataclasses.fields(effect):
        value = getattr(effect, field.name)
        if not isinstance(value, IssueRef):
            yield value


def _plain(value: Any) -> Any:
    if isinstance(value, IssueRef):
        return value.issue_key
    return list(value) if isinstance(value, tuple) else value


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Returns what differs, each in a few words; what the expectation leaves out does not."""
    return [
        f"{name}: {_short(found.get(name))} instead of {_short(value)}"
        for name, value in expected.items()
        if found.get(name) != value
    ]


def _short(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(" ".join(map(str, one)) for one in value) or "none"
    return str(value)
