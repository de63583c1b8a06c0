"""Messages that take people off an issue's mail: whoever and whatever sends them."""

from __future__ import annotations

import pytest

from postrail.decision.decide import decide
from postrail.decision.decision import Outcome, Unsubscribe
from postrail.decision.facts import EarlierMail, Facts, IssueRef, Unsubscription
from postrail.decision.stored import facts as stored
from postrail.records import MailParsed
from tests.makers.configuration import snapshot
from tests.makers.records import mail_parsed

HELP_1 = IssueRef(issue_id=1, issue_key="HELP-1", project="HELP")
ADA = Unsubscription(issue=HELP_1, addresses=("ada@example.org",))
EARLIER = EarlierMail(mail_id="m0", mailbox="support", source="INBOX;uid=1", issue=HELP_1)
MAILS = [
    mail_parsed(),
    # a mail program, a robot, a list, an out-of-office
    mail_parsed(kind="auto_generated"),
    mail_parsed(kind="auto_reply"),
    mail_parsed(kind="bulk"),
    mail_parsed(kind="bounce"),
    mail_parsed(sender=None, subject="", text=""),
]


@pytest.mark.parametrize("mail", MAILS, ids=lambda one: one.kind)
@pytest.mark.parametrize(
    ("found", "outcome", "effects"),
    [
        (ADA, Outcome.UNSUBSCRIBED, (Unsubscribe(issue=HELP_1, addresses=ADA.addresses),)),
        # forged, of another issue, or used before
        (Unsubscription(), Outcome.IGNORED, ()),
    ],
)
def test_the_token_alone_decides(
    mail: MailParsed, found: Unsubscription, outcome: Outcome, effects: tuple[Unsubscribe, ...]
) -> None:
    # Robots send equal messages for several issues.
    decision = decide(mail, snapshot(), Facts(unsubscription=found, earlier=(EARLIER,)))
    assert (decision.outcome, decision.effects) == (outcome, effects)
    assert decision.issue == found.issue
    assert decision.held_by == ("unsubscribe" if outcome is Outcome.IGNORED else "")


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        # what we sent ourselves, and what has no token
        (Facts(unsubscription=ADA, own_message="Message-ID"), Outcome.IGNORED),
        (Facts(), Outcome.ISSUE),
    ],
)
def test_other_messages_unsubscribe_nobody(facts: Facts, outcome: Outcome) -> None:
    decision = decide(mail_parsed(), snapshot(), facts)
    assert decision.outcome is outcome
    assert not [one for one in decision.effects if isinstance(one, Unsubscribe)]


@pytest.mark.parametrize("found", [ADA, Unsubscription(), None])
def test_a_trace_keeps_what_a_token_asked_for(found: Unsubscription | None) -> None:
    facts = Facts(unsubscription=found)
    assert stored.from_json(stored.to_json(facts)) == facts
