"""Decides about receipts, and about reports that need no answer at all."""

from __future__ import annotations

from postrail.decision.decision import Decision, DeliveryEvent, Effect, MarkDelivery, Outcome
from postrail.decision.question import Question
from postrail.decision.reports.bounces import FITS_NOTHING

# By the disposition (RFC 8098, 3.2.6.2) or the action (RFC 3464, 2.3.3) that a receipt gives.
EVENTS = {
    "displayed": DeliveryEvent.READ,
    "deleted": DeliveryEvent.DELETED,
    "delivered": DeliveryEvent.DELIVERED,
    # Passed on to a server that sends no receipts, or to several addresses.
    "relayed": DeliveryEvent.DELIVERED,
    "expanded": DeliveryEvent.DELIVERED,
}


def stand_in(question: Question) -> Decision | None:
    """Keeps a mail server's notice in the place of a message for a person to look at."""
    if question.mail.kind != "stand_in" or question.is_for_a_handler:
        return None
    reason = (
        "the mail server could not convert the message, and gave this notice in its place; read the"
        " message in the mailbox"
    )
    return Decision(outcome=Outcome.QUARANTINED, reason=reason)


def receipt(question: Question) -> Decision | None:
    """Notes on its delivery that a message was delivered, read or deleted."""
    mail, sent = question.mail, question.facts.sent
    if mail.kind != "receipt" or question.is_for_a_handler:
        return None
    if not sent:
        return Decision(outcome=Outcome.RECEIPT, reason=FITS_NOTHING)
    told = mail.report.event if mail.report else ""
    event = EVENTS.get(told)
    effects: tuple[Effect, ...] = ()
    # Of several deliveries with one Message-ID nobody knows whose receipt it is.
    if event and len(sent) == 1 and event not in sent[0].events:
        effects = (
            MarkDelivery(outgoing_id=sent[0].outgoing_id, recipient=sent[0].recipient, event=event),
        )
    reason = f"{event or told or 'received'} by {', '.join(one.recipient for one in sent)}"
    return Decision(outcome=Outcome.RECEIPT, reason=reason, effects=effects, issue=sent[0].issue)


def probe(question: Question) -> Decision | None:
    """Ends a report on an address that was checked without a message."""
    if question.mail.kind != "probe" or question.is_for_a_handler:
        return None
    return Decision(outcome=Outcome.PROBE, reason="an address was checked without a message")
