"""Decides which automatic answer the author of a message gets: at most one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from postrail.decision.approvals.effects import RefuseAnswer
from postrail.decision.decision import (
    CreateIssue,
    CreatePerson,
    Decision,
    Effect,
    Reply,
)
from postrail.decision.loops.limits import refused_answer
from postrail.decision.question import Question
from postrail.decision.senders import Verdict


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


def _forged(question: Question) -> str:
    """Refuses what is proven to be from somebody else: the answer would go to a stranger."""
    judged = question.judged
    return f"its sender is forged: {judged.reason}" if judged.verdict is Verdict.FAIL else ""


def _answered_before(question: Question) -> str:
    return "it answers such an answer" if question.facts.answers_ours == "reply" else ""


# Each returns why there must be no answer, or "".
CHECKS: Sequence[Callable[[Question], str]] = (
    _nobody,
    _ourselves,
    _automatic,
    _null_sender,
    _forged,
    _answered_before,
    refused_answer,
)


# What may answer the author, the most wanted first: why an answer to an approval request does not
# count, what an operator has written, the confirmation of a new issue, the letter to a new person.
ANSWERS: Sequence[type[Effect]] = (RefuseAnswer, Reply, CreateIssue, CreatePerson)


def with_one_answer(question: Question, decision: Decision) -> Decision:
    """Leaves the decision the most wanted of its answers, or none where a check refuses it.

    The reason says why there is none.
    """
    answers = [one for one in decision.effects if is_answer(one)]
    if not answers:
        return decision
    why = next((why for check in CHECKS if (why := check(question))), "")
    answer = None if why else min(answers, key=lambda one: ANSWERS.index(type(one)))
    effects = tuple(
        left
        for one in decision.effects
        if (left := one if one is answer or not is_answer(one) else _without_answer(one))
    )
    reason = f"{decision.reason}; not answered: {why}" if why else decision.reason
    return replace(decision, reason=reason, effects=effects)


def is_answer(effect: Effect) -> bool:
    """Tells whether an effect sends the author of its message an automatic answer."""
    match effect:
        case Reply():
            return True
        case CreateIssue():
            return effect.confirmed and not effect.muted
        case CreatePerson():
            return effect.notify
        case RefuseAnswer():
            return effect.helps
        case _:
            return False


def _without_answer(effect: Effect) -> Effect | None:
    """Returns what the effect does besides its answer."""
    match effect:
        case CreateIssue():
            return replace(effect, confirmed=False)
        case CreatePerson():
            return replace(effect, notify=False)
        case RefuseAnswer():
            return replace(effect, helps=False)
        case _:
            return None
