"""A bounce marks its delivery; what is dead, or bounces again and again, is not written to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.decide import decide
from postrail.decision.decision import (
    AddComment,
    Brings,
    Decision,
    DeliveryEvent,
    Forward,
    MarkDelivery,
    Outcome,
    Suppress,
)
from postrail.decision.facts import Facts, IssueRef, SentMail
from postrail.decision.release import Release
from postrail.decision.reports.same_address import same_address
from postrail.message_parts import Bounce, BouncedRecipient, MessageReport
from postrail.records import MailParsed
from tests.makers.configuration import snapshot
from tests.makers.records import mail_parsed

SNAPSHOT = snapshot()
ISSUE = IssueRef(issue_id=1, issue_key="HELP-1", project="HELP")
PAT = "pat@far.example"
SENT = SentMail(outgoing_id="o1", recipient=PAT, issue=ISSUE)
OUR_ID = f"<postrail.{'0' * 36}.{'a' * 16}@example.com>"


def failed(address: str = PAT, status: str = "5.1.1", **changes: Any) -> BouncedRecipient:
    fields: dict[str, Any] = {
        "address": address,
        "action": "failed",
        "status": status,
        "hard": status.startswith("5") and status != "5.2.2",
        "reason": "no such user",
        "status_class": status[:1],
    }
    return BouncedRecipient(**{**fields, **changes})


def bounced(*recipients: BouncedRecipient, status: str = "") -> MailParsed:
    bounce = Bounce(recipients=list(recipients), original_message_id=OUR_ID, status=status)
    return mail_parsed(kind="bounce", bounce=bounce)


def complaint(event: str = "abuse") -> MailParsed:
    report = MessageReport(event=event, original_message_id=OUR_ID)
    return mail_parsed(kind="feedback", report=report)


def decided(
    mail: MailParsed, *sent: SentMail, configured: ConfigurationSnapshot = SNAPSHOT
) -> Decision:
    return decide(mail, configured, Facts(sent=sent))


def marks(decision: Decision) -> list[tuple[str, str, str]]:
    return [
        (one.recipient, one.event, one.address)
        for one in decision.effects
        if isinstance(one, MarkDelivery)
    ]


def suppressed(decision: Decision) -> list[str]:
    return [one.address for one in decision.effects if isinstance(one, Suppress)]


@pytest.mark.parametrize(
    ("mail", "sent", "event", "other", "suppresses"),
    [
        # a dead address
        (bounced(failed()), SENT, "hard", "", True),
        # a full mailbox, and a temporary fault
        (bounced(failed(status="5.2.2")), SENT, "soft", "", False),
        (bounced(failed(status="4.4.7")), SENT, "soft", "", False),
        # refused by a policy or for its content: the address may be well
        (bounced(failed(status="5.7.1")), SENT, "soft", "", False),
        (bounced(failed(status="5.6.0")), SENT, "soft", "", False),
        # only words, without a code
        (bounced(failed(status="5.1.1", hard=False)), SENT, "soft", "", False),
        # it will be tried again, even though the code is of class 5
        (bounced(failed(action="delayed", status="4.4.1")), SENT, "delayed", "", False),
        (bounced(failed(action="delayed", hard=False)), SENT, "delayed", "", False),
        # no address: it is about the one that we wrote to, and nothing says that it is dead
        (bounced(status="5.1.1"), SENT, "soft", "", False),
        (bounced(), SENT, "soft", "", False),
        # the recipient passes messages on, or is a list: the others of it still get them
        (bounced(failed("bob@gmail.example")), SENT, "elsewhere", "bob@gmail.example", False),
        (
            bounced(failed("bob@gmail.example", action="delayed")),
            SENT,
            "delayed",
            "bob@gmail.example",
            False,
        ),
        # the recipient's own address counts, wherever it stands
        (bounced(failed("bob@gmail.example"), failed()), SENT, "hard", "", True),
        # the fifth soft bounce
        (bounced(failed(status="4.4.7")), replace(SENT, soft_bounces=3), "soft", "", False),
        (bounced(failed(status="4.4.7")), replace(SENT, soft_bounces=4), "soft", "", True),
        (bounced(failed("b@x.example")), replace(SENT, soft_bounces=4), "elsewhere", "b@x.example",
         False),
        # a complaint that a provider passes on
        (complaint(), SENT, "complaint", "", True),
        (complaint("fraud"), SENT, "complaint", "", True),
        (complaint(""), SENT, "complaint", "", True),
    ],
)  # fmt: skip
def test_a_report_marks_its_delivery(
    mail: MailParsed, sent: SentMail, event: str, other: str, suppresses: bool
) -> None:
    decision = decided(mail, sent)
    assert (decision.outcome, decision.issue) == (Outcome.BOUNCED, ISSUE)
    assert marks(decision) == [(PAT, event, other)]
    assert suppressed(decision) == ([PAT] if suppresses else [])
    assert len(decision.effects) == 1 + suppresses


@pytest.mark.parametrize(
    ("mail", "before", "event"),
    [
        (bounced(failed()), 0, "doubted"),
        (bounced(failed()), 4, "doubted"),
        (bounced(failed(status="4.4.7")), 4, "doubted"),
        (bounced(status="5.1.1"), 4, "doubted"),
        (bounced(failed(action="delayed")), 4, "delayed"),
        (complaint(), 0, "complaint"),
        (complaint(), 4, "complaint"),
    ],
)
def test_who_has_written_since_then_is_not_dead(mail: MailParsed, before: int, event: str) -> None:
    """Others may know the Message-ID by then: an answer to several people names it."""
    decision = decided(mail, replace(SENT, wrote_since=True, soft_bounces=before))
    assert marks(decision) == [(PAT, event, "")]
    assert suppressed(decision) == []
    assert "has written since then" in decision.reason


def test_the_mark_has_status_class_and_reason() -> None:
    (mark, suppress) = decided(bounced(failed()), SENT).effects
    assert mark == MarkDelivery(
        outgoing_id="o1",
        recipient=PAT,
        event=DeliveryEvent.HARD,
        status="5.1.1",
        status_class="5",
        reason="no such user",
    )
    # The address stands beside it.
    assert suppress == Suppress(address=PAT, reason="not delivered: 5.1.1, no such user")
    reason = decided(bounced(failed()), SENT).reason
    assert reason == f"not delivered to {PAT}: 5.1.1, no such user"


@pytest.mark.parametrize(
    ("mail", "events"),
    [
        (bounced(failed()), ("hard",)),
        (bounced(failed(status="4.4.7")), ("delayed", "soft")),
        (complaint(), ("complaint",)),
    ],
)
def test_a_report_that_comes_again_changes_nothing(
    mail: MailParsed, events: tuple[str, ...]
) -> None:
    # A person may have released the address in between.
    decision = decided(mail, replace(SENT, events=events, soft_bounces=9))
    assert (decision.outcome, decision.effects) == (Outcome.BOUNCED, ())


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        (mail_parsed(kind="bounce"), "it fits no message that we sent"),
        (mail_parsed(kind="feedback"), "it fits no message that we sent"),
        # forged, or by another desk
        (
            mail_parsed(
                kind="bounce",
                bounce=Bounce(recipients=[failed()], original_message_id="<x@example.com>"),
            ),
            "it fits no message that we sent",
        ),
        # the database was restored, and the delivery is not back yet
        (bounced(failed()), f"it names {OUR_ID}, a message of ours that is not in the database;"),
    ],
)
def test_a_report_that_fits_nothing_is_ignored(mail: MailParsed, reason: str) -> None:
    decision = decided(mail)
    assert (decision.outcome, decision.effects) == (Outcome.IGNORED, ())
    assert decision.reason.startswith(reason)


@pytest.mark.parametrize(
    ("mail", "outcome", "why"),
    [
        (bounced(failed()), Outcome.FORWARDED, ""),
        # it is a bounce of what was sent there, and would go round in a circle
        (bounced(failed("Boss@Desk.example")), Outcome.IGNORED, "it is about that address"),
        (bounced(), Outcome.IGNORED, "it names no address"),
        # a complaint is no bounce
        (complaint(), Outcome.IGNORED, ""),
    ],
)
def test_a_bounce_that_fits_nothing_is_sent_on_where_the_account_says_so(
    mail: MailParsed, outcome: Outcome, why: str
) -> None:
    decision = decided(mail, configured=snapshot(forward_bounces="boss@desk.example"))
    assert decision.outcome is outcome
    targets = [one.to for one in decision.effects if isinstance(one, Forward)]
    assert targets == (["boss@desk.example"] if outcome is Outcome.FORWARDED else [])
    assert why in decision.reason
    # One that fits is not sent on.
    tied = decided(mail, SENT, configured=snapshot(forward_bounces="boss@desk.example"))
    assert not [one for one in tied.effects if isinstance(one, Forward)]


@pytest.mark.parametrize("kind", ["bounce", "feedback", "receipt", "probe", "stand_in"])
def test_a_person_may_give_a_report_to_a_handler(kind: str) -> None:
    facts = Facts(release=Release(as_handler="all"))
    handlers = (MailHandler(name="all"),)
    decision = decide(mail_parsed(kind=kind), replace(SNAPSHOT, handlers=handlers), facts)
    assert decision.outcome is Outcome.ISSUE


@pytest.mark.parametrize("event", ["not-spam", "auth-failure"])
def test_other_feedback_than_a_complaint_is_ignored(event: str) -> None:
    decision = decided(complaint(event), SENT)
    assert (decision.outcome, decision.effects) == (Outcome.IGNORED, ())
    assert event in decision.reason


def test_a_message_of_an_early_release_has_one_id_for_all_recipients() -> None:
    bo = replace(SENT, recipient="bo@far.example")
    decision = decided(bounced(failed("bo@far.example")), SENT, bo)
    assert marks(decision) == [("bo@far.example", "hard", "")]
    assert suppressed(decision) == ["bo@far.example"]
    # Nobody knows whose address passes messages on to that one.
    other = decided(bounced(failed("else@far.example")), SENT, bo)
    assert (other.outcome, other.effects) == (Outcome.IGNORED, ())


def test_a_bounce_is_a_muted_internal_comment_if_the_account_says_so() -> None:
    configured = snapshot(bounces="comment")
    decision = decided(bounced(failed()), SENT, configured=configured)
    (comment,) = [one for one in decision.effects if isinstance(one, AddComment)]
    assert (comment.issue, comment.muted, comment.internal) == (ISSUE, True, True)
    assert comment.brings is Brings.NOBODY
    assert decision.outcome is Outcome.BOUNCED
    # Once, and only where there is an issue.
    again = decided(bounced(failed()), replace(SENT, events=("hard",)), configured=configured)
    assert again.effects == ()
    homeless = decided(bounced(failed()), replace(SENT, issue=None), configured=configured)
    assert len(homeless.effects) == 2


@pytest.mark.parametrize(
    ("reported", "same"),
    [
        ("pat@far.example", True),
        ("PAT@Far.Example.", True),
        # a server hands it on within its domain
        ("pat@mail.far.example", True),
        # the tag of the mailbox is dropped, or added
        ("pat+help@far.example", True),
        ("pat@near.example", False),
        ("bob@far.example", False),
        ("pat@notfar.example", False),
        ("", False),
    ],
)
def test_addresses_are_compared_as_servers_change_them(reported: str, same: bool) -> None:
    assert same_address(reported, "pat@far.example") is same


def test_a_domain_may_be_written_in_two_ways() -> None:
    assert same_address("pat@xn--mller-kva.example", "pat@müller.example")
