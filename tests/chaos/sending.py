"""Sends planned messages over three connections, and kills senders, broker and servers meanwhile.

`relay` has the fallback `spare`; `branch` has none.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from postrail.database import one, transaction
from postrail.embedded.kafka import Kafka
from postrail.notifications.entries import queued_entries
from postrail.outgoing import intake
from postrail.records import OutgoingQueued
from postrail.stream import outbox
from tests.processes.sender_lab import SenderLab
from tests.processes.senders import SenderProcess, configure, delivery_rows, queued_mail
from tests.servers.smtp_sink import KeptMail, SmtpSink

CONNECTIONS = ("relay", "branch", "spare")
RECIPIENTS_MAX = 5
# By the local part, see smtp_sink: how many recipients in a hundred, and what becomes of them.
REFUSED = {"code550": 3, "dead": 2, "data554": 3}
LATER = {"grey": 2, "slow": 1}
WAIT_SECONDS = 100.0
# What a sender logs when it has read its connections.
STARTED = "outgoing connection"
KILLED = -9
ONE_EACH = {
    # One message of each connection, so that a kill leaves at most one of each in doubt.
    "POSTRAIL_SENDER__CONNECTIONS": "1",
    "POSTRAIL_KAFKA__SESSION_TIMEOUT_SECONDS": "6",
}


class SendingPlan:
    """The messages of a run, in waves; the same ones for the same seed."""

    def __init__(self, *, seed: int, mails: int, waves: int) -> None:
        self._random = random.Random(seed)
        self._addresses = 0
        mails_of_wave = [mails // waves + (wave < mails % waves) for wave in range(waves)]
        self.waves = [[self._mail() for _ in range(count)] for count in mails_of_wave]
        self.mails = [mail for wave in self.waves for mail in wave]

    def _mail(self) -> OutgoingQueued:
        count = self._random.randint(1, RECIPIENTS_MAX)
        return queued_mail(
            recipients=[self._address() for _ in range(count)],
            connection=self._random.choice(CONNECTIONS),
        )

    def _address(self) -> str:
        self._addresses += 1
        kinds = {"person": 100, **REFUSED, **LATER}
        (kind,) = self._random.choices(list(kinds), list(kinds.values()))
        return f"{kind}.{self._addresses}@x.org"

    @property
    def states(self) -> Counter[str]:
        """Returns the number of deliveries that are to end in each state."""
        recipients = [one.recipient for mail in self.mails for one in mail.deliveries]
        return Counter("failed" if is_refused(one) else "sent" for one in recipients)


def is_refused(recipient: str) -> bool:
    """Returns whether each server refuses the recipient for good."""
    return recipient.partition(".")[0] in REFUSED


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What was done, and when, by the clock of the servers' kept messages."""

    action: str
    at: float


