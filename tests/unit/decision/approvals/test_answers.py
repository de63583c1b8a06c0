"""Which messages decide a request, and why each of the others does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from postrail.approvals.request import AssignmentState, ClosedBecause, State
from postrail.decision.approvals.effects import AnswerRequest, RefuseAnswer
from postrail.decision.approvals.fact import ANSWERED, REFUSED, ApprovalFact
from postrail.decision.approvals.refused import RefusedWhy
from postrail.decision.decision import Outcome
from postrail.decision.release import Release
from postrail.message_parts import (
    Address,
    AttachedMessage,
    AuthenticationResult,
    HeaderField,
    ReplyParts,
)
from postrail.records import MailParsed
from tests.makers.records import AUTHSERV_ID, NOON
from tests.unit.decision.approvals.cases import (
    BOSS,
    FACT,
    REPLY_TO,
    TOKEN,
    addressed,
    answer,
    configured,
    decided,
    proven,
)

OF_OURS = f"<postrail.{'0' * 8}-0000-0000-0000-{'0' * 12}.{'0' * 16}.{TOKEN}@example.com>"
DELEGATED = replace(
    FACT,
    answers_for="head@example.org",
    begins_at=NOON - timedelta(days=1),
    ends_at=NOON + timedelta(days=1),
)


def forged(mail: MailParsed) -> MailParsed:
    """Returns the message with a statement of our own server that another one sent it."""
    failed = AuthenticationResult(
        server=AUTHSERV_ID, method="dmarc", result="fail", properties=[], position=0
    )
    return replace(proven(), mail_id=mail.mail_id, authentication=[failed])


def test_an_answer_of_the_approver_decides() -> None:
    found = decided(proven(text="Approve.\n\nGo ahead."))
    assert found.outcome is Outcome.APPROVAL
    [effect] = found.effects
    assert isinstance(effect, AnswerRequest)
    assert (effect.assignment_id, effect.choice, effect.comment) == (7, "approve", "Go ahead.")
    assert effect.verdict == "pass"


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        # Without a token in the address: it stands elsewhere.
        ({"to": addressed(REPLY_TO)}, FACT),
        ({"to": addressed("help@example.net"), "cc": addressed(REPLY_TO.upper())}, FACT),
        # Another address of the same person.
        ({"sender": Address(name="", address="Boss@HOME.example")}, FACT),
        ({"sent_by": Address(name="", address="boss@home.example")}, FACT),
        # A second before the deadline, however late it is read.
        (
            {"received_at": NOON, "fetched_at": NOON + timedelta(days=1)},
            replace(FACT, deadline=NOON + timedelta(seconds=1)),
        ),
        ({}, DELEGATED),
        # A rejection needs the comment, and an approval does not.
        ({}, replace(FACT, comment_required=True)),
        ({"text": "reject\nIt is Friday."}, replace(FACT, comment_required=True)),
    ],
)
def test_these_decide_too(changes: dict[str, Any], fact: ApprovalFact) -> None:
    assert decided(proven(**changes), fact).outcome is Outcome.APPROVAL


Row = tuple[str, MailParsed, ApprovalFact, RefusedWhy, bool]
# The case; the message and the fact; why it does not count, and whether its author is told.
ROWS: list[Row] = [
    ("a forged token", proven(), replace(FACT, genuine=False), RefusedWhy.FORGED_TOKEN, False),
    (
        "tokens of two requests",
        proven(),
        replace(FACT, other_requests=True),
        RefusedWhy.SEVERAL_REQUESTS,
        True,
    ),
    (
        "a request of another setup",
        proven(),
        replace(FACT, setup="holidays"),
        RefusedWhy.OTHER_MAILBOX,
        False,
    ),
    (
        "not through the reply address",
        proven(to=addressed("support@example.com"), delivered_to=[REPLY_TO]),
        FACT,
        RefusedWhy.OTHER_ADDRESS,
        True,
    ),
    (
        "a reply address that only looks like ours",
        proven(to=addressed(f"x{REPLY_TO}", "approvals@example.com.evil.example")),
        FACT,
        RefusedWhy.OTHER_ADDRESS,
        True,
    ),
    ("out of office", proven(kind="auto_reply"), FACT, RefusedWhy.AUTOMATIC, False),
    ("a newsletter", proven(kind="bulk"), FACT, RefusedWhy.AUTOMATIC, False),
    ("an invitation", proven(kind="calendar"), FACT, RefusedWhy.AUTOMATIC, False),
    ("a bounce", proven(kind="bounce"), FACT, RefusedWhy.BOUNCE, False),
    ("a receipt", proven(kind="receipt"), FACT, RefusedWhy.RECEIPT, False),
    ("a forward", proven(subject="Fwd: [A-12] Deploy"), FACT, RefusedWhy.FORWARDED, True),
    ("a German forward", proven(subject="WG: [A-12] Deploy"), FACT, RefusedWhy.FORWARDED, True),
    (
        "a redirect",
        proven(headers=[HeaderField(name="Resent-From", value="colleague@example.org")]),
        FACT,
        RefusedWhy.FORWARDED,
        True,
    ),
    (
        "the request as an attachment",
        proven(attached_messages=[AttachedMessage(sender=None, subject="", message_id=OF_OURS)]),
        FACT,
        RefusedWhy.FORWARDED,
        True,
    ),
    (
        "a colleague",
        proven(sender=Address(name="Boss", address="colleague@example.org")),
        FACT,
        RefusedWhy.STRANGER,
        True,
    ),
    (
        "an extension of the approver's address",
        proven(sender=Address(name="", address="boss+x@example.org")),
        FACT,
        RefusedWhy.STRANGER,
        True,
    ),
    (
        "a stranger, not verified",
        answer(sender=Address(name="", address="colleague@example.org")),
        FACT,
        RefusedWhy.STRANGER,
        False,
    ),
    (
        "Reply-To names the approver",
        proven(
            sender=Address(name="", address="colleague@example.org"),
            reply_to=[Address(name="Boss", address=BOSS)],
        ),
        FACT,
        RefusedWhy.STRANGER,
        True,
    ),
    (
        "an assistant in the approver's name",
        proven(sent_by=Address(name="", address="assistant@example.org")),
        FACT,
        RefusedWhy.SENT_FOR,
        True,
    ),
    ("a former employee", proven(), replace(FACT, active=False), RefusedWhy.INACTIVE, True),
    ("a forged sender", forged(answer()), FACT, RefusedWhy.UNVERIFIED, False),
    ("a sender whom nothing verifies", answer(), FACT, RefusedWhy.UNVERIFIED, True),
    (
        "a delegate before the time",
        proven(),
        replace(DELEGATED, begins_at=NOON + timedelta(seconds=1)),
        RefusedWhy.OUTSIDE_DELEGATION,
        True,
    ),
    (
        "a delegate after the time",
        proven(),
        replace(DELEGATED, ends_at=NOON),
        RefusedWhy.OUTSIDE_DELEGATION,
        True,
    ),
    (
        "a delegate without a delegation",
        proven(),
        replace(FACT, answers_for="head@example.org"),
        RefusedWhy.OUTSIDE_DELEGATION,
        True,
    ),
    (
        "a second answer",
        proven(),
        replace(FACT, assignment_state=AssignmentState.ANSWERED),
        RefusedWhy.SECOND,
        True,
    ),
    (
        "the same message once more",
        proven(),
        replace(FACT, assignment_state=AssignmentState.ANSWERED, repeated=True),
        RefusedWhy.REPEATED,
        False,
    ),
    ("decided", proven(), replace(FACT, state=State.DECIDED), RefusedWhy.DECIDED, True),
    ("expired", proven(), replace(FACT, state=State.EXPIRED), RefusedWhy.EXPIRED, True),
    ("withdrawn", proven(), replace(FACT, state=State.WITHDRAWN), RefusedWhy.WITHDRAWN, True),
    (
        "reassigned",
        proven(),
        replace(
            FACT,
            assignment_state=AssignmentState.CLOSED,
            closed_because=ClosedBecause.REASSIGNED,
        ),
        RefusedWhy.REPLACED,
        True,
    ),
    (
        "not asked yet",
        proven(),
        replace(FACT, assignment_state=AssignmentState.PLANNED),
        RefusedWhy.NOT_ASKED,
        False,
    ),
    ("late", proven(), replace(FACT, deadline=NOON), RefusedWhy.LATE, True),
    ("unclear", proven(text="Who is that?"), FACT, RefusedWhy.UNCLEAR, True),
    ("no text", proven(text=""), FACT, RefusedWhy.UNCLEAR, True),
    (
        "quoted words of ours",
        proven(
            text="> approve\n",
            reply=ReplyParts(
                new_text="",
                quoted_text="> approve\n",
                signature="approve",
                new_html="",
                quoted_html="",
                signature_html="",
            ),
        ),
        FACT,
        RefusedWhy.UNCLEAR,
        True,
    ),
    (
        "a rejection without a reason",
        proven(text="reject"),
        replace(FACT, comment_required=True),
        RefusedWhy.COMMENT_MISSING,
        True,
    ),
]


@pytest.mark.parametrize(
    ("mail", "fact", "why", "helps"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_a_reason_alone_keeps_an_answer_from_deciding(
    mail: MailParsed, fact: ApprovalFact, why: RefusedWhy, helps: bool
) -> None:
    found = decided(mail, fact)
    assert found.outcome is not Outcome.APPROVAL
    [effect] = found.effects
    assert isinstance(effect, RefuseAnswer)
    assert (effect.why, effect.helps) == (why, helps), effect.text
    assert effect.text


def test_the_table_has_every_reason() -> None:
    elsewhere = {
        RefusedWhy.OWN_MESSAGE,
        RefusedWhy.RELEASED,
        RefusedWhy.REFUSED_BEFORE,
        RefusedWhy.OTHERWISE,
    }
    assert {why for _, _, _, why, _ in ROWS} | elsewhere == set(RefusedWhy)


@pytest.mark.parametrize(("mail", "fact"), [row[1:3] for row in ROWS], ids=[row[0] for row in ROWS])
def test_nobody_is_told_twice(mail: MailParsed, fact: ApprovalFact) -> None:
    [effect] = decided(mail, replace(fact, told=True)).effects
    assert isinstance(effect, RefuseAnswer)
    assert not effect.helps


def test_a_released_answer_decides_nothing() -> None:
    found = decided(proven(), release=Release(skips=("approval", "blocked")))
    [effect] = found.effects
    assert isinstance(effect, RefuseAnswer)
    assert (found.outcome, effect.why, effect.helps) == (
        Outcome.IGNORED,
        RefusedWhy.RELEASED,
        False,
    )


def test_what_was_refused_decides_nothing_later_and_is_listed_once() -> None:
    found = decided(proven(), replace(FACT, before=REFUSED))
    assert (found.outcome, found.effects) == (Outcome.IGNORED, ())


def test_what_has_answered_does_so_once() -> None:
    answered = replace(
        FACT, before=ANSWERED, state=State.DECIDED, assignment_state=AssignmentState.ANSWERED
    )
    found = decided(proven(), answered)
    assert (found.outcome, found.effects) == (Outcome.APPROVAL, ())


def test_a_token_that_names_nothing_is_listed_nowhere() -> None:
    found = decided(proven(), ApprovalFact(genuine=False))
    assert (found.outcome, found.effects) == (Outcome.IGNORED, ())


def test_other_mail_of_the_account_is_ignored() -> None:
    found = decided(proven(), None)
    assert (found.outcome, found.reason) == (Outcome.IGNORED, "no answer to a request")


def test_unverified_senders_decide_where_the_setup_says_so_and_nothing_verifies() -> None:
    lenient = configured(authserv_ids=(), unverified_senders="decide")
    found = decided(answer(), FACT, lenient)
    [effect] = found.effects
    assert isinstance(effect, AnswerRequest)
    assert effect.verdict == "none"
    assert "lets unverified senders decide" in effect.verdict_reason
    assert "not verified" in found.reason


def test_a_stranger_whom_nothing_verifies_is_not_told() -> None:
    lenient = configured(authserv_ids=(), unverified_senders="decide")
    victim = addressed("victim@elsewhere.example")[0]
    [effect] = decided(answer(sender=victim), FACT, lenient).effects
    assert isinstance(effect, RefuseAnswer)
    assert (effect.why, effect.helps) == (RefusedWhy.STRANGER, False)


def test_an_account_that_verifies_senders_lets_nobody_else_decide() -> None:
    [effect] = decided(answer(), FACT, configured(unverified_senders="decide")).effects
    assert isinstance(effect, RefuseAnswer)
    assert effect.why is RefusedWhy.UNVERIFIED


def test_a_group_that_sends_answers_on_is_no_program() -> None:
    group = configured(
        authserv_ids=(AUTHSERV_ID,), group_address=True, reply_address="deploy@example.com"
    )
    through = {"kind": "bulk", "to": addressed("deploy@example.com")}
    listed = proven(**through, kind_reason="List-Id: <deploy.example.com>")
    assert decided(listed, FACT, group).outcome is Outcome.APPROVAL
    bulk = proven(**through, kind_reason="Precedence: bulk")
    assert decided(bulk, FACT, group).outcome is Outcome.IGNORED
