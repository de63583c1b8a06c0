"""The trace of a decision: what it was made from, and what each stage answered; to and from JSON.

`explain` and replay decide again from a stored trace, the parsed message, and the configuration
as it was at the trace's `change_id`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from postrail.decision.bounds import EFFECTS_MAX_BYTES, TRACE_MAX_BYTES, cut, fitting, size_of
from postrail.decision.facts import Facts
from postrail.decision.stored import facts

# Kept free for what a trace says about itself.
NOTES_BYTES = 200


@dataclass(frozen=True, slots=True)
class StageAnswer:
    """A stage that was asked, and the outcome that it answered ("" when it passed)."""

    stage: str
    outcome: str


@dataclass(frozen=True, slots=True)
class HandlerAnswer:
    """A mail handler that was asked, and why it did not take the message ("": it took it)."""

    handler: str
    declined: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """What a decision was made from, and the stages that were asked, in order."""

    # The last configuration change that the snapshot included.
    change_id: int
    # The kind of the message, and the header field or words that show it.
    kind: str
    kind_reason: str
    stages: tuple[StageAnswer, ...]
    facts: Facts
    handlers: tuple[HandlerAnswer, ...] = ()
    # Whether the sender is who the message says (pass, fail, none), and what shows it.
    verdict: str = ""
    verdict_reason: str = ""
    # What holds the message, as in `Decision.held_by`.
    held_by: str = ""
    # As which its sender counts against the limit of a conversation; "": it has no effect.
    standing: str = ""
    # The effects that were applied, each with the ids and addresses that it concerns.
    effects: tuple[tuple[str, ...], ...] = ()
    # What a stored trace lacks, such as "handlers: 40 of 1000"; deciding again finds it.
    left_out: tuple[str, ...] = ()


def to_json(trace: Trace) -> dict[str, Any]:
    """Returns the trace in the form that is stored in `incoming_mail.trace`, of at most 8 KiB.

    Long texts are cut, and so are the handlers, of which the last one that was asked is kept.
    """
    held = {"held_by": trace.held_by} if trace.held_by else {}
    stored: dict[str, Any] = held | {
        "change_id": trace.change_id,
        "kind": trace.kind,
        "kind_reason": cut(trace.kind_reason),
        "stages": [[answer.stage, answer.outcome] for answer in trace.stages],
        "facts": facts.to_json(trace.facts),
        "verdict": trace.verdict,
        "verdict_reason": cut(trace.verdict_reason),
    }
    stored |= {"standing": trace.standing} if trace.standing else {}
    effects = fitting(trace.effects, EFFECTS_MAX_BYTES)
    stored |= {"effects": effects} if effects else {}
    asked = [[answer.handler, answer.declined] for answer in trace.handlers]
    kept = fitting(asked, TRACE_MAX_BYTES - NOTES_BYTES - size_of(stored))
    left_out = list(trace.left_out)
    for name, some, whole in (
        ("handlers", kept, trace.handlers),
        ("effects", effects, trace.effects),
    ):
        if len(some) < len(whole):
            left_out.append(f"{name}: {len(some)} of {len(whole)}")
    return stored | {"handlers": kept} | ({"left_out": left_out} if left_out else {})


def from_json(stored: Mapping[str, Any]) -> Trace | None:
    """Returns the trace that `to_json` stored.

    Returns None for a message that failed before a decision was made, and for a trace that was
    stored by release 0.1.0 or before, which held too little to decide again.
    """
    if "change_id" not in stored:
        return None
    return Trace(
        change_id=stored["change_id"],
        kind=stored["kind"],
        kind_reason=stored["kind_reason"],
        stages=tuple(StageAnswer(stage, outcome) for stage, outcome in stored["stages"]),
        facts=facts.from_json(stored["facts"]),
        handlers=tuple(HandlerAnswer(name, why) for name, why in stored.get("handlers", ())),
        verdict=stored.get("verdict", ""),
        verdict_reason=stored.get("verdict_reason", ""),
        held_by=stored.get("held_by", ""),
        standing=stored.get("standing", ""),
        effects=tuple(tuple(one) for one in stored.get("effects", ())),
        left_out=tuple(stored.get("left_out", ())),
    )
