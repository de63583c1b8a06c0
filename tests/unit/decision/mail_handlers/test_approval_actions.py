"""The action `approval` of a handler orders an approval of the issue that a message makes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from postrail.approvals.order import ApprovalOrder
from postrail.approvals.request import AtDeadline, Choice, Meaning, Rule
from postrail.decision.approvals.request import RequestApproval
from postrail.decision.facts import EarlierMail, Facts
from tests.makers.records import AUTHSERV_ID, mail_parsed, verified
from tests.unit.decision.mail_handlers.test_handlers import ANSWER, HELP_1, KNOWN, decided

ACTION = {"setup": "deploy", "approvers": ["Ann@example.com", "lead"]}


def orders(action: dict[str, Any], **changes: Any) -> list[ApprovalOrder]:
    decision = decided({"then": [{"labels": ["asked"]}, {"approval": action}]}, **changes)
    found = [one for one in decision.effects if isinstance(one, RequestApproval)]
    assert [one.number for one in found] in ([], [1])
    return [one.order for one in found]


def test_a_new_issue_orders_what_the_action_says() -> None:
    action = ACTION | {
        "rule": "count",
        "needed": 2,
        "subject": "Deploy?",
        "deadline": "2d",
        "at_deadline": "escalate",
        "escalate_to": ["boss@example.com"],
        "remind_after": "4h",
        "approved_status": "In Progress",
        "rejected_status": "Done",
        "callback_url": "https://deploy.example.com/x",
        "choices": [{"name": "yes", "label": "Do it"}, {"name": "no", "meaning": "reject"}],
    }
    (order,) = orders(action, mail=verified(mail_parsed(text="Now.")), authserv_ids=[AUTHSERV_ID])
    assert order == ApprovalOrder(
        setup="deploy",
        subject="Deploy?",
        body="Now.",
        fields=(("From", "ada@example.org"),),
        approvers=("ann@example.com", "lead"),
        choices=(
            Choice(name="yes", label="Do it"),
            Choice(name="no", meaning=Meaning.REJECT),
        ),
        rule=Rule.COUNT,
        needed=2,
        deadline=timedelta(days=2),
        at_deadline=AtDeadline.ESCALATE,
        escalate_to=("boss@example.com",),
        remind_after_seconds=4 * 3600,
        approved_status="In Progress",
        rejected_status="Done",
        callback_url="https://deploy.example.com/x",
        requester_address="ada@example.org",
        requester_name="Ada",
        origin="handler",
    )


def test_an_unverified_sender_is_no_requester() -> None:
    (order,) = orders(ACTION, facts=KNOWN)
    assert (order.requester_address, order.requester_name, order.deadline) == ("", "", None)


@pytest.mark.parametrize(
    ("handler", "facts"),
    [
        # Each comment would ask again.
        ({}, ANSWER),
        ({"unknown_senders": "quarantine"}, Facts()),
    ],
)
def test_only_a_new_issue_asks(handler: dict[str, Any], facts: Facts) -> None:
    decision = decided(handler | {"then": [{"approval": ACTION}]}, facts=facts)
    assert not [one for one in decision.effects if isinstance(one, RequestApproval)]


def test_a_copy_in_another_mailbox_asks_nobody() -> None:
    earlier = EarlierMail(mail_id="m0", mailbox="info", source="1", issue=HELP_1)
    facts = Facts(conversation_issues=(HELP_1,), taking_part=(1,), earlier=(earlier,))
    assert orders(ACTION, facts=facts) == []


def test_a_message_that_is_dropped_asks_nobody() -> None:
    then = [{"approval": ACTION}, {"drop": "spam"}]
    assert decided({"then": then}).effects == ()