class SendingChaos:
    """Two senders and three mail servers. Senders that end by themselves are started again."""

    def __init__(self, lab: SenderLab, broker: Kafka, seed: int) -> None:
        self.lab = lab
        self.disturbances: list[Disturbance] = []
        self._broker = broker
        self._random = random.Random(seed)
        self._armed = False
        # Each server has a thread of its own.
        self._killing = threading.Lock()
        self.sinks = {
            name: SmtpSink(slow_seconds=0.5, on_kept=self._at_the_dot) for name in CONNECTIONS
        }
        self._senders: list[SenderProcess] = []
        # By Message-ID, the connection that each message names.
        self._connections: dict[str, str] = {}
        # How many messages the next disturbance waits for.
        self._work = 0

    async def start(self) -> None:
        """Starts servers and senders."""
        for name, sink in self.sinks.items():
            sink.start()
            await configure(
                self.lab.pool,
                sink.port,
                name=name,
                from_address=f"{name}@example.org",
                is_default=name == "relay",
            )
        relay = self.sinks["relay"]
        await configure(
            self.lab.pool, relay.port, from_address="relay@example.org", fallback="spare"
        )
        self._senders = [self.lab.start(**ONE_EACH) for _ in range(2)]

    def close(self) -> None:
        """Stops the servers."""
        for sink in self.sinks.values():
            sink.stop()

    @property
    def kept(self) -> list[KeptMail]:
        """Returns the messages that the servers have taken."""
        return [mail for sink in self.sinks.values() for mail in list(sink.mails)]

    def done(self, action: str) -> int:
        """Returns how often something was done."""
        return sum(one.action == action for one in self.disturbances)

    def _log(self, action: str) -> None:
        self.disturbances.append(Disturbance(action, time.time()))

    async def store(self, mails: Sequence[OutgoingQueued]) -> None:
        """Stores messages as their cause does, with their records in the outbox."""
        mails = self._of_now(mails)
        async with transaction(self.lab.pool) as connection:
            await intake.store(connection, mails)
            await outbox.add(connection, queued_entries(mails), datetime.now(UTC))

    async def queue(self, mails: Sequence[OutgoingQueued]) -> None:
        """Sends records whose messages no table has."""
        await self.lab.queue(*self._of_now(mails))

    def _of_now(self, mails: Sequence[OutgoingQueued]) -> list[OutgoingQueued]:
        """Returns the messages as queued at this time; chooses how much of them to wait for."""
        named = {one.message_id: mail.connection for mail in mails for one in mail.deliveries}
        self._connections |= named
        self._work = int(len(named) * self._random.uniform(0.1, 0.4))
        return [replace(mail, queued_at=datetime.now(UTC)) for mail in mails]

    async def let_work(self) -> None:
        """Waits until the servers have taken a part of the last wave."""
        wanted = len(self.kept) + self._work
        await self.until(lambda: len(self.kept) >= wanted, "work")

    async def let_fallback_work(self) -> None:
        """Waits until the fallback has sent for its connection."""
        await self.until(lambda: len(self.sent_by_fallback()) > 1, "the fallback")

    def sent_by_fallback(self) -> list[KeptMail]:
        """Returns the messages of other connections that the fallback's server has taken."""
        mails = list(self.sinks["spare"].mails)
        return [one for one in mails if self.named_by(one) != "spare"]

    def named_by(self, mail: KeptMail) -> str:
        """Returns the connection that a message was queued for."""
        return self._connections[mail.message_id]

    async def kill_one(self) -> None:
        """Kills a sender in the midst of its work, and starts another."""
        number = self._random.randrange(len(self._senders))
        self._senders[number].kill()
        self._log("killed")
        self._senders[number] = self.lab.start(**ONE_EACH)

    async def kill_at_the_dot(self) -> None:
        """Kills both senders when a server has just taken a message, before it says so."""
        self._armed = True
        await self.until(lambda: not self._armed, "a final dot")
        self._senders = [self.lab.start(**ONE_EACH) for _ in self._senders]

    def _at_the_dot(self, mail: KeptMail) -> None:
        """Is called by the server's thread, when it has the whole message."""
        with self._killing:
            if not self._armed:
                return
            for sender in self._senders:
                sender.kill()
                self._log("killed")
            self._log("killed at the dot")
            self._armed = False

    def stop_server(self, name: str) -> None:
        """Makes a mail server unavailable."""
        self.sinks[name].stop()
        self._log(f"stopped {name}")

    def start_server(self, name: str) -> None:
        """Makes it available again."""
        self.sinks[name].start()
        self._log(f"started {name}")

    async def kill_broker(self) -> None:
        """Kills Kafka while both senders run: a sender waits for it when it starts."""
        await self.until(lambda: all(STARTED in one.log for one in self._senders), "both senders")
        await asyncio.to_thread(self._broker.kill)
        self._log("killed the broker")

    async def start_broker(self) -> None:
        """Starts Kafka again."""
        await asyncio.to_thread(self._broker.start)
        self._log("started the broker")

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Waits until the condition holds, and starts the senders that have ended again."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"not in time: {what}; {await self.lab.states()}"
            self._tend()
            await asyncio.sleep(0.02)

    async def settle(self, wanted: Counter[str], seconds: float) -> bool:
        """Waits until all deliveries have their state and all records are published."""
        deadline = time.monotonic() + seconds
        while await self.lab.states() != wanted or await self.unpublished():
            if time.monotonic() > deadline:
                return False
            self._tend()
            await asyncio.sleep(0.2)
        return True

    async def unpublished(self) -> int:
        """Returns the number of records that wait in the outbox."""
        async with transaction(self.lab.pool) as connection:
            found = await one(connection, "SELECT count(*) FROM outbox")
        return int(found[0]) if found else 0

    async def maybe_twice(self) -> set[tuple[str, str]]:
        """Returns the deliveries that are marked as maybe sent twice: id and recipient."""
        found = await delivery_rows(self.lab.pool)
        return {(row["outgoing_id"], row["recipient"]) for row in found if row["maybe_twice"]}

    def _tend(self) -> None:
        with self._killing:
            for number, sender in enumerate(self._senders):
                if not sender.runs and sender.exit_code != KILLED:
                    self._log(f"ended by itself ({sender.exit_code})")
                    self._senders[number] = self.lab.start(**ONE_EACH)
