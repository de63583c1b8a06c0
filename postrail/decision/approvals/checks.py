"""Checks whether a message may decide: its token, its way, its sender, and the request's state.

Pure. The first check that refuses it says why; what the message says is read after all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from postrail.approvals.request import AssignmentState, ClosedBecause, State
from postrail.approvals.token import IN_MESSAGE_ID
from postrail.decision.approvals.candidate import Candidate, Refusal, is_form_of
from postrail.decision.approvals.fact import REFUSED
from postrail.decision.approvals.refused import RefusedWhy
from postrail.decision.mail_handlers.forwards import PREFIX
from postrail.notifications.addresses import compared_address

FORGED = Refusal(RefusedWhy.FORGED_TOKEN, "its token is not one that Postrail has made")
RESENT = "resent-"
ENDED = {
    State.DECIDED: RefusedWhy.DECIDED,
    State.EXPIRED: RefusedWhy.EXPIRED,
    State.WITHDRAWN: RefusedWhy.WITHDRAWN,
}


def refusal(one: Candidate) -> Refusal | None:
    """Returns why the message may not decide, whatever it says; None: it may."""
    return next((found for check in CHECKS if (found := check(one))), None)


def _handled_again(one: Candidate) -> Refusal | None:
    if one.fact.before == REFUSED:
        text = "it was refused before, and handling it again gives it no right to decide"
        return Refusal(RefusedWhy.REFUSED_BEFORE, text)
    if one.question.facts.release is not None:
        text = "a person has released it, and only the approver's own message may decide"
        return Refusal(RefusedWhy.RELEASED, text)
    return None


def _token(one: Candidate) -> Refusal | None:
    """Refuses forged tokens, and those of requests whose answers arrive in another mailbox."""
    if not one.fact.genuine:
        return FORGED
    if one.fact.setup != one.setup.name:
        text = f"it came to the mailbox of approval setup {one.setup.name}, and the request is"
        return Refusal(RefusedWhy.OTHER_MAILBOX, f"{text} of {one.fact.setup}")
    return None


def _several(one: Candidate) -> Refusal | None:
    if one.fact.other_requests:
        return Refusal(RefusedWhy.SEVERAL_REQUESTS, "it has the tokens of several requests")
    return None


def _way(one: Candidate) -> Refusal | None:
    """Refuses what did not come through the reply address."""
    if one.is_to_reply_address:
        return None
    address = one.question.snapshot.reply_address_of(one.setup)
    return Refusal(RefusedWhy.OTHER_ADDRESS, f"it is not addressed to {address}")


def _program(one: Candidate) -> Refusal | None:
    mail = one.question.mail
    if one.is_by_person:
        return None
    because = f" ({mail.kind_reason})" if mail.kind_reason else ""
    return Refusal(RefusedWhy.AUTOMATIC, f"a program wrote it: {mail.kind}{because}")


def _forward(one: Candidate) -> Refusal | None:
    """Refuses messages that carry another one to us: a forward, a redirect, an attached request."""
    mail = one.question.mail
    if any(field.name.lower().startswith(RESENT) for field in mail.headers):
        return Refusal(RefusedWhy.FORWARDED, "another mailbox has redirected it")
    if PREFIX.match(mail.subject):
        return Refusal(RefusedWhy.FORWARDED, "its subject is that of a forward")
    if any(IN_MESSAGE_ID.match(found.message_id or "") for found in mail.attached_messages):
        return Refusal(RefusedWhy.FORWARDED, "a request is attached to it, as in a forward")
    return None


def _sender(one: Candidate) -> Refusal | None:
    if not one.is_from_approver:
        text = f"{one.sender or 'its sender'} is not an address of {_approver(one)}"
        return Refusal(RefusedWhy.STRANGER, text)
    if not one.fact.active:
        return Refusal(RefusedWhy.INACTIVE, f"{one.sender} is no longer an active person")
    return None


def _approver(one: Candidate) -> str:
    return one.fact.addresses[0] if one.fact.addresses else "the approver"


def _sent_for(one: Candidate) -> Refusal | None:
    """Refuses what the field Sender says another person sent, such as an assistant.

    Groups write their own address there.
    """
    by = one.question.mail.sent_by
    if by is None or one.is_of_approver(compared_address(by.address)) or _is_group(one, by.address):
        return None
    text = f"{by.address} sent it in the name of {one.sender}; delegates are asked themselves"
    return Refusal(RefusedWhy.SENT_FOR, text)


def _is_group(one: Candidate, address: str) -> bool:
    base = one.question.snapshot.reply_address_of(one.setup)
    return one.setup.group_address and is_form_of(address, base)


def _verification(one: Candidate) -> Refusal | None:
    if one.is_trusted:
        return None
    text = f"its sender is not verified: {one.question.judged.reason}"
    return Refusal(RefusedWhy.UNVERIFIED, text)


def _delegation(one: Candidate) -> Refusal | None:
    fact = one.fact
    if not fact.answers_for:
        return None
    begins = fact.begins_at is not None and fact.begins_at <= one.arrived_at
    if begins and fact.ends_at is not None and one.arrived_at < fact.ends_at:
        return None
    text = f"it arrived outside of the time in which {one.sender} answers for {fact.answers_for}"
    return Refusal(RefusedWhy.OUTSIDE_DELEGATION, text)


def _repeated(one: Candidate) -> Refusal | None:
    if one.fact.repeated:
        return Refusal(RefusedWhy.REPEATED, "the same message has answered the request before")
    if one.fact.assignment_state is AssignmentState.ANSWERED:
        return Refusal(RefusedWhy.SECOND, f"{one.sender} has answered {one.fact.key} before")
    return None


def _request(one: Candidate) -> Refusal | None:
    if one.fact.state is State.OPEN:
        return None
    return Refusal(ENDED[one.fact.state], f"{one.fact.key} is {one.fact.state} already")


def _assignment(one: Candidate) -> Refusal | None:
    match one.fact.assignment_state:
        case AssignmentState.CLOSED:
            text = f"{_approver(one)} is no longer asked: {_closed(one.fact.closed_because)}"
            return Refusal(RefusedWhy.REPLACED, text)
        case AssignmentState.PLANNED:
            return Refusal(RefusedWhy.NOT_ASKED, f"{_approver(one)} is not asked yet")
        case _:
            return None


def _closed(because: str) -> str:
    """Returns why an approver is no longer asked, in words."""
    words = {
        ClosedBecause.REASSIGNED: "another person is asked instead",
        ClosedBecause.ESCALATED: "it went to others at the deadline",
        ClosedBecause.ANSWERED_FOR: "another person has answered in the same place",
        ClosedBecause.DELEGATION_ENDED: "the delegation has ended",
    }
    return next((text for value, text in words.items() if value == because), because)


def _deadline(one: Candidate) -> Refusal | None:
    deadline = one.fact.deadline
    if deadline is None or one.arrived_at < deadline:
        return None
    text = f"it arrived at {one.arrived_at:%Y-%m-%d %H:%M:%S %Z}, after the deadline"
    return Refusal(RefusedWhy.LATE, text)


CHECKS: Sequence[Callable[[Candidate], Refusal | None]] = (
    _handled_again,
    _token,
    _program,
    # Who wrote it comes before how: only the approver is told how to answer.
    _sender,
    _sent_for,
    _verification,
    _delegation,
    _several,
    _way,
    _forward,
    _repeated,
    _request,
    _assignment,
    _deadline,
)
