"""People, groups and an approval setup for tests of acts, and what acts leave in the tables."""

from __future__ import annotations

from typing import Any

from postrail.approvals import ledger, store
from postrail.approvals.ledger import Event
from postrail.approvals.named import request_named
from postrail.approvals.order import ApprovalOrder
from postrail.approvals.request import Assignment
from postrail.configuration import store as configuration
from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.configured import Configured
from postrail.configuration.models.person import Person
from postrail.database import Pool, transaction
from postrail.operate.approvals.request import Requested, request_approval
from postrail.operate.issues.act import Actor, Desk
from tests.integration.operate.issues import scene
from tests.makers.configuration import mail_account
from tests.makers.records import NOON

ANN = Actor(address="ann@example.com", name="Ann")
BOB = Actor(address="bob@example.com", name="Bob")
CID = Actor(address="cid@example.com", name="Cid")
OPERATOR = scene.OPERATOR

THINGS: tuple[Configured, ...] = (
    Person(address=ANN.address, name="Ann", addresses=["ann@home.example"], groups=["Managers"]),
    Person(address=BOB.address, name="Bob", groups=["Managers"]),
    Person(address=CID.address, name="Cid"),
    mail_account("answers", purpose="approvals", authserv_ids=["mx.example.com"]),
    ApprovalSetup(
        name="deploy", enabled=True, account="answers", reply_address="answers@example.com"
    ),
    ApprovalSetup(
        name="signed",
        enabled=True,
        account="answers",
        reply_address="answers@example.com",
        callback_secret="env:POSTRAIL_SECRET_X",
        callback_hosts=["deploy.example.internal"],
        comment_required=True,
    ),
    ApprovalSetup(name="off", account="answers"),
)


async def configure(pool: Pool) -> None:
    """Saves the projects, the people and the setups."""
    await scene.configure(pool)
    async with transaction(pool) as connection:
        for thing in THINGS:
            await configuration.save(connection, thing, before=None, author="test", now=NOON)


def order(*approvers: str, **changes: Any) -> ApprovalOrder:
    """Returns an order that Ann and Bob be asked, the first of whom decides."""
    values: dict[str, Any] = {
        "setup": "deploy",
        "subject": "Deploy 4.2",
        "approvers": approvers or (ANN.address, BOB.address),
    }
    return ApprovalOrder(**{**values, **changes})


def seal(plain: str) -> str:
    """Returns what stands for the encrypted text."""
    return f"sealed {plain[::-1]}"


async def requested(desk: Desk, *approvers: str, **changes: Any) -> Requested:
    """Makes a request of the operator."""
    return await request_approval(desk, OPERATOR, order(*approvers, **changes), seal)


async def parts(pool: Pool, key: str) -> list[Assignment]:
    """Returns the parts of the request's approvers."""
    async with transaction(pool) as connection:
        request = await request_named(connection, key)
        return (await store.assignments(connection, [request.request_id]))[request.request_id]


async def states(pool: Pool, key: str) -> list[tuple[int, str, str]]:
    """Returns place, address and state of each part; of a closed one, why."""
    return [
        (one.place, one.address, one.closed_because or one.state) for one in await parts(pool, key)
    ]


async def events(pool: Pool, key: str) -> list[Event]:
    """Returns the events of a request."""
    async with transaction(pool) as connection:
        request = await request_named(connection, key)
        return await ledger.events_of(connection, request.request_id)


async def kinds(pool: Pool, key: str) -> list[str]:
    """Returns what happened to a request, in its order."""
    return [str(one.kind) for one in await events(pool, key)]


async def recipients(pool: Pool) -> list[str]:
    """Returns the recipients of the messages, in the order in which they were stored."""
    found = await scene.query(
        pool,
        "SELECT recipient FROM delivery JOIN outgoing_mail USING (outgoing_id)"
        " ORDER BY queued_at, outgoing_mail.sequence, recipient",
    )
    return [recipient for (recipient,) in found]
