"""Tests the sender's rounds on PostgreSQL, with couriers and a clock that the test controls."""

from __future__ import annotations

import asyncio
from collections import Counter
from email import message_from_bytes
from email.utils import parseaddr, parsedate_to_datetime
from typing import Any, cast

import pytest

from postrail.blobs import BlobStore
from postrail.courier import (
    Answer,
    CourierUnavailable,
    Envelope,
    TimeLimit,
    TooLate,
)
from postrail.database import Pool, open_pool, rows, transaction
from postrail.errors import FatalError, InstallationFault, PermanentError
from postrail.operate.deliveries import (
    RETRY,
    SETTLE,
    Filters,
    all_that_match,
    carry_out,
    of_message,
)
from postrail.outgoing import queue as outgoing
from postrail.outgoing.queue import Claimed
from postrail.records import BlobReference, OutgoingDelivered, OutgoingDelivery
from postrail.stream import avro
from postrail.stream.received import OffsetGap
from postrail.tasks import side_by_side
from postrail.views.outgoing import deliveries_of
from services.sender.channels import RELOAD_SECONDS
from services.sender.claims import DOT_SHARE, claim_untriable
from tests.integration.sender.bench import Bench, accepting, deferring, raising
from tests.processes.senders import (
    configure,
    delivery_rows,
    message_ids,
    old_mail,
    queued_mail,
    until,
)


