"""The parser process with a real Kafka: order, blobs, and a restart after a kill."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from postrail.blobs import BlobStore
from postrail.records import MailFetched, MailParsed
from postrail.settings import Settings
from postrail.stream import avro
from postrail.stream.producer import Entry, Producer
from postrail.stream.reader import tail
from postrail.stream.topics import MAIL_FETCHED, MAIL_PARSED, apply_topics
from tests.makers.parsing import fetched
from tests.processes.pipeline import Replica

WAIT_SECONDS = 60.0
LARGE = 30 * 1024 * 1024


@pytest.fixture
def parser(environment: dict[str, str], tmp_path: Path) -> Iterator[Replica]:
    replica = Replica("parser", ["-m", "services.parser"], environment, tmp_path / "parser.log")
    yield replica
    replica.kill()


@pytest.fixture
async def producer(settings: Settings) -> AsyncIterator[Producer]:
    await asyncio.to_thread(apply_topics, settings.kafka)
    producer = Producer(settings.kafka)
    await producer.start()
    yield producer
    await producer.close()


async def send(producer: Producer, mails: list[MailFetched]) -> None:
    await producer.send([Entry(MAIL_FETCHED, mail.mailbox, avro.encode(mail)) for mail in mails])


async def parsed(settings: Settings, mail_ids: set[str], parser: Replica) -> list[MailParsed]:
    """Returns all parsed records of the topic, once each of these messages has one."""
    deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
    while True:
        records = await tail(settings.kafka, MAIL_PARSED, 1000)
        if mail_ids <= {record.mail_id for record in records}:
            return records
        assert asyncio.get_running_loop().time() < deadline, parser.log_end
        await asyncio.sleep(0.2)


def mail(raw: bytes, mailbox: str = "support") -> MailFetched:
    return fetched(raw, mail_id=str(uuid4()), mailbox=mailbox)


def large_mail() -> bytes:
    lines = base64.encodebytes(bytes(LARGE))
    return (
        b"Subject: large\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nsee below\n"
        b"--b\nContent-Disposition: attachment; filename=large.bin\n"
        b"Content-Transfer-Encoding: base64\n\n" + lines + b"--b--\n"
    )


async def test_good_bad_and_large_mails_of_a_mailbox_stay_in_order(
    settings: Settings, producer: Producer, parser: Replica
) -> None:
    blobs = BlobStore(settings.blobs.url)
    raw = large_mail()
    large = fetched(raw, mail_id=str(uuid4()), blob=await blobs.put(raw))
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level)
        for level in range(2000)
    )
    mails = [mail(b"Subject: first\n\n"), mail(deep), large, mail(b"")]
    parser.start()
    await send(producer, mails)
    records = await parsed(settings, {one.mail_id for one in mails}, parser)
    assert [record.mail_id for record in records] == [one.mail_id for one in mails]
    assert [record.error for record in records] == [None, None, None, None]
    whole = next(part for part in records[1].attachments if part.name == "whole-mail.eml")
    assert await blobs.get(whole.sha256) == deep
    (attachment,) = records[2].attachments
    assert (attachment.name, attachment.size) == ("large.bin", LARGE)
    assert await blobs.get(attachment.sha256) == bytes(LARGE)
    assert await asyncio.to_thread(parser.stop) == 0


async def test_a_killed_parser_continues_after_its_restart(
    settings: Settings, producer: Producer, parser: Replica
) -> None:
    mails = [
        mail(b"Subject: %d\n\ntext" % number, mailbox=f"box-{number % 3}") for number in range(300)
    ]
    parser.start()
    await send(producer, mails[:150])
    await parsed(settings, {mails[0].mail_id}, parser)
    parser.kill()
    await send(producer, mails[150:])
    parser.start()
    records = await parsed(settings, {one.mail_id for one in mails}, parser)
    order = {one.mail_id: number for number, one in enumerate(mails)}
    for box in range(3):
        # Repeated records count at their first place.
        ids = dict.fromkeys(one.mail_id for one in records if one.mailbox == f"box-{box}")
        numbers = [order[mail_id] for mail_id in ids]
        assert numbers == sorted(numbers)
        assert len(numbers) == 100
