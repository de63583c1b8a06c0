"""Adds what the actions of a handler send: forwards, answers to the author, notices."""

from __future__ import annotations

from dataclasses import replace

from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.decision import Decision, Effect, Notice, Outcome, Reply
from postrail.decision.question import Question
from postrail.decision.sending.forwarding import forwarded, refusal

NOTICE = """Mail handler {handler} took a message: {outcome}.

From: {sender}
Subject: {subject}
Mailbox: {mailbox}
Reason: {reason}

For more, run: postrail mail show {mail_id}
"""


def with_actions(handler: MailHandler, question: Question, decision: Decision) -> Decision:
    """Returns the decision with the messages that the handler's actions send, in their order."""
    # The first of several mailboxes has sent them.
    actions = handler.then if decision.outcome is not Outcome.NOTED else []
    for action in actions:
        if action.forward:
            decision = forwarded(question, decision, action.forward.lower())
        elif action.reply:
            reply = Reply(text=action.reply, neutral=not question.verified)
            decision = _adding(decision, reply)
        elif action.notify:
            decision = _notified(handler, question, decision, action.notify.lower())
    return decision


def _notified(handler: MailHandler, question: Question, decision: Decision, to: str) -> Decision:
    if why := refusal(question, to):
        return replace(decision, reason=f"{decision.reason}; {to} is not notified: {why}")
    mail = question.mail
    text = NOTICE.format(
        handler=handler.name,
        outcome=decision.outcome,
        sender=question.sender_address or "unknown",
        subject=" ".join(mail.subject.split()) or "none",
        mailbox=mail.mailbox,
        reason=decision.reason,
        mail_id=mail.mail_id,
    )
    # Each message is a cause of its own: the operator wants to know of all.
    return _adding(decision, Notice(cause=f"message {mail.mail_id}", text=text, to=to))


def _adding(decision: Decision, effect: Effect) -> Decision:
    return replace(decision, effects=(*decision.effects, effect))
