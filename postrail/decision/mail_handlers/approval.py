"""Makes the orders of approvals that a handler's actions ask for."""

from __future__ import annotations

from datetime import timedelta

from postrail.approvals.order import ApprovalOrder
from postrail.approvals.request import APPROVE_OR_REJECT, AtDeadline, Choice, Meaning, Rule
from postrail.configuration.approvals.action import ApprovalAction
from postrail.decision.message_values import first_text
from postrail.decision.question import Question
from postrail.message_parts import is_address

# The text of a request shows this much of the message.
BODY_CHARACTERS = 4_000


def order_of(action: ApprovalAction, question: Question) -> ApprovalOrder:
    """Returns the order of the action for the message.

    Its requester, who is told of the decision, is the sender, if proven: anybody else may have
    written another person's address.
    """
    sender = question.mail.sender if question.verified else None
    if sender and not is_address(sender.address):
        sender = None
    return ApprovalOrder(
        setup=action.setup,
        subject=action.subject,
        body=first_text(question.mail)[:BODY_CHARACTERS],
        fields=(("From", question.sender_address),),
        approvers=tuple(action.approvers),
        choices=tuple(
            Choice(name=one.name, label=one.label, meaning=Meaning(one.meaning))
            for one in action.choices
        )
        or APPROVE_OR_REJECT,
        rule=Rule(action.rule),
        needed=action.needed,
        deadline=timedelta(seconds=action.deadline) if action.deadline else None,
        at_deadline=AtDeadline(action.at_deadline),
        escalate_to=tuple(action.escalate_to),
        remind_after_seconds=action.remind_after,
        callback_url=action.callback_url,
        approved_status=action.approved_status,
        rejected_status=action.rejected_status,
        requester_address=sender.address.lower() if sender else "",
        requester_name=sender.name if sender else "",
        origin="handler",
    )
