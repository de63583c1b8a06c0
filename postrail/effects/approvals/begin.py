"""Makes an approval request of an order, and asks its approvers: for each way that orders come."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.approvals import delegations, ledger, store
from postrail.approvals.delegations import Delegation
from postrail.approvals.ledger import Channel, EventKind, NewEvent, details_of
from postrail.approvals.order import ApprovalOrder
from postrail.approvals.request import (
    Assignment,
    NewAssignment,
    NewRequest,
    Request,
    Rule,
    digest_of,
)
from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.approvals.approvers import approvers_named
from postrail.effects.approvals.ask import ask, asked_next
from postrail.effects.approvals.checks import check, deadline_of, setup_named
from postrail.effects.approvals.refused import RequestRefused
from postrail.records import OutgoingQueued
from postrail.tracker.issues import Watcher

# Encrypts what a row must not show.
Seal = Callable[[str], str]

CHANNELS = {
    "command": Channel.COMMAND,
    "transition": Channel.COMMAND,
    "handler": Channel.HANDLER,
    "api": Channel.PAGE,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """A request, and the messages that ask for it."""

    request: Request
    # Stored already; the caller adds their records to the outbox.
    mails: Sequence[OutgoingQueued] = ()
    # False: an earlier order with the same idempotency key has made it.
    is_new: bool = True


async def begin(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    order: ApprovalOrder,
    key: bytes,
    seal: Seal | None,
    now: datetime,
) -> Begun:
    """Stores the request, and asks the approvers: of an order by turns, the first one only.

    `key` signs the tokens, and `seal` encrypts the callback's URL, if there is one. An order with
    the idempotency key of an earlier one returns the request of that one, and asks nobody. Raises
    RequestRefused, ConfigurationError, InvalidValue or PersonNotFound for an order that cannot be
    asked.
    """
    if order.idempotency_key:
        await store.lock_idempotency_key(connection, order.idempotency_key)
        if before := await store.by_idempotency_key(connection, order.idempotency_key):
            return _repeated(order, before)
    setup = setup_named(snapshot, order.setup)
    check(order, setup, snapshot, now)
    approvers = await approvers_named(connection, snapshot, order.approvers, order.project)
    _check_count(order, approvers)
    others = await _others(connection, snapshot, order, approvers)
    request = await store.insert(connection, _new_request(order, setup, others, seal, now))
    standing_in = await delegations.active(connection, [one.address for one in approvers], now)
    planned = await store.add_assignments(
        connection, request.request_id, list(parts_of(approvers, standing_in))
    )
    await ledger.append(connection, [_requested(order, request, planned)])
    asked_now, channel = asked_next(request, planned), CHANNELS[order.origin]
    mails = await ask(connection, snapshot, request, asked_now, key, now, channel=channel)
    return Begun(request=request, mails=mails)


def _repeated(order: ApprovalOrder, before: Request) -> Begun:
    if before.order_digest != order.digest:
        raise RequestRefused(
            f"the idempotency key has made {before.key} already, which asks for something else",
            remedy="Give each order a key of its own, and repeat an order as it was",
        )
    return Begun(request=before, is_new=False)


def _check_count(order: ApprovalOrder, approvers: Sequence[Watcher]) -> None:
    if not approvers:
        raise RequestRefused("the request has no approvers", remedy="Name at least one person")
    if order.rule is Rule.COUNT and order.needed > len(approvers):
        raise RequestRefused(
            f"{order.needed} must approve, and the request asks {len(approvers)}",
            remedy="Name more people, or let fewer decide",
        )


async def _others(
    connection: Connection,
    snapshot: ConfigurationSnapshot,
    order: ApprovalOrder,
    approvers: Sequence[Watcher],
) -> list[str]:
    """Returns the addresses of those to escalate to, without the approvers: nobody counts twice."""
    found = await approvers_named(connection, snapshot, order.escalate_to, order.project)
    others = [one.address for one in found if one.address not in {one.address for one in approvers}]
    if found and not others:
        raise RequestRefused(
            "the deadline escalates to nobody but the approvers",
            remedy="Name others to ask at the deadline",
        )
    return others


def _new_request(
    order: ApprovalOrder,
    setup: ApprovalSetup,
    escalate_to: Sequence[str],
    seal: Seal | None,
    now: datetime,
) -> NewRequest:
    assert seal or not order.callback_url, "a callback's URL is stored sealed"
    required = order.comment_required
    return NewRequest(
        request_id=str(uuid.uuid4()),
        setup=setup.name,
        idempotency_key=order.idempotency_key or None,
        order_digest=order.digest,
        made_at=now,
        requester_address=order.requester_address.lower(),
        requester_name=order.requester_name,
        origin=order.origin,
        subject=order.subject.strip(),
        body=order.body,
        fields=list(order.fields),
        attachments=list(order.attachments),
        choices=list(order.choices),
        rule=order.rule,
        needed=order.needed if order.rule is Rule.COUNT else 1,
        comment_required=setup.comment_required if required is None else required,
        deadline=deadline_of(order, now),
        at_deadline=order.at_deadline,
        escalate_to=list(escalate_to),
        remind_after_seconds=order.remind_after_seconds,
        callback_url=seal(order.callback_url) if seal and order.callback_url else "",
        issue_id=order.issue_id,
        approved_status=order.approved_status,
        rejected_status=order.rejected_status,
    )


def parts_of(
    approvers: Sequence[Watcher], standing_in: Sequence[Delegation], *, first_place: int = 1
) -> Iterator[NewAssignment]:
    """Yields the part of each approver, and at the same place those of the delegates."""
    for place, one in enumerate(approvers, start=first_place):
        yield NewAssignment(place=place, address=one.address, name=one.name)
        for delegation in standing_in:
            if delegation.delegator == one.address:
                yield part_of_delegate(delegation, place)


def part_of_delegate(delegation: Delegation, place: int) -> NewAssignment:
    """Returns the part of a delegate at the place of the person they answer for."""
    return NewAssignment(
        place=place,
        address=delegation.delegate,
        answers_for=delegation.delegator,
        delegation_id=delegation.delegation_id,
    )


def _requested(order: ApprovalOrder, request: Request, planned: Sequence[Assignment]) -> NewEvent:
    """Returns the first event of the request, with what nothing changes afterwards."""
    return NewEvent(
        request_id=request.request_id,
        happened_at=request.made_at,
        kind=EventKind.REQUESTED,
        actor=request.requester_address,
        channel=CHANNELS[order.origin],
        details=details_of(
            digest=digest_of(request),
            subject=request.subject,
            approvers=[one.address for one in planned],
            # The one whose statuses may follow.
            project=order.project,
        ),
    )
