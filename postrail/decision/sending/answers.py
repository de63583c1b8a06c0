"""Decides whether the author of a message may get an automatic answer. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from postrail.decision.decision import Decision, Reply
from postrail.decision.loops.limits import refused_answer
from postrail.decision.question import Question


def _nobody(question: Question) -> str:
    return "" if question.sender_address else "the message has no author"


def _ourselves(question: Question) -> str:
    own = question.snapshot.is_own(question.sender_address)
    return f"{question.sender_address} is an address of ours" if own else ""


def _automatic(question: Question) -> str:
    """Refuses automatic messages (RFC 3834, section 2)."""
    return f"the message is {question.mail.kind}" if question.muted else ""


def _null_sender(question: Question) -> str:
    """Refuses messages with an empty envelope sender (RFC 3834, section 2)."""
    paths = [
        one.value.strip() for one in question.mail.headers if one.name.lower() == "return-path"
    ]
    return "its envelope sender is empty" if "<>" in paths else ""


def _answered_before(question: Question) -> str:
    return "it answers such an answer" if question.facts.answers_ours == "reply" else ""


# Each returns why there must be no answer, or "".
CHECKS: Sequence[Callable[[Question], str]] = (
    _nobody,
    _ourselves,
    _automatic,
    _null_sender,
    _answered_before,
    refused_answer,
)


def refusal(question: Question) -> str:
    """Returns why the author must not get an automatic answer, or ""."""
    return next((why for check in CHECKS if (why := check(question))), "")


def without_unwanted_answers(question: Question, decision: Decision) -> Decision:
    """Removes the answers to the author that must not be sent, and says so in the reason."""
    if not any(isinstance(one, Reply) for one in decision.effects):
        return decision
    if not (why := refusal(question)):
        return decision
    effects = tuple(one for one in decision.effects if not isinstance(one, Reply))
    return replace(decision, reason=f"{decision.reason}; not answered: {why}", effects=effects)
