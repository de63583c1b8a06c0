"""Shows a decision with its trace: what was asked, what answered, and what follows."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from postrail.decision import trace as traces
from postrail.decision.approvals.fact import ApprovalFact
from postrail.decision.decision import Decision, Effect
from postrail.decision.facts import Facts, IssueRef, MatchTried
from postrail.decision.trace import Trace
from postrail.operate.explain import Explained
from services.cli.output import show_fields, show_texts

TOOK_IT = "takes it"
# A longer value of an effect or fact is shown by its beginning.
VALUE_CHARACTERS = 200
# Facts that are shown in words of their own.
TOLD = {"tried", "left_out", "sender"}
# Facts that hold the ids of issues.
ISSUE_IDS = {"done_issues", "taking_part", "insider_in", "crowded"}
# Values that may be passwords.
HIDDEN = {"callback_url"}
# Names that say little to an operator.
NAMES = {
    "crowded": "issues with as many watchers as messages may make",
    "insider_in": "the sender is an agent for",
    "neutral": "confirmed without words of the message",
    "taking_part": "the sender takes part in",
}


def as_json(found: Explained) -> dict[str, Any]:
    """Returns a decision with its whole trace; lists of facts may have been cut before it."""
    decision, trace = found.decision, found.decision.trace
    whole = traces.to_json(trace) if trace else {}
    if trace:
        asked = [[one.handler, one.declined] for one in trace.handlers]
        whole |= {"handlers": asked, "left_out": list(trace.facts.left_out)}
    return {
        "account": found.mail.mailbox,
        "outcome": decision.outcome,
        "reason": decision.reason,
        "issue_key": decision.issue.issue_key if decision.issue else None,
        "effects": [
            {"effect": type(one).__name__, **asdict(one, dict_factory=_without_hidden)}
            for one in decision.effects
        ],
        "made": [list(one) for one in found.made],
        "trace": whole,
        "notes": list(found.notes),
    }


def show_decision(found: Explained) -> None:
    """Prints a decision and its trace."""
    decision = found.decision
    show_fields(
        [
            ("Outcome", decision.outcome),
            ("Why", decision.reason),
            ("Account", found.mail.mailbox),
            *_summary(decision.trace),
            *(("Note", note) for note in found.notes),
        ]
    )
    show_trace(decision)
    show_texts([("Made", "\n".join(" ".join(one) for one in found.made))])


def show_trace(decision: Decision) -> None:
    """Prints what was asked in turn, and what follows."""
    trace = decision.trace
    if trace is None:
        return
    show_texts(
        [
            ("Stages", "\n".join(stage_lines(trace))),
            ("Handlers", "\n".join(handler_lines(trace))),
            ("Looked for the issue by", "\n".join(map(_tried, trace.facts.tried))),
            ("Facts", "\n".join(fact_lines(trace.facts))),
            ("Effects", "\n".join(map(effect_line, decision.effects)) or "none"),
        ]
    )


def stage_lines(trace: Trace) -> list[str]:
    """Returns the stages that were asked, each in a line with its answer."""
    return [f"{one.stage}: {one.outcome or 'passed'}" for one in trace.stages]


def handler_lines(trace: Trace) -> list[str]:
    """Returns the mail handlers that were asked, each in a line with its first failing test."""
    return [f"{one.handler}: {one.declined or TOOK_IT}" for one in trace.handlers]


def fact_lines(facts: Facts) -> list[str]:
    """Returns the facts that are not as usual, each in a line."""
    usual = Facts()
    found = {
        one.name: getattr(facts, one.name)
        for one in dataclasses.fields(facts)
        if one.name not in TOLD and getattr(facts, one.name) != getattr(usual, one.name)
    }
    keys = {one.issue_id: one.issue_key for one in _issues_in(facts)}
    for name in ISSUE_IDS & found.keys():
        found[name] = tuple(keys.get(issue_id, issue_id) for issue_id in found[name])
    lines = [f"{_words(name)}: {_shown(value)}" for name, value in found.items()]
    return [*lines, *(f"cut, {note}" for note in facts.left_out)]


def _issues_in(facts: Facts) -> Iterator[IssueRef]:
    yield from (*facts.token_issues, *facts.conversation_issues)
    yield from (one.issue for one in facts.named_issues)
    if facts.internal_issue:
        yield facts.internal_issue


def _without_hidden(values: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in values if name not in HIDDEN}


def effect_line(effect: Effect) -> str:
    """Returns an effect in a line: its name, and its values that are not as usual."""
    values = "; ".join(f"{name}: {value}" for name, value in _values(effect))
    name = _words(type(effect).__name__)
    return f"{name} ({values})" if values else name


def _summary(trace: Trace | None) -> Iterator[tuple[str, str]]:
    if trace is None:
        return
    yield "Configuration", f"version {trace.change_id}"
    yield "Kind", f"{trace.kind} ({trace.kind_reason})" if trace.kind_reason else trace.kind
    sender = trace.facts.sender
    yield (
        "Sender",
        f"{sender.name} <{sender.address}>, a person here" if sender else "no person here",
    )
    if trace.verdict:
        yield "Verified", f"{trace.verdict} ({trace.verdict_reason})"


def _tried(one: MatchTried) -> str:
    return f"{one.kind} {one.value}: {one.hit or 'nothing'}"


def _values(value: Any) -> Iterator[tuple[str, str]]:
    """Yields the fields of a dataclass that differ from their defaults, those within them too."""
    for one in dataclasses.fields(value):
        given = getattr(value, one.name)
        if given == one.default or one.name in HIDDEN:
            continue
        if dataclasses.is_dataclass(given) and not isinstance(given, IssueRef):
            yield from _values(given)
        elif given not in (None, "", (), False):
            yield _words(one.name), _shown(given)


def _shown(value: Any) -> str:
    if isinstance(value, IssueRef):
        return value.issue_key
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {number}" for name, number in value.items())
    if dataclasses.is_dataclass(value) and not isinstance(value, ApprovalFact):
        return " ".join(text for _, text in _values(value))
    return "yes" if value is True else _in_a_line(str(value))


def _in_a_line(text: str) -> str:
    """Returns the text in one line, and of a long one the beginning."""
    line = " ".join(text.split())
    return line if len(line) <= VALUE_CHARACTERS else f"{line[:VALUE_CHARACTERS]}…"


def _words(name: str) -> str:
    """Returns the name of a class or field in words: CreateIssue is create issue."""
    name = NAMES.get(name, name)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").lower()
