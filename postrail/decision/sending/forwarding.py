"""Decides whether a message is sent on, and never in a circle. Pure."""

from __future__ import annotations

from dataclasses import replace

from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.decision import Decision, Forward, Outcome
from postrail.decision.question import Question

# Without an account that exists, a message has the default outgoing connection.
NO_CONNECTION = "there is no outgoing connection; add one with postrail apply"


def forwarded(question: Question, decision: Decision, to: str, *, by: str) -> Decision:
    """Adds the forward of the message to an address; if that must not be, the reason says why.

    What would only be ignored gets the outcome `forwarded`.
    """
    if why := refusal(question, to):
        return replace(decision, reason=f"{decision.reason}; not forwarded to {to}: {why}")
    effect = Forward(to=to, reason=decision.reason, by=by)
    ignored = decision.outcome is Outcome.IGNORED
    return replace(
        decision,
        outcome=Outcome.FORWARDED if ignored else decision.outcome,
        effects=(*decision.effects, effect),
    )


def refusal(question: Question, to: str) -> str:
    """Returns why a message must not be sent to an address by itself, or ""."""
    if (answered := question.facts.answers_ours) in ("forward", "notice"):
        return f"it answers a {answered} of ours"
    if to == question.sender_address:
        return "it is from there"
    if question.snapshot.is_own(to):
        return "it is an address of ours"
    account = question.snapshot.accounts.get(question.mail.mailbox)
    if question.snapshot.connection_for(account.project if account else "") is None:
        return NO_CONNECTION
    return ""


def forwarded_failure(question: Question, decision: Decision) -> Decision:
    """Adds the forward of a failed message, to the account's first handler with an address for it.

    It may have failed before any handler was asked.
    """
    if decision.outcome is not Outcome.FAILED:
        return decision
    handlers = question.snapshot.enabled_handlers_of(question.mail.mailbox)
    wanted = (one for one in handlers if one.forward_address)
    return forwarded_by(one, question, decision) if (one := next(wanted, None)) else decision


def forwarded_by(handler: MailHandler, question: Question, decision: Decision) -> Decision:
    """Adds the forward of the message to the handler's address for what it does not take in."""
    return forwarded(question, decision, handler.forward_address, by=named(handler))


def named(handler: MailHandler) -> str:
    """Returns what people are told who sends them something."""
    return f"mail handler {handler.name}"
