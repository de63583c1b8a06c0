"""A large message that kills the sender fails after three deaths alone; all others are sent."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postrail.blobs import BlobStore
from postrail.database import open_pool, rows, transaction
from postrail.settings import Settings
from postrail.stream.producer import Producer
from postrail.stream.topics import apply_topics
from tests.processes.senders import (
    SenderProcess,
    configure,
    delivery_rows,
    message_ids,
    old_mail,
    queued_entry,
    queued_mail,
)
from tests.servers.smtp_sink import SmtpSink

pytestmark = pytest.mark.timeout(150)

WAIT_SECONDS = 100.0
# Claims of a sender that died expire soon.
QUICK = {
    "POSTRAIL_SENDER__POLL_SECONDS": "0.1",
    "POSTRAIL_SENDER__CLAIM_SECONDS": "3",
    "POSTRAIL_SENDER__RETRY_PAUSES_SECONDS": "[0.3, 1]",
    "POSTRAIL_SENDER__UNKNOWN_PAUSE_SECONDS": "0.5",
}


@pytest.fixture
async def producer(settings: Settings) -> AsyncIterator[Producer]:
    await asyncio.to_thread(apply_topics, settings.kafka)
    made = Producer(settings.kafka)
    await made.start()
    yield made
    await made.close()


async def test_a_large_message_that_kills_fails_after_three_deaths_alone_and_others_are_sent(
    settings: Settings,
    environment: dict[str, str],
    producer: Producer,
    smtp_sink: SmtpSink,
    tmp_path: Path,
) -> None:
    pool = await open_pool(settings.database)
    await configure(pool, smtp_sink.port)
    subjects = ["deadly" if number == 5 else f"message {number}" for number in range(12)]
    mails = [queued_mail(subject=subject) for subject in subjects]
    large = b"Subject: deadly\r\n\r\n" + b"deadly\r\n" * 1_000_000
    blob = await BlobStore(settings.blobs.url).put(large)
    # Only messages of earlier builds are that large.
    mails[5] = old_mail(subject="deadly", message=None, message_blob=blob)
    await producer.send([queued_entry(mail) for mail in mails])
    arguments = ("-m", "tests.processes.faulty.deadly_sender")
    sender = SenderProcess({**environment, **QUICK}, tmp_path, arguments)
    codes: list[int | None] = []
    deadline = time.monotonic() + WAIT_SECONDS
    wanted = Counter(sent=11, failed=1)
    while (states := Counter(row["state"] for row in await delivery_rows(pool))) != wanted:
        assert time.monotonic() < deadline, f"{states} {codes}\n{sender.log[-3000:]}"
        if not sender.runs:
            codes.append(sender.exit_code)
            sender = SenderProcess({**environment, **QUICK}, tmp_path, arguments)
        await asyncio.sleep(0.05)
    assert set(codes) == {-9}
    assert len(codes) == 3
    assert await sender.stop() == 0
    found = await delivery_rows(pool)
    (failed,) = [row for row in found if row["state"] == "failed"]
    assert failed["outgoing_id"] == mails[5].outgoing_id
    assert "the sender died 3 times while sending this message" in failed["reply"]
    # Those that were at the final dot when the sender died may come twice.
    twice = {row["outgoing_id"] for row in found if row["maybe_twice"]}
    copies = Counter(one.message_id for one in smtp_sink.mails)
    for mail in (*mails[:5], *mails[6:]):
        (message_id,) = message_ids(mail)
        assert 1 <= copies[message_id] <= 1 + (mail.outgoing_id in twice)
    assert copies[mails[5].message_id] == 0
    async with transaction(pool) as connection:
        assert await rows(connection, "SELECT 1 FROM in_flight") == []
        left = await rows(connection, "SELECT work_id::text FROM death")
    assert (mails[5].outgoing_id,) not in left
    await pool.close()
