"""Adds what the actions of a handler send: forwards, answers, notices, requests for approval."""

from __future__ import annotations

from dataclasses import replace

from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.approvals.request import RequestApproval
from postrail.decision.decision import Decision, Effect, Notify, Outcome, Reply
from postrail.decision.mail_handlers.approval import order_of
from postrail.decision.question import Question
from postrail.decision.sending.forwarding import forwarded, named, refusal


def with_actions(handler: MailHandler, question: Question, decision: Decision) -> Decision:
    """Returns the decision with the messages that the handler's actions send, in their order."""
    # The first of several mailboxes has sent them.
    actions = handler.then if decision.outcome is not Outcome.NOTED else []
    for number, action in enumerate(actions):
        if action.approval and decision.outcome is Outcome.ISSUE:
            # Once for an issue: a request for each further message would ask the same again.
            order = order_of(action.approval, question)
            decision = _adding(decision, RequestApproval(order=order, number=number))
        elif action.forward:
            decision = forwarded(question, decision, action.forward.lower(), by=named(handler))
        elif action.reply:
            reply = Reply(text=action.reply, neutral=not question.verified)
            decision = _adding(decision, reply)
        elif action.notify:
            decision = _notified(handler, question, decision, action.notify.lower())
    return decision


def _notified(handler: MailHandler, question: Question, decision: Decision, to: str) -> Decision:
    if why := refusal(question, to):
        return replace(decision, reason=f"{decision.reason}; {to} is not notified: {why}")
    return _adding(decision, Notify(to=to, reason=decision.reason, by=named(handler)))


def _adding(decision: Decision, effect: Effect) -> Decision:
    return replace(decision, effects=(*decision.effects, effect))
