"""Finds the approval request that a message answers, by the tokens that it has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail import people
from postrail.approvals import delegations, ledger, store
from postrail.approvals.delegations import Delegation
from postrail.approvals.ledger import EventKind
from postrail.approvals.request import Assignment, Request
from postrail.approvals.token import ApprovalToken, is_genuine, tokens_in
from postrail.database import Connection
from postrail.decision.approvals.fact import ANSWERED, REFUSED, ApprovalFact
from postrail.decision.message_values import first_text
from postrail.incoming.message_ids import all_answered_ids
from postrail.incoming.queue import DueMail
from postrail.notifications.addresses import compared_address
from postrail.people import PersonRow
from postrail.records import MailParsed

# So many addresses of an approver fit into a trace; that of the sender is among them.
ADDRESSES_KEPT = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """What the tokens of a batch of messages name."""

    tokens: Mapping[str, Sequence[ApprovalToken]]
    assignments: Mapping[int, Assignment]
    requests: Mapping[str, Request]
    delegations: Mapping[int, Delegation]
    persons: Mapping[str, PersonRow]
    key: bytes

    def named(self, mail: MailParsed) -> list[tuple[ApprovalToken, Assignment]]:
        """Returns the parts that the tokens of a message name, forged tokens included."""
        found = (
            (one, self.assignments.get(one.assignment_id)) for one in self.tokens[mail.mail_id]
        )
        return [(token, part) for token, part in found if part]

    def addresses(self, part: Assignment) -> tuple[str, ...]:
        """Returns all addresses of an approver; the one that was asked first."""
        person = self.persons.get(part.address)
        return tuple(dict.fromkeys((part.address, *(person.addresses if person else ()))))


def approval_tokens(mail: MailParsed) -> list[ApprovalToken]:
    """Returns the tokens of the addresses that a message went to, of those that it answers or is
    about, and of its text, each once.
    """
    written = [one.address for one in mail.recipients]
    about = [mail.bounce, mail.report]
    returned = [one.original_message_id for one in about if one and one.original_message_id]
    answered = [f"<{one.strip(' <>')}>" for one in (*all_answered_ids(mail), *returned)]
    return tokens_in([*written, *mail.delivered_to], answered, [first_text(mail)])


async def approval_facts(
    connection: Connection, mails: Sequence[DueMail], key: bytes, *, read_only: bool
) -> dict[str, ApprovalFact]:
    """Returns the facts about the requests of these messages, by mail_id.

    Locks the requests, after the issues, so that the facts hold when the effects are applied. What
    a forged token names is not locked. `key` signs the tokens.
    """
    tokens = {due.mail.mail_id: approval_tokens(due.mail) for due in mails}
    ids = {token.assignment_id for found in tokens.values() for token in found}
    if not ids:
        return {}
    found = await _found(connection, tokens, ids, key, read_only=read_only)
    facts = {}
    for due in mails:
        if fact := await _fact(connection, due, found):
            facts[due.mail.mail_id] = fact
    return facts


async def _found(
    connection: Connection,
    tokens: Mapping[str, Sequence[ApprovalToken]],
    ids: Collection[int],
    key: bytes,
    *,
    read_only: bool,
) -> _Found:
    parts = await store.assignment(connection, ids)
    proven = {
        parts[token.assignment_id].request_id
        for token in (one for found in tokens.values() for one in found)
        if token.assignment_id in parts and _is_proven(token, parts[token.assignment_id], key)
    }
    if not read_only:
        await store.lock(connection, proven)
        # As they are under the locks.
        parts = await store.assignment(connection, ids)
    requests = await store.by_id(connection, {one.request_id for one in parts.values()})
    named = {one.delegation_id for one in parts.values() if one.delegation_id is not None}
    return _Found(
        tokens=tokens,
        assignments=parts,
        requests=requests,
        delegations=await delegations.by_id(connection, named),
        persons=await people.by_address(connection, {one.address for one in parts.values()}),
        key=key,
    )


def _is_proven(token: ApprovalToken, part: Assignment, key: bytes) -> bool:
    """Tells whether we made the token for this part."""
    return is_genuine(token, key, part.request_id, part.address)


async def _fact(connection: Connection, due: DueMail, found: _Found) -> ApprovalFact | None:
    """Returns the fact about a message; None: it has no token, or none names anything."""
    mail = due.mail
    if not found.tokens[mail.mail_id]:
        return None
    named = found.named(mail)
    genuine = [part for token, part in named if _is_proven(token, part, found.key)]
    if not named:
        return ApprovalFact(genuine=False)
    sender = compared_address(mail.sender.address) if mail.sender else ""
    part = _of_sender(genuine or [part for _, part in named], sender, found)
    request = found.requests[part.request_id]
    delegation = found.delegations.get(part.delegation_id or 0)
    person = found.persons.get(part.address)
    return ApprovalFact(
        genuine=bool(genuine),
        request_id=request.request_id,
        number=request.number,
        setup=request.setup,
        state=request.state,
        choices=tuple(request.choices),
        comment_required=request.comment_required,
        deadline=request.deadline,
        assignment_id=part.assignment_id,
        assignment_state=part.state,
        closed_because=part.closed_because,
        addresses=_kept(found.addresses(part), sender),
        active=person is None or person.active,
        language=person.language if person else "",
        answers_for=part.answers_for,
        begins_at=delegation.begins_at if delegation else None,
        ends_at=_end_of(delegation) if delegation else None,
        other_requests=len({one.request_id for one in genuine}) > 1,
        before=await _before(connection, mail),
        repeated=await _is_repeated(connection, mail, part),
        told=await ledger.was_told(connection, part.assignment_id, sender),
    )


def _of_sender(parts: Sequence[Assignment], sender: str, found: _Found) -> Assignment:
    """Returns the first part of the sender's; else the first one.

    A message that quotes another approver's has the tokens of both.
    """
    own = (one for one in parts if sender in map(compared_address, found.addresses(one)))
    return next(own, parts[0])


def _kept(addresses: Iterable[str], sender: str) -> tuple[str, ...]:
    first, *others = addresses
    by_sender = sorted(others, key=lambda one: compared_address(one) != sender)
    return (first, *by_sender[: ADDRESSES_KEPT - 1])


def _end_of(delegation: Delegation) -> datetime:
    ends = (delegation.ends_at, delegation.ended_at)
    return min(one for one in ends if one)


async def _is_repeated(connection: Connection, mail: MailParsed, part: Assignment) -> bool:
    """Tells whether the part was answered by a message with the same content."""
    if not part.mail_id or part.mail_id == mail.mail_id:
        return False
    events = await ledger.events_of_mail(connection, part.mail_id)
    return any(one.mail_hash == mail.fingerprint for one in events)


async def _before(connection: Connection, mail: MailParsed) -> str:
    """Returns what the message did when it was handled before: it has answered, or was refused."""
    kinds = {one.kind for one in await ledger.events_of_mail(connection, mail.mail_id)}
    if EventKind.ANSWERED in kinds:
        return ANSWERED
    return REFUSED if EventKind.REFUSED in kinds else ""