async def test_the_time_of_an_attempt_begins_before_its_claim(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = outgoing.claim_due

    async def slow_claim(*arguments: Any, **options: Any) -> list[Claimed]:
        # PostgreSQL has read its clock some time after it was asked.
        bench.clock.move(2)
        return await claim(*arguments, **options)

    monkeypatch.setattr(outgoing, "claim_due", slow_claim)
    await configure(bench.pool, 25)
    await bench.take_in(queued_mail())
    asked = bench.clock.steady()
    await bench.rounds(1)

    ((_, limit),) = bench.courier.envelopes
    assert limit.dot_before == asked + bench.process.settings.sender.claim_seconds * DOT_SHARE


async def test_a_message_is_sent_recorded_and_announced(bench: Bench) -> None:
    await configure(bench.pool, 25)
    mail = queued_mail(recipients=["ann@x.org", "bob@x.org"])
    await bench.take_in(mail)

    await bench.rounds(2)

    (envelope, limit), (other, _) = bench.courier.envelopes
    for sent, to, message_id in zip(
        (envelope, other), ("ann@x.org", "bob@x.org"), message_ids(mail), strict=True
    ):
        assert sent.recipients == (to,)
        assert f"Message-ID: {message_id}\r\n".encode() in sent.content
        assert f"To: {to}\r\n".encode() in sent.content
    claim_seconds = bench.process.settings.sender.claim_seconds
    assert limit.dot_before - bench.clock.steady() == claim_seconds * DOT_SHARE
    assert limit.end_before > limit.dot_before
    assert await bench.states() == ["sent", "sent"]
    assert [entry[:2] for entry in bench.progress.counted] == [("support", "sent")] * 2

    stop = asyncio.Event()
    announcing = asyncio.create_task(bench.announcer.run(stop))
    await until(bench.has_announced)
    stop.set()
    await announcing
    # A record for each attempt, with the Message-ID that its recipient got.
    records = [avro.decode_as(OutgoingDelivered, entry.value) for entry in bench.producer.sent]
    assert {entry.key for entry in bench.producer.sent} == {mail.conversation}
    assert [record.message_id for record in records] == message_ids(mail)
    assert [
        (result.recipient, result.attempts) for record in records for result in record.results
    ] == [("ann@x.org", 1), ("bob@x.org", 1)]
    async with transaction(bench.pool) as connection:
        assert await rows(connection, "SELECT * FROM outbox") == []


async def test_a_batch_that_does_not_follow_changes_nothing(bench: Bench) -> None:
    await bench.take_in(queued_mail())
    again = bench.received(queued_mail(), 7)
    fresh = bench.another()

    with pytest.raises(OffsetGap):
        await fresh.sender.take_in([again])
    assert len(await bench.states()) == 1


async def test_each_channel_has_as_many_connections_as_configured(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await configure(bench.pool, 26, name="other", is_default=False)
    await bench.take_in(
        *(queued_mail() for _ in range(10)), *(queued_mail(connection="other") for _ in range(3))
    )
    connections = bench.process.settings.sender.connections

    async with asyncio.TaskGroup() as tasks:
        await bench.channels.refresh()
        for courier in bench.couriers:
            courier.gate.clear()
        await bench.sender.round(tasks)
        await bench.sender.round(tasks)
        assert sorted(await bench.states()).count("sending") == connections + 3
        for courier in bench.couriers:
            courier.gate.set()
    await bench.rounds(4)

    assert await bench.states() == ["sent"] * 13


async def test_a_connection_added_after_the_last_reading_is_not_absent(bench: Bench) -> None:
    await bench.channels.refresh()
    await configure(bench.pool, 25)
    await bench.take_in(queued_mail(), queued_mail(connection="gone"))
    settings, now = bench.process.settings.sender, bench.clock.now()
    async with transaction(bench.pool) as connection:
        found = await claim_untriable(connection, bench.channels, settings, now)
    assert [claimed.connection for claimed, _, _ in found] == ["gone"]
    assert sorted(await bench.states()) == ["queued", "sending"]


async def test_a_configuration_that_is_not_valid_pauses_the_sending(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await bench.rounds()
    await bench.take_in(queued_mail(connection="gone"))
    await set_encryption(bench.pool, "odd")
    settings, now = bench.process.settings.sender, bench.clock.now()
    with pytest.raises(InstallationFault, match="'relay' in the database: encryption"):
        async with transaction(bench.pool) as connection:
            await claim_untriable(connection, bench.channels, settings, now)
    bench.clock.move(RELOAD_SECONDS)
    running = asyncio.create_task(bench.sender.run())
    await until(bench.has_paused)
    assert "'relay' in the database: encryption" in bench.process.health.problems["work"]
    await set_encryption(bench.pool, "none")
    await bench.take_in(queued_mail())
    await until(bench.has_sent)
    bench.process.stop.set()
    await running


async def set_encryption(pool: Pool, encryption: str) -> None:
    async with transaction(pool) as connection:
        await connection.execute("UPDATE outgoing_connection SET encryption = %s", [encryption])


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_connection_that_comes_back_releases_its_messages_at_once(
    bench: Bench, restarted: bool
) -> None:
    await bench.take_in(queued_mail())
    await bench.rounds(2)
    assert await bench.states() == ["deferred"]
    await configure(bench.pool, 25)
    if restarted:
        bench = Bench(bench.process.settings, bench.pool)
    bench.clock.move(RELOAD_SECONDS)
    await bench.rounds(2)
    assert await bench.states() == ["sent"]


async def test_a_connection_that_comes_back_before_its_stray_is_recorded_releases_it_too(
    bench: Bench,
) -> None:
    await bench.take_in(queued_mail())
    await bench.rounds(1)
    assert await bench.states() == ["sending"]
    await configure(bench.pool, 25)
    bench.clock.move(RELOAD_SECONDS)
    await bench.rounds(1)
    assert await bench.states() == ["deferred"]
    bench.clock.move(RELOAD_SECONDS)
    await bench.rounds(2)
    assert await bench.states() == ["sent"]


async def test_a_result_that_comes_during_a_round_is_recorded_by_the_next(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await bench.take_in(queued_mail())

    async with asyncio.TaskGroup() as tasks:
        await bench.channels.refresh()
        bench.courier.gate.clear()
        await bench.sender.round(tasks)
        await asyncio.sleep(0)
        await bench.sender.round(tasks)
        bench.courier.gate.set()
    await bench.rounds()

    assert await bench.states() == ["sent"]


async def test_an_unavailable_server_is_probed_by_one_message(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await bench.take_in(*(queued_mail() for _ in range(8)))
    await bench.channels.refresh()
    bench.courier.behaviour = raising(CourierUnavailable("connection refused"))

    await bench.rounds(3)
    tried = len(bench.courier.envelopes)
    assert tried == bench.process.settings.sender.connections
    # A process that is not ready would hold up a rolling update, which cannot help the server.
    assert bench.process.health.ready
    bench.clock.move(3)
    await bench.rounds(3)
    assert len(bench.courier.envelopes) == tried + 1

    bench.courier.behaviour = accepting
    for _ in range(8):
        bench.clock.move(10)
        await bench.rounds()
    assert await bench.states() == ["sent"] * 8


@pytest.mark.logs_errors("sending failed")
async def test_a_fault_of_one_message_leaves_the_others_alone(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await BlobStore(bench.process.settings.blobs.url).put(b"of another message")
    missing = BlobReference(sha256="ab" * 32, size=1)
    await bench.take_in(
        old_mail(message=None, message_blob=missing),
        old_mail(message=None),
        queued_mail(recipients=["bug@x.org"]),
        queued_mail(recipients=["late@x.org"]),
        queued_mail(),
    )
    await bench.channels.refresh()

    def some(envelope: Envelope, limit: TimeLimit) -> list[Answer]:
        if envelope.recipients == ("bug@x.org",):
            raise ZeroDivisionError("of ours")
        if envelope.recipients == ("late@x.org",):
            raise TooLate("too late")
        return accepting(envelope, limit)

    bench.courier.behaviour = some
    await bench.rounds(3)

    found = await delivery_rows(bench.pool)
    by_recipient = [(row["state"], row["maybe_twice"]) for row in found]
    assert by_recipient[:3] == [("failed", False), ("failed", False), ("deferred", True)]
    assert "ZeroDivisionError" in found[2]["reply"]
    assert by_recipient[3:] == [("deferred", False), ("sent", False)]


@pytest.mark.logs_errors("sending failed")
async def test_a_fault_before_the_dot_leaves_no_doubt(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await bench.take_in(queued_mail())
    await bench.channels.refresh()
    bench.courier.completes = False
    bench.courier.behaviour = raising(ZeroDivisionError("of ours"))
    await bench.rounds(2)

    (row,) = await delivery_rows(bench.pool)
    assert (row["state"], row["maybe_twice"]) == ("deferred", False)


def silent(envelope: Envelope, limit: TimeLimit) -> list[Answer]:
    return [Answer(recipient=one, state="unknown", reply="silence") for one in envelope.recipients]


async def test_a_message_without_a_reply_is_repeated_twice_and_waits_for_a_person(
    bench: Bench,
) -> None:
    await configure(bench.pool, 25)
    mail = queued_mail(recipients=["ann@x.org", "bob@x.org"])
    await bench.take_in(mail)
    await bench.channels.refresh()
    bench.courier.behaviour = silent
    copies = []
    for _ in range(5 * 24 * 2):
        await bench.rounds(2)
        copies.append(len(bench.courier.envelopes))
        bench.clock.move(1800)

    # One copy in the first hour, the others after one hour and after two more.
    assert copies[:8] == [2, 2, 4, 4, 4, 4, 6, 6]
    assert copies[-1] == 6
    # The copies to a recipient are the same bytes.
    contents = Counter(envelope.content for envelope, _ in bench.courier.envelopes)
    assert sorted(contents.values()) == [3, 3]
    assert await bench.states() == ["unconfirmed"] * 2
    assert await bench.announced() == [["deferred"]] * 4 + [["unconfirmed"]] * 2

    async with transaction(bench.pool) as connection:
        chosen = await of_message(connection, RETRY, mail.outgoing_id[:8], "ann@x.org")
        retried = await carry_out(connection, RETRY, chosen, "Sam", bench.clock.now())
        assert [row.recipient for row in retried] == ["ann@x.org"]
        failed = SETTLE["failed"]
        chosen = await all_that_match(connection, failed, Filters())
        settled = await carry_out(connection, failed, chosen, "Sam", bench.clock.now())
    assert [row.recipient for row in settled] == ["bob@x.org"]
    await bench.rounds(2)
    assert await bench.states() == ["unconfirmed", "failed"]
    assert len(bench.courier.envelopes) == 7
    assert (await bench.announced())[-2:] == [["failed"], ["unconfirmed"]]
    async with transaction(bench.pool) as connection:
        with pytest.raises(PermanentError, match=r"bob@x\.org failed"):
            await of_message(connection, SETTLE["sent"], mail.outgoing_id, "bob@x.org")
        found = await deliveries_of(connection, mail.outgoing_id)
    assert [row.reply for row in found][1] == "Settled by Sam: silence"


IN_TOKYO = """
DO $$BEGIN
    EXECUTE format('ALTER DATABASE %I SET timezone TO ''Asia/Tokyo''', current_database());
END$$
"""


async def test_each_attempt_has_the_same_bytes_whatever_process_makes_it(bench: Bench) -> None:
    await configure(bench.pool, 25, from_name="Help desk")
    mail = queued_mail(
        reply_to="support@example.org",
        subject="Drucker brennt: löschen",
        text="Wasser!\n.\nÜberall\n",
        in_reply_to="<m@x>",
        references=["<first@x>", "<m@x>"],
        deliveries=[
            OutgoingDelivery(recipient="ann@x.org", name="Änn\r\nBcc: x@x.org", message_id="<a@x>"),
            OutgoingDelivery(recipient="bob@x.org", name="", message_id="<b@x>"),
        ],
    )
    await bench.take_in(mail)
    await bench.channels.refresh()
    bench.courier.behaviour = deferring
    await bench.rounds(2)
    # Another process, to which PostgreSQL gives times in another zone.
    async with transaction(bench.pool) as connection:
        await connection.execute(IN_TOKYO)
    pool = await open_pool(bench.process.settings.database)
    later = Bench(bench.process.settings, pool)
    later.clock.move(3600)
    await later.rounds(2)
    await pool.close()

    assert await bench.states() == ["sent", "sent"]
    first, again = (
        {envelope.recipients[0]: envelope.content for envelope, _ in one.courier.envelopes}
        for one in (bench, later)
    )
    assert first == again
    ann, bob = (message_from_bytes(first[to]) for to in ("ann@x.org", "bob@x.org"))
    assert (ann["Message-ID"], bob["Message-ID"]) == ("<a@x>", "<b@x>")
    assert (ann["Bcc"], bob["To"]) == (None, "bob@x.org")
    assert parseaddr(ann["To"])[1] == "ann@x.org"
    assert parsedate_to_datetime(ann["Date"]) == mail.queued_at.replace(microsecond=0)
    assert (ann["In-Reply-To"], ann["References"].split()) == ("<m@x>", ["<first@x>", "<m@x>"])
    assert ann["Reply-To"] == "support@example.org"
    assert cast(bytes, ann.get_payload(decode=True)).decode() == "Wasser!\r\n.\r\nÜberall\r\n"


async def test_a_message_whose_sender_ended_after_the_dot_counts_as_unknown(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await bench.take_in(queued_mail(), queued_mail())
    await bench.be_killed_in_an_attempt(completes=True)

    # Any sender finds it after a reload, and does not send it before the long pause is over.
    successor = bench.another()
    await successor.rounds(2)
    rows_now = await delivery_rows(bench.pool)
    assert [(row["state"], row["maybe_twice"], row["attempts"]) for row in rows_now] == [
        ("deferred", True, 1),
        ("deferred", True, 1),
    ]
    assert "the sender ended before the reply" in rows_now[0]["reply"]
    assert successor.courier.envelopes == []

    successor.clock.move(successor.process.settings.sender.unknown_pause_seconds + 1)
    await successor.rounds(2)
    assert await bench.states() == ["sent", "sent"]


async def test_a_message_whose_sender_ended_before_the_dot_is_sent_at_once(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await bench.take_in(queued_mail(), queued_mail())
    await bench.be_killed_in_an_attempt(completes=False)

    successor = bench.another()
    await successor.rounds(2)

    found = await delivery_rows(bench.pool)
    assert [(row["state"], row["maybe_twice"], row["attempts"]) for row in found] == [
        ("sent", False, 2),
        ("sent", False, 2),
    ]


async def test_a_sender_that_lost_its_claim_does_not_complete_the_message(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await bench.take_in(queued_mail())
    await bench.channels.refresh()
    bench.courier.before = bench.expire_claims

    await bench.rounds()

    assert bench.courier.completed == 0
    await bench.rounds()
    (row,) = await delivery_rows(bench.pool)
    assert (row["state"], row["maybe_twice"]) == ("deferred", False)
    assert "its claim expired" in row["reply"]


async def test_a_disabled_connection_holds_its_messages(bench: Bench) -> None:
    relay = await configure(bench.pool, 25, enabled=False)
    await bench.take_in(queued_mail())
    await bench.rounds(2)
    assert await bench.states() == ["queued"]

    await configure(bench.pool, 25, enabled=True)
    bench.clock.move(RELOAD_SECONDS)
    await bench.rounds(2)

    assert await bench.states() == ["sent"]
    assert not relay.enabled


@pytest.mark.parametrize(
    "change", [{"enabled": False, "is_default": False}, {"name": "renamed", "is_default": False}]
)
async def test_messages_of_a_connection_that_is_gone_go_over_the_default_one(
    bench: Bench, change: dict[str, Any]
) -> None:
    await configure(bench.pool, 25, **change)
    await configure(bench.pool, 26, name="other")
    await bench.take_in(queued_mail())

    await bench.rounds(2)

    assert await bench.states() == ["sent"]
    (used,) = [courier for courier in bench.couriers if courier.envelopes]
    assert used.connection.name == "other"


async def test_a_connection_that_is_replaced_later_gives_its_waiting_messages_away(
    bench: Bench,
) -> None:
    await configure(bench.pool, 25)
    await bench.take_in(queued_mail())
    await bench.channels.refresh()
    bench.courier.behaviour = deferring
    await bench.rounds(2)
    assert await bench.states() == ["deferred"]

    await configure(bench.pool, 25, enabled=False, is_default=False)
    await configure(bench.pool, 26, name="other")
    bench.clock.move(RELOAD_SECONDS)
    await bench.rounds(2)

    # It does not wait for the pause after the fault of the connection before.
    assert await bench.states() == ["sent"]


async def test_a_changed_connection_gets_a_new_courier(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await bench.rounds()
    await configure(bench.pool, 26)

    bench.clock.move(RELOAD_SECONDS)
    await bench.rounds()

    assert [courier.connection.port for courier in bench.couriers] == [25, 26]
    assert [courier.closed for courier in bench.couriers] == [True, False]


async def test_results_survive_a_round_that_fails(bench: Bench) -> None:
    await configure(bench.pool, 25)
    await bench.take_in(queued_mail())
    await bench.rounds()

    async with asyncio.TaskGroup() as tasks:
        blocked = transaction(bench.pool)
        connection = await blocked.__aenter__()
        await connection.execute("SELECT 1 FROM delivery FOR UPDATE")
        going = asyncio.create_task(bench.sender.round(tasks))
        await asyncio.sleep(0.2)
        going.cancel()
        await asyncio.wait([going])
        await blocked.__aexit__(None, None, None)
    await bench.rounds()

    assert await bench.states() == ["sent"]


async def test_what_is_being_sent_is_recorded_when_another_part_of_the_process_fails(
    bench: Bench,
) -> None:
    await configure(bench.pool, 25)
    await bench.channels.refresh()
    await bench.take_in(queued_mail())
    bench.courier.gate.clear()

    async def has_completed() -> bool:
        return bench.courier.completed > 0

    async def fail_after_the_dot() -> None:
        await until(has_completed)
        raise FatalError("Kafka does not acknowledge")

    async def reply_later() -> None:
        await asyncio.sleep(2.5)
        bench.courier.gate.set()

    later = asyncio.create_task(reply_later())
    with pytest.raises(FatalError):
        await side_by_side(bench.sender.run(), fail_after_the_dot())
    await later
    assert await bench.states() == ["sent"]
