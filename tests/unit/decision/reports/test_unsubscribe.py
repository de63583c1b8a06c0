"""Messages that take people off an issue's mail: whoever and whatever sends them."""

from __future__ import annotations

import pytest

from postrail.decision.decide import decide
from postrail.decision.decision import Outcome, Unsubscribe
from postrail.decision.facts import EarlierMail, Facts, IssueRef, Unsubscription
from postrail.decision.stored import facts as stored
from postrail.message_parts import Attachment, ReplyParts
from postrail.records import BlobReference, MailParsed
from tests.makers.configuration import snapshot
from tests.makers.records import mail_parsed

HELP_1 = IssueRef(issue_id=1, issue_key="HELP-1", project="HELP")
ADA = Unsubscription(issue=HELP_1, addresses=("ada@example.org",))
EARLIER = EarlierMail(mail_id="m0", mailbox="support", source="INBOX;uid=1", issue=HELP_1)


def reply_parts(new_text: str) -> ReplyParts:
    return ReplyParts(
        new_text=new_text,
        quoted_text="> It burns.",
        signature="",
        new_html="",
        quoted_html="",
        signature_html="",
    )


PICTURE = Attachment(
    name="fire.png",
    content_type="image/png",
    size=5000,
    sha256="a" * 64,
    content_id=None,
    inline=False,
)
TOKEN = "1u-0123456789abcdef"
LINKS = [
    mail_parsed(subject="unsubscribe", text=""),
    # a mail program, a robot, a list, an out-of-office
    mail_parsed(subject="unsubscribe", kind="auto_generated"),
    mail_parsed(subject="Unsubscribe ", kind="auto_reply"),
    mail_parsed(subject=f"[EXTERNAL] unsubscribe {TOKEN}", kind="bulk"),
    mail_parsed(subject="unsubscribe", sender=None, kind="bounce"),
]
REQUESTS = [
    mail_parsed(subject="My order is on fire"),
    mail_parsed(subject="Please unsubscribe my mother"),
    mail_parsed(subject="", text="The link to unsubscribe does not work."),
    mail_parsed(text="", attachments=[PICTURE]),
    mail_parsed(text="", text_blob=BlobReference(sha256="a" * 64, size=5_000_000)),
    mail_parsed(text="> It burns.\n\nStill!", reply=reply_parts("Still!")),
]
EMPTY = [
    # as the footer asks for; some programs send none without a subject
    mail_parsed(subject="", text=""),
    mail_parsed(subject="Abmelden", text="\n"),
    mail_parsed(subject="Re: Printer", text="> It burns.", reply=reply_parts("")),
]


@pytest.mark.parametrize("mail", LINKS, ids=lambda one: one.kind)
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


@pytest.mark.parametrize("mail", EMPTY, ids=lambda one: one.subject)
def test_an_empty_message_unsubscribes_once(mail: MailParsed) -> None:
    assert decide(mail, snapshot(), Facts(unsubscription=ADA)).outcome is Outcome.UNSUBSCRIBED
    # A program has kept the address of somebody who has left since.
    later = decide(mail, snapshot(), Facts(unsubscription=Unsubscription()))
    assert later.outcome is Outcome.ISSUE


@pytest.mark.parametrize("mail", REQUESTS, ids=lambda one: one.subject)
@pytest.mark.parametrize("found", [ADA, Unsubscription()])
def test_a_request_to_an_address_that_was_kept_is_handled(
    mail: MailParsed, found: Unsubscription
) -> None:
    decision = decide(mail, snapshot(), Facts(unsubscription=found))
    assert decision.outcome is Outcome.ISSUE
    assert not [one for one in decision.effects if isinstance(one, Unsubscribe)]


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
