"""A sender that is killed at any point of a post leaves it to the next one, under the same id."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime

import pytest

from postrail.database import Pool, one_connection, rows, transaction
from postrail.outgoing import suppressions
from postrail.webhooks import queue
from postrail.webhooks.queue import NewPost, Purpose
from tests.integration.sender.connections.test_rerouting import stored
from tests.integration.sender.connections.test_unreached import BOUNCE
from tests.processes.sender_lab import SenderLab
from tests.processes.senders import SenderProcess, configure, until
from tests.servers.certificates import Certificates
from tests.servers.webhooks.receiver import SECRET, Receiver, answer, when_open


class Killed:
    """A lab whose senders post alerts to the receiver."""

    def __init__(self, lab: SenderLab, receiver: Receiver, certificates: Certificates) -> None:
        self.lab = lab
        self._environment = {
            "POSTRAIL_SENDER__ALERT_WEBHOOK": receiver.url(),
            "POSTRAIL_SENDER__ALERT_WEBHOOK_CA_FILE": str(certificates.ca_file),
        }

    def start(self) -> SenderProcess:
        return self.lab.start(**self._environment)

    async def add(self) -> str:
        post = NewPost(purpose=Purpose.ALERT, content={"text": "Nobody gets it."})
        async with transaction(self.lab.pool) as connection:
            return await queue.add(connection, post, datetime.now(UTC))

    async def state(self) -> str:
        async with transaction(self.lab.pool) as connection:
            ((state,),) = await rows(connection, "SELECT state FROM webhook_post")
        return str(state)

    async def is_claimed(self) -> bool:
        return await self.state() == "posting"

    async def is_posted(self) -> bool:
        return await self.state() == "posted"

    async def expire_claims(self) -> None:
        """Lets the time of a claim pass."""
        async with transaction(self.lab.pool) as connection:
            await connection.execute(
                "UPDATE webhook_post SET claim_expires_at = now() - interval '1 s'"
                " WHERE state = 'posting'"
            )


@pytest.fixture
def killed(lab: SenderLab, receiver: Receiver, certificates: Certificates) -> Killed:
    return Killed(lab, receiver, certificates)


async def test_before_the_receiver_has_the_post(lab: SenderLab, certificates: Certificates) -> None:
    server = Receiver(certificates)
    case = Killed(lab, server, certificates)
    post_id = await case.add()
    first = case.start()
    # It listens, and answers nobody: the handshake has no end.
    await until(case.is_claimed)
    first.kill()
    assert server.received == []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        await case.expire_claims()
        case.start()
        await until(case.is_posted)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert [got.post_id for got in server.received] == [post_id]


async def test_while_the_receiver_works_on_it(killed: Killed, receiver: Receiver) -> None:
    post_id = await killed.add()
    receiver.behaviours = [when_open(), answer(204)]
    receiver.gate.clear()
    first = killed.start()
    await until(lambda: true(receiver.received))
    first.kill()
    assert await killed.is_claimed()
    await killed.expire_claims()
    killed.start()
    await until(killed.is_posted)
    assert [got.post_id for got in receiver.received] == [post_id, post_id]
    assert len({got.body for got in receiver.received}) == 1


async def test_after_the_answer_and_before_it_is_recorded(
    killed: Killed, receiver: Receiver
) -> None:
    post_id = await killed.add()
    receiver.behaviours = [when_open(), answer(204)]
    receiver.gate.clear()
    first = killed.start()
    await until(lambda: true(receiver.received))
    async with one_connection(killed.lab.settings.database) as connection:
        # Nobody can record the answer.
        await connection.execute("SELECT FROM webhook_post FOR UPDATE")
        receiver.gate.set()
        await until(lambda: waits_for_a_lock(killed.lab.pool))
        first.kill()
    await killed.expire_claims()
    killed.start()
    await until(killed.is_posted)
    assert [got.post_id for got in receiver.received] == [post_id, post_id]


async def test_after_it_is_recorded(killed: Killed, receiver: Receiver) -> None:
    await killed.add()
    first = killed.start()
    await until(killed.is_posted)
    first.kill()
    await killed.expire_claims()
    second = killed.start()
    post_id = await killed.add()
    await until(lambda: true(len(receiver.received) > 1))
    assert receiver.received[1].post_id == post_id
    assert SECRET not in f"{first.log}{second.log}"


async def test_an_alert_of_an_issue_is_posted(killed: Killed, receiver: Receiver) -> None:
    await configure(killed.lab.pool, 25)
    await stored(killed.lab.pool, "relay", "SALE")
    async with transaction(killed.lab.pool) as connection:
        await suppressions.suppress(
            connection, "ann@example.org", "no such user", BOUNCE, datetime.now(UTC)
        )
    sender = killed.start()
    await until(lambda: true(receiver.received))
    told = json.loads(receiver.received[0].body)
    assert (told["fault"], told["issue"]) == ("unreachable", "SALE-1")
    assert told["id"] == receiver.received[0].post_id
    assert SECRET not in sender.log


async def true(value: object) -> bool:
    return bool(value)


async def waits_for_a_lock(pool: Pool) -> bool:
    async with transaction(pool) as connection:
        found = await rows(
            connection,
            "SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock' AND query LIKE 'UPDATE webhook_post%'",
        )
    return bool(found)
