"""Decides what a message becomes that a handler takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from postrail import patterns
from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.decision import (
    AddComment,
    Brings,
    CreateIssue,
    CreatePerson,
    Decision,
    DeleteBody,
    Effect,
    Outcome,
)
from postrail.decision.facts import IssueRef
from postrail.decision.mail_handlers.actions import with_actions
from postrail.decision.mail_handlers.field_commands import with_commands
from postrail.decision.mail_handlers.forwards import filed_for_sender
from postrail.decision.mail_handlers.issue_fields import issue_fields
from postrail.decision.mail_handlers.routing import routed
from postrail.decision.mail_handlers.text_rules import stand_in, text_rules
from postrail.decision.matching import existing_issue, internal_answer
from postrail.decision.new_issue import create_issue
from postrail.decision.question import Participation, Question
from postrail.decision.senders import Verdict
from postrail.decision.sending.forwarding import forwarded_by

# RFC 3834 and RFC 2076: what Jira counts as bulk.
BULK_PRECEDENCE = "bulk"
# The kinds that take any message; the others take only what finds an issue.
MAKES_ISSUES = ("create", "create_or_comment")

Policy = Callable[[MailHandler, Question], Decision | None]


def take(handler: MailHandler, question: Question) -> Decision | None:
    """Returns the decision of a handler; None if it comments only, and there is no issue."""
    question = routed(handler, question)
    # What it would not take is not its to hold, ignore or delete either.
    if handler.kind not in MAKES_ISSUES and not _finds_issue(question):
        return None
    for name, policy in POLICIES:
        name = f"{name} of {handler.name}" if policy is _dropped else name
        if not question.skips(name) and (decision := policy(handler, question)):
            return replace(decision, held_by=name)
    decision = _commented(handler, question) or _created(handler, question)
    decision = decision and with_commands(handler, question, decision)
    decision = decision and _with_person(handler, question, decision)
    # Of a released message they were sent when the action held it.
    acts = decision and not question.skips(f"action of {handler.name}")
    return with_actions(handler, question, decision) if decision and acts else decision


def _finds_issue(question: Question) -> bool:
    """Tells whether the message belongs to an issue; what makes a new one does not."""
    found = existing_issue(question)
    return found is not None and found.issue is not None


def _dropped(handler: MailHandler, question: Question) -> Decision | None:
    for action in handler.then:
        if action.drop:
            dropped = _without_effect(Outcome.IGNORED, handler, action.drop)
            return with_actions(handler, question, dropped)
        if action.quarantine:
            held = _without_effect(Outcome.QUARANTINED, handler, action.quarantine)
            return with_actions(handler, question, held)
    return None


def _ignored_subject(handler: MailHandler, question: Question) -> Decision | None:
    for pattern in handler.ignore_subjects:
        if patterns.find(pattern, question.mail.subject):
            return _without_effect(Outcome.IGNORED, handler, f"the subject matches {pattern}")
    return None


def _bulk(handler: MailHandler, question: Question) -> Decision | None:
    reason = bulk_reason(question)
    if not handler.bulk or not reason:
        return None
    if handler.bulk == "delete":
        deleted = _without_effect(Outcome.DELETED, handler, f"bulk: {reason}")
        return replace(deleted, effects=(DeleteBody(),))
    ignored = _without_effect(Outcome.IGNORED, handler, f"bulk: {reason}")
    if handler.bulk == "forward":
        return forwarded_by(handler, question, ignored)
    return ignored


def bulk_reason(question: Question) -> str:
    """Returns the header field that marks a message as bulk, as Jira understands it, or ""."""
    for field in question.mail.headers:
        name, word = field.name.lower(), _first_word(field.value)
        marked = word == BULK_PRECEDENCE if name == "precedence" else word not in ("", "no")
        if name in ("precedence", "auto-submitted") and marked:
            return f"{field.name}: {field.value}"
    return ""


def _first_word(value: str) -> str:
    """Returns the keyword of a field, without parameters and comments (RFC 3834, section 5)."""
    words = re.split(r"[\s;(]", value.strip().lower(), maxsplit=1)
    return words[0]


def _failed_verdict(handler: MailHandler, question: Question) -> Decision | None:
    judged = question.judged
    if judged.verdict is not Verdict.FAIL or not question.claims_to_belong:
        return None
    reason = f"{question.sender_address} is known here, but the sender is another: {judged.reason}"
    return _without_effect(Outcome.QUARANTINED, handler, reason)


def _unverified(handler: MailHandler, question: Question) -> Decision | None:
    policy = question.account.unverified_senders
    if policy == "accept" or question.judged.verdict is Verdict.PASS:
        return None
    outcome = Outcome.QUARANTINED if policy == "quarantine" else Outcome.IGNORED
    return _without_effect(
        outcome, handler, f"the sender is not verified: {question.judged.reason}"
    )


def _unknown(handler: MailHandler, question: Question) -> Decision | None:
    if question.facts.sender is not None or handler.unknown_senders == "accept":
        return None
    if handler.reporter or handler.create_users:
        return None
    quarantined = handler.unknown_senders == "quarantine"
    outcome = Outcome.QUARANTINED if quarantined else Outcome.IGNORED
    return _without_effect(outcome, handler, f"{question.sender_address} is no known person")


# In this order: what the operator says about the message goes before who sent it. The names say
# what a release skips, and are stored; an action is one of its handler alone.
POLICIES: Sequence[tuple[str, Policy]] = (
    ("action", _dropped),
    ("ignore_subjects", _ignored_subject),
    ("bulk", _bulk),
    ("failed verdict", _failed_verdict),
    ("unverified_senders", _unverified),
    ("unknown_senders", _unknown),
)


def _without_effect(outcome: Outcome, handler: MailHandler, reason: str) -> Decision:
    return Decision(outcome=outcome, reason=f"handler {handler.name}: {reason}")


def _commented(handler: MailHandler, question: Question) -> Decision | None:
    if internal := internal_answer(question):
        # Whatever the handler makes of others: a new issue would show what the answer quotes.
        return _in_detail(
            handler, question, internal, reopens=_reopens(handler, question, internal)
        )
    if handler.kind == "create":
        return None
    found = existing_issue(question)
    if found is None or found.issue is None:
        # A key in the subject, of somebody who takes no part, makes an issue as others are.
        return found and _in_detail(handler, question, found)
    makes_new = handler.closed_issues == "new_issue" and handler.kind == "create_or_comment"
    if makes_new and _is_done(question, found.issue):
        reason = f"{found.issue.issue_key} is done, and handler {handler.name} makes a new issue"
        return _in_detail(handler, question, create_issue(question, reason, linked_to=found.issue))
    return _in_detail(handler, question, found, reopens=_reopens(handler, question, found))


def _reopens(handler: MailHandler, question: Question, found: Decision) -> bool:
    """Tells whether the comment opens its issue again: only if its sender is proven."""
    issue = found.issue
    if issue is None or handler.closed_issues != "reopen" or not _is_done(question, issue):
        return False
    return question.participation(issue) is Participation.PROVEN


def _is_done(question: Question, issue: IssueRef) -> bool:
    """Tells whether the message is about a done issue; an automatic answer changes no state."""
    return issue.issue_id in question.facts.done_issues and not question.is_auto_reply


def _created(handler: MailHandler, question: Question) -> Decision | None:
    if handler.kind not in MAKES_ISSUES:
        return None
    reason = "no known conversation" if handler.kind != "create" else "each message is an issue"
    return _in_detail(handler, question, create_issue(question, reason))


def _in_detail(
    handler: MailHandler, question: Question, decision: Decision, *, reopens: bool = False
) -> Decision:
    """Adds what the handler says about the issue, the text and the people."""
    effects = tuple(_detailed(handler, question, one, reopens) for one in decision.effects)
    return filed_for_sender(handler, question, replace(decision, effects=effects))


def _detailed(handler: MailHandler, question: Question, effect: Effect, reopens: bool) -> Effect:
    match effect:
        case CreateIssue():
            return replace(
                effect,
                fields=issue_fields(handler, question, effect.project),
                text=text_rules(handler, question, new_text_only=False),
                reporter=stand_in(handler, question),
                watchers=_watchers(handler, question, effect.project, proven=question.verified),
            )
        case AddComment():
            proven = effect.brings is Brings.ALL
            watchers = _watchers(handler, question, effect.issue.project, proven=proven)
            return replace(
                effect,
                text=text_rules(
                    handler, question, new_text_only=_takes_new_text_only(handler, question)
                ),
                author=stand_in(handler, question),
                watchers=() if effect.brings is Brings.NOBODY else watchers,
                reopens=reopens,
            )
        case _:
            return effect


def _takes_new_text_only(handler: MailHandler, question: Question) -> bool:
    """Tells whether a comment leaves the quotation out: two kinds say so themselves."""
    match handler.kind:
        case "comment":
            return False
        case "comment_reply_text":
            return True
    return question.strips_quotations(handler)


def _watchers(
    handler: MailHandler, question: Question, project: str, *, proven: bool
) -> tuple[str, ...]:
    """Returns those whom the handler lets watch the issue.

    Of a sender who is not proven it adds only the project's people: others would get by mail what
    anybody writes.
    """
    added = [address.lower() for one in handler.then for address in one.watchers or ()]
    if handler.cc_watchers:
        people = question.facts.addressed
        added += [one.address for one in people if proven or project in one.agent_of]
    return tuple(dict.fromkeys(added))


def _with_person(handler: MailHandler, question: Question, decision: Decision) -> Decision:
    if not handler.create_users or question.facts.sender is not None or not decision.effects:
        return decision
    if question.is_auto_reply and decision.outcome is Outcome.COMMENT:
        return decision
    person = CreatePerson(notify=handler.notify_users)
    return replace(decision, effects=(person, *decision.effects))
