"""Decides about bounces and complaints: whose message came back, and who is written to no more.

A report is tied to what we sent by a Message-ID of ours, which nobody can guess, so it can harm
only the address that its message went to: whatever other addresses it names stay in use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from postrail.decision.decision import (
    AddComment,
    Brings,
    Decision,
    DeliveryEvent,
    Effect,
    MarkDelivery,
    Outcome,
    Suppress,
    TextRules,
)
from postrail.decision.facts import SentMail
from postrail.decision.question import Question
from postrail.decision.reports.same_address import same_address
from postrail.decision.sending.forwarding import forwarded
from postrail.message_parts import Bounce, BouncedRecipient
from postrail.notifications.mime.message_ids import is_form_of_ours
from postrail.records import MailParsed

# An address is suppressed once this number of messages has bounced softly from it in this time.
SOFT_BOUNCES = 5
SOFT_BOUNCE_TIME = timedelta(days=7)
# RFC 3463, 3.7 and 3.8: the message was refused for its content or by a policy, as all are from a
# server that is on a block list; the address may be well.
REFUSED_MESSAGE = ("6", "7")
# Reports of RFC 5965 and RFC 6591 that are no complaint of a recipient.
NO_COMPLAINTS = ("not-spam", "auth-failure")

FITS_NOTHING = "it fits no message that we sent"
NOT_HERE = (
    "it names {}, a message of ours that is not in the database; once that is back, release this"
    " one with: postrail mail release"
)
OTHER_RECIPIENTS = "it names no recipient of message {}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a report says about one delivery."""

    sent: SentMail
    event: DeliveryEvent
    status: str = ""
    status_class: str = ""
    reason: str = ""
    address: str = ""

    @property
    def words(self) -> str:
        """Returns it for people."""
        opening = OPENINGS[self.event].format(to=self.sent.recipient, other=self.address)
        if self.sent.wrote_since:
            opening += ", who has written since then"
        return f"{opening}: {self.why}" if self.why else opening

    @property
    def why(self) -> str:
        """Returns what was reported, without the address."""
        return ", ".join(part for part in (self.status, self.reason) if part)


# What a report says about the recipient of a message, in words; `other` is the address that failed.
OPENINGS = {
    DeliveryEvent.HARD: "not delivered to {to}",
    DeliveryEvent.SOFT: "not delivered to {to}",
    DeliveryEvent.DOUBTED: "said not to be delivered to {to}",
    DeliveryEvent.ELSEWHERE: "not delivered to {other}, to which {to} passes messages on",
    DeliveryEvent.DELAYED: "delayed for {to}",
    DeliveryEvent.COMPLAINT: "{to} complained",
}


def bounce(question: Question) -> Decision | None:
    """Answers for a bounce, and for a complaint that a provider passes on."""
    mail, sent = question.mail, question.facts.sent
    if mail.kind not in ("bounce", "feedback") or question.is_for_a_handler:
        return None
    if not sent:
        return _fits_nothing(question)
    if mail.kind == "feedback":
        kind = mail.report.event if mail.report else ""
        if kind in NO_COMPLAINTS:
            reason = f"it is a report of the kind {kind}, and no complaint"
            return Decision(outcome=Outcome.IGNORED, reason=reason, issue=sent[0].issue)
        told = [Told(sent=one, event=DeliveryEvent.COMPLAINT, reason=kind) for one in sent]
    else:
        told = bounced(mail.bounce, sent)
    if not told:
        reason = OTHER_RECIPIENTS.format(sent[0].outgoing_id)
        return Decision(outcome=Outcome.IGNORED, reason=reason, issue=sent[0].issue)
    return Decision(
        outcome=Outcome.BOUNCED,
        reason="; ".join(one.words for one in told),
        effects=tuple(effect for one in told for effect in _effects(question, one)),
        issue=next((one.sent.issue for one in told if one.sent.issue), None),
    )


def _fits_nothing(question: Question) -> Decision:
    """Ignores a report about an unknown message, or sends it on where the account says so."""
    named, to = named_id(question.mail), question.account.forward_bounces
    reason = NOT_HERE.format(named) if is_form_of_ours(named) else FITS_NOTHING
    decision = Decision(outcome=Outcome.IGNORED, reason=reason)
    if not to or question.mail.kind != "bounce":
        return decision
    if why := _may_come_back(question, to):
        return replace(decision, reason=f"{reason}; not forwarded to {to}: {why}")
    return forwarded(question, decision, to, by=f"mail account {question.account.name}")


