"""Makes approval requests at a handler, answers them, and reads what became of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from postrail.approvals import ledger, store
from postrail.approvals.ledger import Channel, EventKind, NewEvent
from postrail.approvals.order import ApprovalOrder
from postrail.approvals.request import Rule
from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.load import load_snapshot
from postrail.configuration.models.person import Person
from postrail.configuration.models.project import Project
from postrail.database import Connection, transaction
from postrail.effects.approvals.conclude import conclude
from postrail.mailbox_state import last_contact
from postrail.operate.approvals.request import request_approval
from postrail.timed_work.worker import TimedWork
from services.handler.timed_work import WORK
from tests.integration.handler.bench import Bench
from tests.makers.acts import OPERATOR
from tests.makers.configuration import mail_account

ANN, BOB, CID, EVE = (f"{name}@example.com" for name in ("ann", "bob", "cid", "eve"))
LEAD = "lead@example.com"
HOUR = timedelta(hours=1)
# Longer than a deadline waits between two polls of its mailbox.
WHILE = 11.0
STATUSES_OF_PROJECT: list[dict[str, Any]] = [
    {"name": "Open", "category": "to do", "next_statuses": ["Released", "Refused"]},
    {"name": "Released", "category": "in progress", "needs_approval": True},
    {"name": "Refused", "category": "done", "next_statuses": ["Open"]},
]
PROJECT = {
    "key": "HELP",
    "name": "Help desk",
    "leads": [LEAD],
    "statuses": STATUSES_OF_PROJECT,
}


async def configure(bench: Bench) -> None:
    """Saves the people, a project whose issues follow decisions, and an approval setup."""
    names = (ANN, BOB, CID, EVE, LEAD)
    await bench.save(
        *(Person(address=one, name=one.partition("@")[0].title()) for one in names),
        Project.model_validate(PROJECT),
        mail_account("answers", purpose="approvals", authserv_ids=["mx.example.com"]),
        ApprovalSetup(
            name="deploy", enabled=True, account="answers", reply_address="answers@example.com"
        ),
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """A request at a handler."""

    bench: Bench
    key: str
    request_id: str

    async def answer(self, address: str, choice: str, comment: str = "") -> None:
        """Answers as the approver, and does what follows from it."""
        bench, now = self.bench, self.bench.clock.now()
        async with transaction(bench.pool) as connection:
            await store.lock(connection, [self.request_id])
            (part,) = [
                one
                for one in (await store.assignments(connection, [self.request_id]))[self.request_id]
                if one.address == address and one.state == "asked"
            ]
            await store.answered(
                connection,
                part.assignment_id,
                choice=choice,
                comment=comment,
                mail_id="",
                now=now,
            )
            event = replace(self._answered(address, choice), comment=comment)
            await self._conclude(connection, replace(event, assignment_id=part.assignment_id))

    async def conclude(self, address: str, choice: str) -> None:
        """Does once more what follows from the answers."""
        async with transaction(self.bench.pool) as connection:
            await self._conclude(connection, self._answered(address, choice))

    def _answered(self, address: str, choice: str) -> NewEvent:
        return NewEvent(
            request_id=self.request_id,
            happened_at=self.bench.clock.now(),
            kind=EventKind.ANSWERED,
            actor=address,
            channel=Channel.COMMAND,
            choice=choice,
        )

    async def _conclude(self, connection: Connection, event: NewEvent) -> None:
        request = (await store.lock(connection, [self.request_id]))[self.request_id]
        snapshot, now = await load_snapshot(connection), self.bench.clock.now()
        await conclude(connection, snapshot, request, [event], self.bench.key, now)

    async def state(self) -> tuple[str, str]:
        """Returns the state and the choice."""
        found = await self.bench.rows(
            f"SELECT state, choice FROM approval_request WHERE request_id = '{self.request_id}'"
        )
        return found[0][0], found[0][1]

    async def parts(self) -> list[tuple[int, str, str]]:
        """Returns place, address and state of each part; of a closed one, why."""
        async with transaction(self.bench.pool) as connection:
            found = await store.assignments(connection, [self.request_id])
        return [
            (one.place, one.address.partition("@")[0], str(one.closed_because or one.state))
            for one in found[self.request_id]
        ]

    async def events(self) -> list[str]:
        """Returns what happened by timers, in its order; of an end, with the choice."""
        async with transaction(self.bench.pool) as connection:
            found = await ledger.events_of(connection, self.request_id)
            assert await ledger.verify(connection) == []
        return [f"{one.kind} {one.choice}".strip() for one in found if one.channel == "timer"]


async def ask(
    bench: Bench, *approvers: str, rule: Rule = Rule.ANY, issue_key: str = "", **changes: Any
) -> Asked:
    """Asks Ann and Bob, or others, until an hour from now."""
    order = ApprovalOrder(
        setup="deploy",
        subject="Deploy 4.2",
        approvers=approvers or (ANN, BOB),
        rule=rule,
        requester_address="rob@example.org",
        **{"deadline": HOUR, **changes},
    )
    made = await request_approval(bench.desk, OPERATOR, order, lambda url: url, issue_key=issue_key)
    return Asked(bench, made.key, made.request_id)


async def read_whole(bench: Bench, *, until: float = 0) -> None:
    """Lets a poll have read the mailbox of the answers whole, `until` seconds from now."""
    now = bench.clock.now()
    async with transaction(bench.pool) as connection:
        await last_contact.reached(connection, "answers", now, now + timedelta(seconds=until))


async def work(bench: Bench) -> None:
    """Works the timers that are due."""
    await TimedWork(bench.process(), bench.pool, bench.key, WORK).work()


async def pass_deadline(bench: Bench) -> None:
    """Moves the clock to the deadline of a new request; its mailbox was read whole by then."""
    bench.clock.move(HOUR.total_seconds())
    await read_whole(bench)
    await work(bench)


async def asked_of(bench: Bench) -> list[str]:
    """Returns the recipients of all messages so far, in their order."""
    found = await bench.rows(
        "SELECT recipient FROM delivery JOIN outgoing_mail USING (outgoing_id)"
        " ORDER BY queued_at, outgoing_mail.sequence, recipient"
    )
    return [recipient.partition("@")[0] for (recipient,) in found]
