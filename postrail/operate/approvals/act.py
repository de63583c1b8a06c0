"""The frame of acts on one approval request: its lock, who may act, and the messages sent."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from postrail import people
from postrail.approvals import ledger, store
from postrail.approvals.ledger import Channel, EventKind, NewEvent, details_of
from postrail.approvals.named import locked_request, request_named
from postrail.approvals.request import Assignment, ClosedBecause, Request, State
from postrail.configuration.load import load_snapshot
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.approvals.ask import ask, remind, tell_closed
from postrail.errors import PermanentError
from postrail.notifications.entries import queued_entries
from postrail.operate.approvals.told import told_by
from postrail.operate.issues.act import Actor, Desk
from postrail.outgoing.held import HeldDelivery
from postrail.records import OutgoingQueued
from postrail.stream import outbox
from postrail.stream.producer import Entry
from postrail.tracker import issues
from postrail.workflow.rights import NotAllowed
from postrail.workflow.roles import Role, role_of

# What the origin of a request says about its requester: whom they ask was theirs to choose.
CHOSEN_BY_REQUESTER = ("command", "api")


class RequestEnded(PermanentError):
    """The request is open no longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request after an act, and whom the act writes to: the results of acts begin with it."""

    # Such as A-12.
    key: str
    # The recipients of the messages that the services will send.
    notified: tuple[str, ...] = ()
    # Those whose messages wait until a person releases them.
    held: tuple[HeldDelivery, ...] = ()


@dataclass(kw_only=True)
class RequestInHand:
    """A request between its lock and the commit of an act."""

    connection: Connection
    snapshot: ConfigurationSnapshot
    actor: Actor
    request: Request
    assignments: Sequence[Assignment]
    key: bytes
    now: datetime
    # Written at the end: the ledger's end is the last lock of a transaction.
    events: list[NewEvent] = field(default_factory=list)
    # Stored already.
    mails: list[OutgoingQueued] = field(default_factory=list)
    # Further records for the outbox.
    entries: list[Entry] = field(default_factory=list)
    # Whom the messages go to, and whom they do not; filled in when the act is done.
    notified: tuple[str, ...] = ()
    held: tuple[HeldDelivery, ...] = ()

    def note(
        self, kind: EventKind, *, assignment_id: int | None = None, reason: str = "", **more: object
    ) -> None:
        """Notes an event of the ledger."""
        self.events.append(
            NewEvent(
                request_id=self.request.request_id,
                assignment_id=assignment_id,
                happened_at=self.now,
                kind=kind,
                actor=self.actor.address,
                channel=Channel(self.actor.channel),
                reason=reason,
                details=details_of(**more),
            )
        )

    async def ask(self, assignments: Sequence[Assignment]) -> None:
        """Asks these approvers, after the events so far are written."""
        await self.write_events()
        self.mails += await ask(
            self.connection,
            self.snapshot,
            self.request,
            assignments,
            self.key,
            self.now,
            channel=Channel(self.actor.channel),
        )

    async def remind(self, assignments: Sequence[Assignment]) -> None:
        """Reminds these approvers, after the events so far are written."""
        await self.write_events()
        self.mails += await remind(
            self.connection,
            self.snapshot,
            self.request,
            assignments,
            self.key,
            self.now,
            channel=Channel(self.actor.channel),
            actor=self.actor.address,
        )

    async def tell_closed(self, assignments: Sequence[Assignment], because: ClosedBecause) -> None:
        """Tells these approvers that they are asked no longer."""
        self.mails += await tell_closed(
            self.connection, self.snapshot, self.request, assignments, because, self.key, self.now
        )

    async def write_events(self) -> None:
        """Writes the noted events: the ledger's end stays locked until the transaction ends."""
        await ledger.append(self.connection, self.events)
        self.events.clear()


@contextlib.asynccontextmanager
async def acting_on(desk: Desk, actor: Actor, key: str) -> AsyncIterator[RequestInHand]:
    """Runs the block as an act on an open request, which is locked, and commits what it noted.

    Raises RequestNotFound, RequestEnded, NotAllowed, and what the block does; then nothing is
    changed.
    """
    async with desk.transaction() as connection:
        request = await request_named(connection, key)
        if request.issue_id is not None:
            # Against deadlocks, issues are locked before requests.
            await issues.lock(connection, [request.issue_id])
        request = await locked_request(connection, key)
        snapshot = await load_snapshot(connection)
        await require_may_change(connection, snapshot, actor, request)
        require_open(request)
        found = await store.assignments(connection, [request.request_id])
        act = RequestInHand(
            connection=connection,
            snapshot=snapshot,
            actor=actor,
            request=request,
            assignments=found[request.request_id],
            key=desk.message_id_key,
            now=desk.now,
        )
        yield act
        await act.write_events()
        await outbox.add(connection, [*act.entries, *queued_entries(act.mails)], desk.now)
        act.notified, act.held = await told_by(connection, act.mails)


def require_open(request: Request) -> None:
    """Raises RequestEnded unless the request is open."""
    if request.state is not State.OPEN:
        raise RequestEnded(
            f"{request.key} is {request.state} already",
            remedy=f"See: postrail approvals show {request.key}",
        )


async def require_may_change(
    connection: Connection, snapshot: ConfigurationSnapshot, actor: Actor, request: Request
) -> None:
    """Raises NotAllowed unless the actor may withdraw the request, or say whom else it asks.

    The operator may, the leads of its issue's project, and its requester; of a request that the
    configuration has made, whose approvers were not the requester's to choose, not the requester.
    """
    person = await people.find(connection, actor.address) if actor.address else None
    own = {actor.address, *(person.addresses if person else ())}
    if not actor.address:
        return
    if request.origin in CHOSEN_BY_REQUESTER and request.requester_address in own:
        return
    project = None
    if request.issue_id is not None:
        found = await issues.by_id(connection, [request.issue_id])
        issue = found.get(request.issue_id)
        project = snapshot.projects.get(issue.project) if issue else None
    if project and role_of(project, person).rank >= Role.LEAD.rank:
        return
    raise NotAllowed(
        f"{actor.address} may not change whom {request.key} asks",
        remedy="Its requester may, a lead of its issue's project, and the operator",
    )
