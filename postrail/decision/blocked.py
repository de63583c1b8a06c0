"""Holds off senders whom the operator has blocked, before any mail handler is asked."""

from __future__ import annotations

from collections.abc import Iterable

from postrail.configuration.models.domain_patterns import first_match
from postrail.configuration.models.sender_filter import SenderFilter
from postrail.decision.decision import Decision, Outcome, Reply
from postrail.decision.question import Question
from postrail.message_parts import without_extension
from postrail.notifications.addresses import compared_address

# A person who releases the message lets it pass, whatever the filter has made of it.
HELD_BY = "blocked"
OUTCOMES = {
    "ignore": Outcome.IGNORED,
    "quarantine": Outcome.QUARANTINED,
    "push_back": Outcome.IGNORED,
}


def blocked(question: Question) -> Decision | None:
    """Decides by the first sender filter that matches From, the field Sender, or a form's author.

    Anyone may write any address there, so a filter only keeps away; it lets nobody in.
    """
    for one in question.snapshot.sender_filters:
        if not one.serves(question.account.name):
            continue
        if matched := _matched(one, _senders(question)):
            address, wanted = matched
            reason = f"sender filter {one.name}: {address} matches {wanted}"
            outcome = OUTCOMES[one.then]
            answer = (Reply(rejects=True),) if one.then == "push_back" else ()
            return Decision(outcome=outcome, reason=reason, effects=answer, held_by=HELD_BY)
    return None


def _matched(one: SenderFilter, addresses: Iterable[str]) -> tuple[str, str] | None:
    """Returns the first of these addresses that a filter matches, with its address or pattern.

    However an address is written; one that is listed holds for its plus-addresses, too.
    """
    listed = {compared_address(address): address for address in one.addresses}
    for address in addresses:
        form = compared_address(address)
        if found := listed.get(form) or listed.get(without_extension(form)):
            return address, found
        if found := first_match(one.domains, address) or first_match(one.domains, form):
            return address, found
    return None


def _senders(question: Question) -> tuple[str, ...]:
    mail = question.mail
    written = (one.address.lower() for one in (mail.sender, mail.sent_by) if one)
    return tuple(dict.fromkeys((question.sender_address, *written)))
