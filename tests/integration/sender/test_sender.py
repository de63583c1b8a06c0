"""Tests the sender as a process on Kafka and PostgreSQL, with SMTP servers that fail on demand."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

from kafka import KafkaConsumer

from postrail.blobs import BlobStore
from postrail.database import migrate, one, open_pool, transaction
from postrail.embedded.postgres import Postgres
from postrail.records import OutgoingDelivered
from postrail.settings import Settings
from postrail.stream import avro
from postrail.stream.topics import OUTGOING_DELIVERED, topic_name
from tests.processes.sender_lab import SenderLab, make_lab
from tests.processes.senders import (
    configure,
    delivery_rows,
    message_ids,
    old_mail,
    queued_mail,
    until,
)
from tests.servers.paused_smtp import PausedSmtp
from tests.servers.smtp_sink import SmtpSink


def delivered_records(settings: Settings, count: int) -> list[OutgoingDelivered]:
    consumer = KafkaConsumer(
        topic_name(OUTGOING_DELIVERED, settings.kafka),
        bootstrap_servers=settings.kafka.bootstrap_servers,
        auto_offset_reset="earliest",
        consumer_timeout_ms=10_000,
    )
    found: list[OutgoingDelivered] = []
    try:
        for message in consumer:
            record = avro.decode(message.value)
            assert isinstance(record, OutgoingDelivered)
            found.append(record)
            if len(found) == count:
                break
    finally:
        consumer.close()
    return found


async def test_queued_messages_are_sent_and_their_results_announced(
    lab: SenderLab, smtp_sink: SmtpSink
) -> None:
    await configure(lab.pool, smtp_sink.port)
    old = old_mail()
    assert old.message is not None
    blob = await BlobStore(lab.settings.blobs.url).put(old.message)
    mails = [
        queued_mail(recipients=["ann@x.org", "code550@x.org"]),
        # As builds before migration 0016 queue them.
        old_mail(),
        replace(old, message=None, message_blob=blob),
        *(queued_mail(issue_id=1, issue_key="DEMO-1", conversation="c") for _ in range(10)),
    ]
    sender = lab.start()

    await lab.queue(*mails, mails[0])
    await lab.until_states(sent=13, failed=1)

    ids = [mail.message_id for mail in smtp_sink.mails]
    assert len(ids) == len(set(ids)) == 13, sender.log
    assert old.message in {mail.content for mail in smtp_sink.mails}
    ordered = message_ids(*mails[3:])
    assert [one_id for one_id in ids if one_id in ordered] == ordered
    (refused,) = [row for row in await delivery_rows(lab.pool) if row["state"] == "failed"]
    assert (refused["recipient"], refused["reply"]) == ("code550@x.org", "550 refused as wished")

    records = await asyncio.to_thread(delivered_records, lab.settings, 14)
    assert {record.outgoing_id for record in records} == {mail.outgoing_id for mail in mails}
    both = [record for record in records if record.outgoing_id == mails[0].outgoing_id]
    assert {
        (record.message_id, result.recipient, result.state)
        for record in both
        for result in record.results
    } == {
        (message_ids(mails[0])[0], "ann@x.org", "sent"),
        (message_ids(mails[0])[1], "code550@x.org", "failed"),
    }

    async def outbox_is_empty() -> bool:
        async with transaction(lab.pool) as connection:
            found = await one(connection, "SELECT count(*) FROM outbox")
        return found is not None and found[0] == 0

    await until(outbox_is_empty)
    assert await sender.stop() == 0, sender.log


async def test_an_unavailable_server_is_tried_again(lab: SenderLab, smtp_sink: SmtpSink) -> None:
    await configure(lab.pool, smtp_sink.port)
    smtp_sink.stop()
    lab.start()
    await lab.queue(*(queued_mail() for _ in range(20)))

    async def one_is_deferred() -> bool:
        return (await lab.states())["deferred"] > 0

    await until(one_is_deferred)
    assert any("host, port" in row["reply"] for row in await delivery_rows(lab.pool))
    smtp_sink.start()
    await lab.until_states(sent=20)

    assert len(smtp_sink.mails) == 20
    assert not any(row["maybe_twice"] for row in await delivery_rows(lab.pool))


async def test_temporary_refusals_are_tried_again(lab: SenderLab, smtp_sink: SmtpSink) -> None:
    await configure(lab.pool, smtp_sink.port)
    lab.start()

    await lab.queue(queued_mail(recipients=["grey@x.org", "ann@x.org"]))
    await lab.until_states(sent=2)

    assert [mail.recipients for mail in smtp_sink.mails] == [("ann@x.org",), ("grey@x.org",)]


async def test_a_message_for_an_unknown_connection_says_so_and_waits(
    lab: SenderLab, smtp_sink: SmtpSink
) -> None:
    lab.start()
    await lab.queue(queued_mail())
    await lab.until_states(deferred=1)

    (row,) = await delivery_rows(lab.pool)
    assert "no outgoing connection named 'relay'" in row["reply"]
    await configure(lab.pool, smtp_sink.port)
    await lab.until_states(sent=1)


async def test_an_unavailable_database_is_waited_for(
    broker: str,
    own_postgres: Postgres,
    environment: dict[str, str],
    smtp_sink: SmtpSink,
    tmp_path: Path,
) -> None:
    await migrate(own_postgres.url)
    lab = await make_lab({**environment, "POSTRAIL_DATABASE__URL": own_postgres.url}, tmp_path)
    try:
        await configure(lab.pool, smtp_sink.port)
        sender = lab.start()
        await lab.queue(queued_mail())
        await lab.until_states(sent=1)

        await lab.pool.close()
        await asyncio.to_thread(own_postgres.kill)
        await lab.queue(*(queued_mail() for _ in range(5)))
        await asyncio.sleep(1.0)
        await asyncio.to_thread(own_postgres.start)
        lab.pool = await open_pool(lab.settings.database)
        await lab.until_states(sent=6)

        assert len(smtp_sink.mails) == 6
        assert await sender.stop() == 0, sender.log
    finally:
        await lab.close()
        await lab.pool.close()


async def test_kills_lose_nothing_and_repeat_at_most_one_message_each(
    lab: SenderLab, smtp_sink: SmtpSink
) -> None:
    kills, count = 4, 300
    seed = int(os.environ.get("POSTRAIL_TEST_SEED", random.randrange(10**6)))
    chance = random.Random(seed)
    await configure(lab.pool, smtp_sink.port)
    mails = [queued_mail(issue_key=f"DEMO-{number}") for number in range(count)]
    sender = lab.start(POSTRAIL_SENDER__CONNECTIONS="1")
    await lab.queue(*mails)

    for kill in range(kills):
        goal = len(smtp_sink.mails) + count // (2 * kills)
        await asyncio.to_thread(smtp_sink.wait_for, goal, 40)
        await asyncio.sleep(chance.random() * 0.01)
        sender.kill()
        sender = lab.start(POSTRAIL_SENDER__CONNECTIONS="1")
        assert kill < kills
    await lab.until_states(sent=count)

    sent = Counter(mail.message_id for mail in smtp_sink.mails)
    assert set(sent) == set(message_ids(*mails))
    repeated = {message_id for message_id, times in sent.items() if times > 1}
    assert len(smtp_sink.mails) - count <= kills, f"seed {seed}: {repeated}"
    marked = {row["outgoing_id"] for row in await delivery_rows(lab.pool) if row["maybe_twice"]}
    ids = {message_ids(mail)[0]: mail.outgoing_id for mail in mails}
    assert {ids[message_id] for message_id in repeated} <= marked
    assert len(marked) <= kills


async def test_a_paused_sender_does_not_complete_what_another_has_taken_over(
    lab: SenderLab,
) -> None:
    held, go_on = asyncio.Event(), asyncio.Event()

    async def hold_the_first(number: int) -> None:
        if number == 0:
            held.set()
            await go_on.wait()

    async with PausedSmtp(hold_the_first) as server:
        await configure(lab.pool, server.port)
        zombie = lab.start()
        await lab.queue(queued_mail())
        await asyncio.wait_for(held.wait(), 30)
        zombie.pause()
        # The reply to DATA waits in the socket of the paused process.
        go_on.set()
        lab.start()
        await lab.until_states(sent=1)
        zombie.wake()

        await asyncio.wait_for(server.visits[0].gone.wait(), 20)
        await lab.queue(queued_mail())
        await lab.until_states(sent=2)

    assert server.visits[0].complete == 0
    assert sum(visit.complete for visit in server.visits) == 2
    first, second = await delivery_rows(lab.pool)
    # The paused process had not begun to complete it, and could not do so any more.
    assert not first["maybe_twice"]
    assert not second["maybe_twice"]
    assert zombie.runs, zombie.log


async def test_a_kill_after_the_final_dot_sends_once_more_with_the_same_message_id(
    lab: SenderLab,
) -> None:
    dotted, released = asyncio.Event(), asyncio.Event()

    async def hold_the_first(number: int) -> None:
        if number == 0:
            dotted.set()
            await released.wait()

    async with PausedSmtp(at_dot=hold_the_first) as server:
        await configure(lab.pool, server.port)
        sender = lab.start()
        mail = queued_mail()
        await lab.queue(mail)
        await asyncio.wait_for(dotted.wait(), 30)
        sender.kill()
        released.set()
        lab.start()
        await lab.until_states(sent=1)

    assert [visit.complete for visit in server.visits] == [1, 1]
    assert all(message_ids(mail)[0].encode() in visit.data for visit in server.visits)
    (row,) = await delivery_rows(lab.pool)
    assert (row["maybe_twice"], row["attempts"]) == (True, 2)


async def release(server: PausedSmtp, released: asyncio.Event) -> None:
    """Lets the server go on with the connections of processes that were killed."""
    released.set()
    for visit in server.visits:
        await asyncio.wait_for(visit.gone.wait(), 10)


async def test_kills_after_the_final_dot_make_three_copies_at_most(lab: SenderLab) -> None:
    dotted: asyncio.Queue[int] = asyncio.Queue()
    released = asyncio.Event()

    async def hold(number: int) -> None:
        dotted.put_nowait(number)
        await released.wait()

    async with PausedSmtp(at_dot=hold) as server:
        await configure(lab.pool, server.port)
        mail = queued_mail()
        await lab.queue(mail)
        for _ in range(3):
            sender = lab.start()
            await asyncio.wait_for(dotted.get(), 40)
            sender.kill()
        lab.start()
        await lab.until_states(unconfirmed=1)
        await release(server, released)

    assert [visit.complete for visit in server.visits] == [1, 1, 1]
    assert all(message_ids(mail)[0].encode() in visit.data for visit in server.visits)
    (row,) = await delivery_rows(lab.pool)
    assert (row["maybe_twice"], row["attempts"]) == (True, 3)
    records = await asyncio.to_thread(delivered_records, lab.settings, 3)
    states = [result.state for record in records for result in record.results]
    assert states == ["deferred", "deferred", "unconfirmed"]


async def test_kills_before_the_final_dot_do_not_count(lab: SenderLab, smtp_sink: SmtpSink) -> None:
    asked: asyncio.Queue[int] = asyncio.Queue()
    released = asyncio.Event()

    async def hold(number: int) -> None:
        asked.put_nowait(number)
        await released.wait()

    async with PausedSmtp(at_data=hold) as server:
        await configure(lab.pool, server.port)
        await lab.queue(queued_mail())
        for _ in range(4):
            sender = lab.start()
            await asyncio.wait_for(asked.get(), 40)
            sender.kill()
        await release(server, released)
        await configure(lab.pool, smtp_sink.port)
        lab.start()
        await lab.until_states(sent=1)

    assert sum(visit.complete for visit in server.visits) == 0
    (row,) = await delivery_rows(lab.pool)
    assert (row["maybe_twice"], row["attempts"]) == (False, 5)
