"""A message that nobody takes is sent on with its original, from wherever its bytes are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from postrail.blobs import BlobStore
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.project import Project
from postrail.database import rows, transaction
from postrail.incoming.originals import Originals
from postrail.records import MailParsed
from postrail.stream.topics import MAIL_FETCHED
from tests.integration.handler.bench import Bench
from tests.makers.configuration import mail_account
from tests.makers.records import mail_fetched, mail_parsed
from tests.makers.topics import feed
from tests.processes.sender_lab import SenderLab
from tests.processes.senders import configure, delivery_rows
from tests.servers.smtp_sink import KeptMail, SmtpSink

BOSS = "boss@example.net"
RAW = (
    "From: Ada <ada@example.org>\r\nTo: support@example.com\r\nSubject: =?utf-8?q?Feuer?=\r\n"
    "X-Odd:  two  spaces\t\r\n\r\n.Es brennt, Ärger!\r\n..\r\n"
).encode()


@pytest.fixture
async def bench(lab: SenderLab, smtp_sink: SmtpSink) -> AsyncIterator[Bench]:
    """Returns a handler beside the sender, whose only mail handler takes no message."""
    await configure(lab.pool, smtp_sink.port)
    made = Bench(lab.settings, lab.pool)
    await made.save(
        Project(key="HELP", name="Help desk"),
        mail_account("support"),
        MailHandler(name="answers", kind="comment", forward_address=BOSS, forward_unhandled=True),
    )
    await made.offsets.stored([0])
    made.offsets.expect({0: None})
    yield made
    await made.close()


async def fetched(lab: SenderLab, **changes: Any) -> MailParsed:
    """Publishes a message; returns its parsed form."""
    record = mail_fetched(**({"body": RAW} | changes))
    (place,) = await feed(lab.settings.kafka, MAIL_FETCHED, [record])
    return mail_parsed(
        mail_id=record.mail_id,
        raw_partition=place.partition,
        raw_offset=place.offset,
        raw_blob=record.blob,
        subject="Feuer",
    )


def original_in(content: bytes) -> bytes:
    """Returns the bytes of the attached message."""
    whole = message_from_bytes(content, policy=policy.SMTP)
    assert isinstance(whole, EmailMessage)
    assert [part.get_content_type() for part in whole.iter_parts()] == [
        "multipart/alternative",
        "message/rfc822",
    ]
    _, _, attached, _ = content.split(b"--" + str(whole.get_boundary()).encode())
    return attached.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n")


async def test_the_attached_original_is_the_same_byte_for_byte(
    lab: SenderLab, bench: Bench, smtp_sink: SmtpSink
) -> None:
    mail = await fetched(lab)
    await bench.handle(mail)
    lab.start()
    await lab.until_states(sent=1)
    (kept,) = smtp_sink.mails
    assert kept.recipients == (BOSS,)
    assert original_in(kept.content) == RAW
    assert kept.message["Subject"] == "Fwd: Feuer"
    assert kept.message["Auto-Submitted"] == "auto-generated"
    assert kept.message_id.startswith("<postrail.")
    assert await bench.outcomes() == [("done", "forwarded", None)]


async def test_an_original_that_no_connection_takes_is_left_out(
    lab: SenderLab, bench: Bench, smtp_sink: SmtpSink
) -> None:
    await configure(lab.pool, smtp_sink.port, max_bytes=4000)
    mail = await fetched(lab, body=RAW + 5000 * b"x\r\n")
    await bench.handle(mail)
    lab.start()
    await lab.until_states(sent=1)
    (kept,) = smtp_sink.mails
    assert_only_text(kept, mail.mail_id)


def assert_only_text(kept: KeptMail, mail_id: str) -> None:
    assert kept.message.get_content_type() == "text/plain"
    text = kept.content.split(b"\r\n\r\n", 1)[1]
    assert text.startswith(b"The original is too large to be attached to this email.")
    assert f"postrail mail show {mail_id}".encode() in text


async def test_an_original_that_the_server_refuses_after_the_dot_is_left_out(
    lab: SenderLab, bench: Bench, smtp_sink: SmtpSink
) -> None:
    spare = SmtpSink()
    spare.start()
    try:
        await configure(lab.pool, smtp_sink.port, name="spare", is_default=False)
        await configure(lab.pool, spare.port, fallback="spare")
        # The server's own limit: the fallback may take it, and is the last one to refuse it.
        spare.refuse_over(4000, "552 5.3.4 Message too big for system")
        smtp_sink.refuse_over(4000, "552 Message size exceeds maximum permitted")
        to_server = await fetched(lab, body=RAW + 5000 * b"x\r\n")
        await bench.handle(to_server)
        lab.start()
        await lab.until_states(sent=1)
        # The limit of the recipient's mailbox is the same over each connection.
        spare.refuse_over(4000, "552 5.2.3 Message exceeds the size limit of this user")
        to_mailbox = await fetched(lab, body=RAW + 6000 * b"x\r\n")
        await bench.handle(to_mailbox)
        await lab.until_states(sent=2)
    finally:
        spare.stop()
    (kept,) = smtp_sink.mails
    assert_only_text(kept, to_server.mail_id)
    (kept,) = spare.mails
    assert_only_text(kept, to_mailbox.mail_id)
    assert not any(row["maybe_twice"] for row in await delivery_rows(lab.pool))


async def test_an_original_in_a_blob_or_in_its_row_is_attached(
    lab: SenderLab, bench: Bench, smtp_sink: SmtpSink
) -> None:
    blob = await BlobStore(lab.settings.blobs.url).put(RAW)
    in_blob = await fetched(lab, body=None, blob=blob)
    in_row = replace(await fetched(lab), raw=RAW, raw_offset=10**6, error="too deep")
    await bench.handle(in_blob, in_row)
    lab.start()
    await lab.until_states(sent=2)
    assert {original_in(one.content) for one in smtp_sink.mails} == {RAW}
    assert len(smtp_sink.mails) == 2


async def test_an_original_in_the_archive_is_found(lab: SenderLab, bench: Bench) -> None:
    mail = replace(await fetched(lab), raw_offset=10**6)
    await bench.handle(mail)
    blobs = BlobStore(lab.settings.blobs.url)
    await blobs.archive(mail.fetched_at.date(), mail.mailbox, mail.mail_id, len(RAW), [RAW])
    originals = Originals(lambda: transaction(lab.pool), lab.settings.kafka, blobs)
    assert await originals.read(mail.mail_id) == RAW


async def test_a_forward_whose_original_is_gone_fails_with_the_reason(
    lab: SenderLab, bench: Bench
) -> None:
    mail = replace(await fetched(lab), raw_offset=10**6)
    await bench.handle(mail)
    lab.start()
    await lab.until_states(failed=1)
    (row,) = await delivery_rows(lab.pool)
    assert "nothing has the bytes of message" in row["reply"]
    assert mail.source in row["reply"]


async def test_a_restored_database_gets_the_forward_from_its_record(
    lab: SenderLab, bench: Bench, smtp_sink: SmtpSink
) -> None:
    await bench.handle(await fetched(lab))
    async with transaction(lab.pool) as connection:
        await connection.execute("DELETE FROM outgoing_mail")
        assert await rows(connection, "SELECT 1 FROM delivery") == []
    await lab.send(bench.producer.sent[-1:])
    lab.start()
    await lab.until_states(sent=1)
    assert original_in(smtp_sink.mails[0].content) == RAW
