"""Keeps messages within the limits: a brake against loops and floods. Pure.

Only what has an effect is braked. A message that causes no mail by itself cannot go round and
round, so automatic ones of those who take part have a limit of their own in a conversation.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum

from postrail.configuration.models.limit import Limit, LimitName
from postrail.decision.decision import (
    AddComment,
    Brings,
    CreateIssue,
    Decision,
    Effect,
    Notice,
    Outcome,
)
from postrail.decision.question import Question
from postrail.decision.senders import form_of
from postrail.message_parts import counted_sender

# What a release skips.
LIMITS = "limits"
# What the limits are for.
LIMITED = (Outcome.ISSUE, Outcome.COMMENT)


class Standing(StrEnum):
    """As whom a sender writes on an issue; traces hold these spellings.

    Each counts apart, so that forged messages use up only what forgers may do.
    """

    PROVEN = "proven"
    # Who takes part by an address that anybody may write into From.
    UNPROVEN = "unproven"
    OUTSIDER = "outsider"
    # Who takes part, by a message that is marked as automatic.
    MACHINE = "machine"
    UNPROVEN_MACHINE = "unproven machine"


# What messages of one issue count against.
OF_ISSUES = {
    Standing.PROVEN: LimitName.CONVERSATION_MESSAGES,
    Standing.UNPROVEN: LimitName.CONVERSATION_MESSAGES,
    Standing.OUTSIDER: LimitName.CONVERSATION_MESSAGES,
    Standing.MACHINE: LimitName.CONVERSATION_MACHINES,
    Standing.UNPROVEN_MACHINE: LimitName.CONVERSATION_MACHINES,
}
REACHED = "which {} has reached"
NOTICE = """Further messages are quarantined: {limit}, which {whose} has reached.

To see all that this limit holds: postrail mail release --all --reason {name} --dry-run
To handle those of {whose}: postrail mail release --reason {reason}
To handle all of them: postrail mail release --all --reason {name}

They are all handled then, however many: what is released meets no limit but those of what is sent.
"""


def within_limits(question: Question, decision: Decision) -> Decision:
    """Returns the decision without what goes over a limit, or the quarantine of the message."""
    if decision.outcome not in LIMITED:
        return decision
    if not question.skips(LIMITS) and (limit := reached(question, decision)):
        return replace(
            decision,
            outcome=Outcome.QUARANTINED,
            reason=f"{limit.shown}, {REACHED.format(_whose(question, decision, limit))}",
            effects=(_notice(question, decision, limit),),
            held_by=LIMITS,
        )
    return _without_watchers(question, decision)


def reached(question: Question, decision: Decision) -> Limit | None:
    """Returns the first limit that the message would go over."""
    limits = (question.snapshot.limit(name) for name in _limits_of(question, decision))
    return next((one for one in limits if one.value and _is_reached(one, question, decision)), None)


def _is_reached(limit: Limit, question: Question, decision: Decision) -> bool:
    if limit.name not in OF_ISSUES.values():
        return question.facts.counts.get(limit.name, 0) >= limit.value
    standing = standing_of(question, decision)
    comments = (one for one in decision.effects if isinstance(one, AddComment))
    return any((one.issue.issue_id, standing) in question.facts.busy for one in comments)


def standing_of(question: Question, decision: Decision) -> Standing:
    """Returns as whom the sender writes."""
    if any(isinstance(one, AddComment) and one.outsider for one in decision.effects):
        return Standing.OUTSIDER
    if question.muted:
        return Standing.MACHINE if question.verified else Standing.UNPROVEN_MACHINE
    return Standing.PROVEN if question.verified else Standing.UNPROVEN


def _limits_of(question: Question, decision: Decision) -> Iterator[LimitName]:
    yield of_sender(question)
    yield OF_ISSUES[standing_of(question, decision)]
    made_issue = decision.outcome is Outcome.ISSUE
    yield LimitName.SENDER_ISSUES if made_issue else LimitName.SENDER_COMMENTS


def of_sender(question: Question) -> LimitName:
    """Returns the limit for messages of this sender: a machine, a proven person, anybody else."""
    sender = question.mail.sender.address.lower() if question.mail.sender else ""
    named = question.snapshot.limit(LimitName.MACHINE_MESSAGES).names_sender(sender)
    if question.muted or named or form_of(question.mail, question.account):
        return LimitName.MACHINE_MESSAGES
    known = question.facts.sender
    if question.verified and known and not known.made_by_mail:
        return LimitName.PROVEN_MESSAGES
    return LimitName.SENDER_MESSAGES


def _notice(question: Question, decision: Decision, limit: Limit) -> Notice:
    """Returns what the people of the project are told, once an hour for each limit."""
    whose = _whose(question, decision, limit)
    text = NOTICE.format(
        limit=limit.shown,
        whose=whose,
        name=limit.name,
        # Anything may stand in an address, and people paste this into a shell.
        reason=shlex.quote(REACHED.format(whose)),
    )
    return Notice(cause=f"limit {limit.name}", text=text, project=_project(question, decision))


def _project(question: Question, decision: Decision) -> str:
    for effect in decision.effects:
        if isinstance(effect, CreateIssue):
            return effect.project
        if isinstance(effect, AddComment):
            return effect.issue.project
    return question.project


def _whose(question: Question, decision: Decision, limit: Limit) -> str:
    """Returns who or what has reached the limit: a sender, or an issue."""
    if limit.name in OF_ISSUES.values() and decision.issue:
        return decision.issue.issue_key
    sender = counted_sender(question.mail.sender.address) if question.mail.sender else ""
    if not sender:
        return "no sender"
    return sender if question.verified else f"{sender} (not proven)"


def refused_answer(question: Question) -> str:
    """Returns why the author must not get an automatic answer now, or ""."""
    for name in (LimitName.ADDRESS_ANSWERS, LimitName.ADDRESS_ANSWERS_DAILY):
        limit = question.snapshot.limit(name)
        if limit.value and question.facts.counts.get(name, 0) >= limit.value:
            return f"{limit.shown} to one address"
    return ""


def _without_watchers(question: Question, decision: Decision) -> Decision:
    """Adds no watcher to an issue that has too many by the limit."""
    limit = question.snapshot.limit(LimitName.ISSUE_WATCHERS)
    effects = tuple(_with_fewer(question, limit, one) for one in decision.effects)
    if effects == decision.effects:
        return decision
    reason = f"{decision.reason}; nobody is added as a watcher: {limit.shown}"
    return replace(decision, reason=reason, effects=effects)


def _with_fewer(question: Question, limit: Limit, effect: Effect) -> Effect:
    match effect:
        case CreateIssue() if limit.value and len(effect.watchers) > limit.value:
            return replace(effect, watchers=effect.watchers[: limit.value])
        case AddComment() if effect.issue.issue_id in question.facts.crowded:
            brings = effect.brings is not Brings.NOBODY
            adds = brings and (effect.watchers or not effect.muted)
            return replace(effect, watchers=(), adds_watchers=False) if adds else effect
        case _:
            return effect
