"""Requests that approvers are asked, and their answers by mail, for a handler with a database."""

from __future__ import annotations

from typing import Any

from postrail.approvals import ledger, store
from postrail.approvals.ledger import Channel, Event, EventKind, NewEvent, details_of
from postrail.approvals.request import Assignment, AssignmentState, NewAssignment, Request, Rule
from postrail.approvals.token import reply_address, token_for
from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.models.person import Person
from postrail.database import transaction
from postrail.message_parts import Address
from postrail.records import MailParsed
from tests.integration.handler.bench import Bench
from tests.makers.approvals.requests import ANA, CHO, new_request
from tests.makers.configuration import mail_account
from tests.makers.records import AUTHSERV_ID, NOON, mail_parsed, verified

REPLY_TO = "answers@example.com"


async def configure(bench: Bench, **changes: Any) -> None:
    """Saves an account for answers and its setup; Ana writes from home, too."""
    fields = {"name": "deploy", "enabled": True, "account": "answers", "reply_address": REPLY_TO}
    await bench.save(
        mail_account("answers", purpose="approvals", authserv_ids=[AUTHSERV_ID]),
        ApprovalSetup.model_validate({**fields, **changes}),
        Person(address=ANA, name="Ana", addresses=["ana@home.example"]),
        Person(address=CHO, name="Cho", active=False),
    )


async def ask(bench: Bench, *addresses: str, **changes: Any) -> Request:
    """Stores a request, and that these approvers are asked: in order, the first one only."""
    async with transaction(bench.pool) as connection:
        request = await store.insert(connection, new_request(setup="deploy", **changes))
        parts = await store.add_assignments(
            connection,
            request.request_id,
            [NewAssignment(place=place, address=one) for place, one in enumerate(addresses, 1)],
        )
        now = parts[:1] if request.rule is Rule.ORDER else parts
        for one in now:
            await store.asked(connection, one.assignment_id, f"<{one.assignment_id}@x>", NOON)
        requested = NewEvent(
            request_id=request.request_id,
            happened_at=NOON,
            kind=EventKind.REQUESTED,
            channel=Channel.COMMAND,
            details=details_of(digest=request.digest),
        )
        await ledger.append(connection, [requested])
    return request


async def parts_of(bench: Bench, request: Request) -> list[Assignment]:
    async with transaction(bench.pool) as connection:
        found = await store.assignments(connection, [request.request_id])
    return found[request.request_id]


async def part_of(bench: Bench, request: Request, address: str) -> Assignment:
    return next(one for one in await parts_of(bench, request) if one.address == address)


async def answer(
    bench: Bench, request: Request, approver: str, text: str, **changes: Any
) -> MailParsed:
    """Returns a verified reply of the approver, with the token in the reply address."""
    part = await part_of(bench, request, approver)
    token = token_for(bench.key, part.assignment_id, request.request_id, part.address)
    fields: dict[str, Any] = {
        "mailbox": "answers",
        "sender": Address(name="", address=approver),
        "to": [Address(name="", address=reply_address(REPLY_TO, token))],
        "subject": f"Re: [{request.key}] {request.subject}",
        "text": text,
    }
    return verified(mail_parsed(**{**fields, **changes}))


async def events(bench: Bench, request: Request) -> list[Event]:
    async with transaction(bench.pool) as connection:
        assert await ledger.verify(connection) == []
        return await ledger.events_of(connection, request.request_id)


async def kinds(bench: Bench, request: Request) -> list[str]:
    return [str(one.kind) for one in await events(bench, request)]


async def state_of(bench: Bench, request: Request) -> tuple[str, str]:
    """Returns the state of the request, and the choice that has decided it."""
    async with transaction(bench.pool) as connection:
        found = (await store.by_id(connection, [request.request_id]))[request.request_id]
    return str(found.state), found.choice


async def answered(bench: Bench, request: Request) -> list[tuple[str, str]]:
    """Returns who has answered what."""
    return [
        (one.address, one.choice)
        for one in await parts_of(bench, request)
        if one.state is AssignmentState.ANSWERED
    ]