def _may_come_back(question: Question, to: str) -> str:
    """Returns why a bounce may be one of a message that was sent on to the address, or "".

    It names no message, so only the address in it tells.
    """
    recipients = question.mail.bounce.recipients if question.mail.bounce else ()
    if not recipients:
        return "it names no address, and may be about a message that was forwarded there"
    about = any(same_address(one.address, to) for one in recipients)
    return "it is about that address" if about else ""


def named_id(mail: MailParsed) -> str:
    """Returns the Message-ID that a report names, or ""."""
    about = mail.bounce or mail.report
    return (about and about.original_message_id) or ""


def bounced(bounce: Bounce | None, sent: Sequence[SentMail]) -> list[Told]:
    """Returns what a bounce says about each delivery that it names.

    Several have one Message-ID only if a release before 0.2 sent them.
    """
    told = []
    bounce = bounce or Bounce(recipients=[], original_message_id=None)
    for one in sent:
        own = [given for given in bounce.recipients if same_address(given.address, one.recipient)]
        if own:
            told.append(_about(one, own[0]))
        elif len(sent) == 1 and bounce.recipients:
            told.append(_elsewhere(one, bounce.recipients[0]))
        elif len(sent) == 1:
            # It names no address, so nothing says that this one is dead.
            event, status = _failure(one, hard=False), bounce.status
            told.append(Told(sent=one, event=event, status=status, status_class=status[:1]))
    return told


def _event_of(sent: SentMail, given: BouncedRecipient) -> DeliveryEvent:
    """Returns the event that a bounce reports about the recipient of the message."""
    if given.action == "delayed":
        return DeliveryEvent.DELAYED
    subject = given.status.split(".")[1:2]
    refused = bool(subject) and subject[0] in REFUSED_MESSAGE
    return _failure(sent, hard=given.hard and not refused)


def _failure(sent: SentMail, *, hard: bool) -> DeliveryEvent:
    """Returns the event of a message that failed; one whose recipient has written counts nowhere.

    Others know its Message-ID by then: an answer to several people names it, and one of them may
    have made the bounce up, and those of other messages, too.
    """
    if sent.wrote_since:
        return DeliveryEvent.DOUBTED
    return DeliveryEvent.HARD if hard else DeliveryEvent.SOFT


def _about(sent: SentMail, given: BouncedRecipient) -> Told:
    return Told(
        sent=sent,
        event=_event_of(sent, given),
        status=given.status,
        status_class=given.status_class,
        reason=given.reason,
    )


def _elsewhere(sent: SentMail, given: BouncedRecipient) -> Told:
    """Returns what a bounce says that names another address than the message was sent to.

    It may be one of many members of a list; the others would get nothing if the recipient's
    address were taken out of use.
    """
    delayed = given.action == "delayed"
    event = DeliveryEvent.DELAYED if delayed else DeliveryEvent.ELSEWHERE
    return Told(
        sent=sent,
        event=event,
        status=given.status,
        status_class=given.status_class,
        reason=given.reason,
        address=given.address,
    )


def _effects(question: Question, told: Told) -> list[Effect]:
    """Returns what follows; of a report that repeats an earlier one nothing does."""
    sent, event = told.sent, told.event
    if event in sent.events:
        return []
    effects: list[Effect] = [
        MarkDelivery(
            outgoing_id=sent.outgoing_id,
            recipient=sent.recipient,
            event=event,
            status=told.status,
            status_class=told.status_class,
            reason=told.reason,
            address=told.address,
        )
    ]
    if why := _suppression(told):
        effects.append(Suppress(address=sent.recipient, reason=why))
    if question.account.bounces == "comment" and sent.issue:
        effects.append(_comment(sent))
    return effects


def _suppression(told: Told) -> str:
    """Returns why the address, which stands beside it, is not written to from now on, or ""."""
    match told.event:
        case DeliveryEvent.HARD:
            return f"not delivered: {told.why or 'no reason given'}"
        case DeliveryEvent.COMPLAINT if not told.sent.wrote_since:
            return f"complained: {told.why or 'no reason given'}"
        case DeliveryEvent.SOFT if told.sent.soft_bounces + 1 >= SOFT_BOUNCES:
            count = told.sent.soft_bounces + 1
            return f"{count} messages in {SOFT_BOUNCE_TIME.days} days came back, last: {told.why}"
        case _:
            return ""


def _comment(sent: SentMail) -> AddComment:
    """Returns a comment that notifies nobody: a notice about a bounce could bounce again."""
    assert sent.issue is not None
    return AddComment(
        issue=sent.issue,
        muted=True,
        internal=True,
        brings=Brings.NOBODY,
        text=TextRules(new_text_only=False, attachments=()),
    )
