"""Senders, broker and mail servers are killed, and each reachable recipient gets each message once.

POSTRAIL_CHAOS_SEED chooses another plan, POSTRAIL_CHAOS_MAILS its size (2000: the whole test); the
figures are printed. A message is repeated only if a sender was killed between the final dot and the
record of the reply.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from postrail.database import rows, transaction
from postrail.embedded.kafka import Kafka
from tests.chaos.sending import CONNECTIONS, SendingChaos, SendingPlan, is_refused
from tests.makers.settings import environment_of
from tests.processes.sender_lab import make_lab

MAILS = int(os.environ.get("POSTRAIL_CHAOS_MAILS", "300"))
SEED = int(os.environ.get("POSTRAIL_CHAOS_SEED", "1"))
SETTLE_SECONDS = 60.0 + MAILS / 5
WAVES = 7

pytestmark = pytest.mark.timeout(int(240 + SETTLE_SECONDS))


@pytest.fixture
async def chaos(
    own_broker: Kafka, database_url: str, tmp_path: Path
) -> AsyncIterator[SendingChaos]:
    environment = environment_of(
        tmp_path, bootstrap_servers=own_broker.bootstrap_servers, database_url=database_url
    )
    lab = await make_lab(environment, tmp_path)
    made = SendingChaos(lab, own_broker, SEED)
    yield made
    await lab.close()
    await lab.pool.close()
    made.close()


async def test_each_reachable_recipient_gets_each_message_once(
    chaos: SendingChaos, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    plan = SendingPlan(seed=SEED, mails=MAILS, waves=WAVES)
    await chaos.start()
    await disturb(chaos, plan)
    settled = await chaos.settle(plan.states, SETTLE_SECONDS)
    with capsys.disabled():
        print_figures(chaos, plan, time.monotonic() - began)

    assert settled, f"{await chaos.lab.states()}, wanted {plan.states}; {await unsettled(chaos)}"
    assert [*await faults(chaos, plan)] == []
    # As many as were in flight at each kill: one of each connection of each sender.
    at_dot = chaos.done("killed at the dot")
    assert at_dot == 3
    assert at_dot <= copies(chaos) <= chaos.done("killed") * len(CONNECTIONS)
    assert chaos.sent_by_fallback()


async def disturb(chaos: SendingChaos, plan: SendingPlan) -> None:
    """Sends the waves of the plan, with a disturbance in the midst of each."""
    first, second, third, fourth, fifth, sixth, last = plan.waves
    await chaos.store(first)
    await chaos.let_work()
    await chaos.kill_one()

    chaos.stop_server("relay")
    await chaos.queue(second)
    await chaos.let_fallback_work()
    await chaos.kill_one()

    await chaos.store(third)
    await chaos.let_work()
    await chaos.kill_at_the_dot()

    chaos.start_server("relay")
    chaos.stop_server("branch")
    await chaos.queue(fourth)
    await chaos.let_work()

    await chaos.kill_broker()
    await chaos.store(fifth)
    await chaos.kill_at_the_dot()
    await chaos.start_broker()

    chaos.start_server("branch")
    await chaos.queue(sixth)
    await chaos.let_work()
    await chaos.kill_one()

    await chaos.store(last)
    await chaos.let_work()
    await chaos.kill_at_the_dot()


async def faults(chaos: SendingChaos, plan: SendingPlan) -> list[str]:
    """Returns what is not as promised; empty when all is well."""
    return [
        *_missing(chaos, plan),
        *await _unnoted_copies(chaos, plan),
        *await _wrong_ways(chaos),
    ]


def _missing(chaos: SendingChaos, plan: SendingPlan) -> Iterator[str]:
    """Finds recipients without their message, and messages at the wrong place."""
    kept = {mail.message_id: mail for mail in chaos.kept}
    wanted = {one.message_id: one.recipient for mail in plan.mails for one in mail.deliveries}
    for message_id, recipient in wanted.items():
        mail = kept.pop(message_id, None)
        if (mail is None) != is_refused(recipient):
            yield f"{recipient}: {'nothing' if mail is None else 'a message'} came"
        elif mail is not None and mail.recipients != (recipient,):
            yield f"the message to {recipient} came to {mail.recipients}"
    for message_id in kept:
        yield f"{message_id} was not planned"
    for name, sink in chaos.sinks.items():
        for mail in sink.mails:
            if f"{name}@example.org" not in mail.message["From"]:
                yield f"{name} sent a message from {mail.message['From']}"


async def _unnoted_copies(chaos: SendingChaos, plan: SendingPlan) -> list[str]:
    """Finds copies that are not marked, and those before which no sender was killed."""
    noted = await chaos.maybe_twice()
    ids = {
        one.message_id: (mail.outgoing_id, one.recipient)
        for mail in plan.mails
        for one in mail.deliveries
    }
    kills = [one.at for one in chaos.disturbances if one.action == "killed"]
    found = []
    for message_id, times in times_of(chaos).items():
        if len(times) > 1 and ids[message_id] not in noted:
            found.append(f"{message_id} came {len(times)} times, and is not marked")
        for before, after in pairwise(times):
            if not any(before <= at <= after for at in kills):
                found.append(f"{message_id} came twice without a kill in between")
    return found


def times_of(chaos: SendingChaos) -> dict[str, list[float]]:
    """Returns when each message came, in order."""
    found = defaultdict(list)
    for mail in chaos.kept:
        found[mail.message_id].append(mail.received_at)
    return {message_id: sorted(times) for message_id, times in found.items()}


def copies(chaos: SendingChaos) -> int:
    """Returns the number of messages beyond the first of each Message-ID."""
    return len(chaos.kept) - len(times_of(chaos))


async def _wrong_ways(chaos: SendingChaos) -> list[str]:
    """Finds messages that went over another connection than their own, or without a note of it."""
    async with transaction(chaos.lab.pool) as connection:
        found = await rows(connection, "SELECT message_id, connection, sent_over FROM delivery")
    noted = {message_id: (name, over) for message_id, name, over in found}
    # It stood in for the connection, or got what was under way when that one was lost.
    ways = {("relay", "spare"), ("spare", "")}
    times = times_of(chaos)
    return [
        f"a message of {chaos.named_by(mail)} went over spare, noted is {noted[mail.message_id]}"
        for mail in chaos.sent_by_fallback()
        # Of several copies, the note says how the last one went.
        if chaos.named_by(mail) != "relay"
        or (noted[mail.message_id] not in ways and len(times[mail.message_id]) == 1)
    ]


async def unsettled(chaos: SendingChaos) -> list[tuple[object, ...]]:
    """Returns some deliveries that have not ended, and the number of unpublished records."""
    async with transaction(chaos.lab.pool) as connection:
        found = await rows(
            connection,
            "SELECT recipient, connection, state, reply, due_at::text, attempts FROM delivery"
            " WHERE state NOT IN ('sent', 'failed') ORDER BY sequence LIMIT 10",
        )
    return [*found, ("in the outbox", await chaos.unpublished())]


def print_figures(chaos: SendingChaos, plan: SendingPlan, seconds: float) -> None:
    """Prints what was done and what came of it."""
    began = chaos.disturbances[0].at
    print("", *(f"{one.at - began:6.1f} s  {one.action}" for one in chaos.disturbances), sep="\n")
    kept = {name: len(sink.mails) for name, sink in chaos.sinks.items()}
    print(
        f"seed {SEED}: {len(plan.mails)} messages to {plan.states.total()} recipients,"
        f" {seconds:.0f} s; planned {dict(plan.states)}; came {kept}, of these {copies(chaos)}"
        f" copies, after {chaos.done('killed')} kills;"
        f" {len(chaos.sent_by_fallback())} by the fallback"
    )
