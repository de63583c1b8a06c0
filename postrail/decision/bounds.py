"""Bounds what a trace stores, so that a message with a thousand addresses has one, too. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from postrail.decision.facts import Facts
from postrail.decision.stored.facts import to_json

TRACE_MAX_BYTES = 8 * 1024
FACTS_MAX_BYTES = 4864
EFFECTS_MAX_BYTES = 1024
# Of one text: a Message-ID, or the reason for a verdict.
TEXT_BYTES = 200
# The lists of facts that may be long, those first that decide the least.
CUT_ORDER = (
    "tried",
    "addressed",
    "agent_of",
    "named_issues",
    "earlier",
    "conversation_issues",
    "token_issues",
    "sent",
    "issue_queries",
)
# What stays of a list however long the others are: a message that is listed again has its first.
LEAST = {"earlier": 1}


def bounded(facts: Facts) -> Facts:
    """Returns the facts with as many items of their lists as a trace can hold.

    This comes before the decision, so that it can be made again from what is stored.
    """
    tried = tuple(replace(one, value=cut(one.value)) for one in facts.tried)
    facts = replace(facts, tried=tried)
    for name in CUT_ORDER:
        if size_of(to_json(facts)) <= FACTS_MAX_BYTES:
            return facts
        facts = _without(facts, name)
    return facts


def _of_these_issues(facts: Facts) -> Facts:
    """Leaves out what is said about issues that were left out."""
    ids = facts.issue_ids
    return replace(
        facts,
        done_issues=tuple(one for one in facts.done_issues if one in ids),
        taking_part=tuple(one for one in facts.taking_part if one in ids),
        answered_in=tuple(one for one in facts.answered_in if one in ids),
        insider_in=tuple(one for one in facts.insider_in if one in ids),
        busy=tuple(one for one in facts.busy if one[0] in ids),
        crowded=tuple(one for one in facts.crowded if one in ids),
    )


def _without(facts: Facts, name: str) -> Facts:
    """Halves a list until the facts fit, and says how much of it is left."""
    items: Sequence[Any] = getattr(facts, name)
    most_telling = _most_telling(name, items)
    kept = len(items)
    shorter = facts
    while kept > LEAST.get(name, 0) and size_of(to_json(shorter)) > FACTS_MAX_BYTES:
        kept //= 2
        chosen = set(most_telling[:kept])
        values = tuple(item for place, item in enumerate(items) if place in chosen)
        note = f"{name}: {kept} of {len(items)}"
        changes: dict[str, Any] = {name: values, "left_out": (*facts.left_out, note)}
        shorter = _of_these_issues(replace(facts, **changes))
    return shorter


def _most_telling(name: str, items: Sequence[Any]) -> list[int]:
    """Returns the places of the items to keep, the most important first."""
    places = list(range(len(items)))
    if name == "conversation_issues":
        # The newest issue of a conversation receives its messages.
        return places[::-1]
    if name == "tried":
        return sorted(places, key=lambda place: not items[place].hit)
    return places


def fitting(items: Sequence[Sequence[str]], max_bytes: int) -> list[list[str]]:
    """Returns the first items that fit into the bytes, and always the last one."""
    last = [cut(text) for text in items[-1]] if items else []
    kept: list[list[str]] = []
    used = size_of(last)
    for item in items[:-1]:
        texts = [cut(text) for text in item]
        used += size_of(texts)
        if used > max_bytes:
            break
        kept.append(texts)
    return [*kept, last] if items else []


def cut(text: str) -> str:
    """Returns the text, or its beginning and a sign that there was more."""
    data = text.encode(errors="replace")
    if len(data) <= TEXT_BYTES:
        return text
    return f"{data[: TEXT_BYTES - len('…'.encode())].decode(errors='ignore')}…"


def size_of(value: object) -> int:
    """Returns the bytes of a value as JSON."""
    return len(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
