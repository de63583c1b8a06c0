"""Of a bulk message only the header is kept: its blobs are collected, unless they are shared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from postrail.configuration.models.mail_handler import MailHandler
from postrail.message_parts import Attachment, HeaderField
from postrail.operate.blob_collector import collect
from postrail.records import MailParsed
from postrail.stream import avro
from tests.integration.handler.bench import Bench
from tests.makers.records import mail_parsed

BULK = [HeaderField(name="Precedence", value="bulk"), HeaderField(name="X-Kept", value="yes")]
LATER = timedelta(days=400)


async def bulk_message(bench: Bench, picture: bytes) -> MailParsed:
    """Returns a bulk message with a text in a blob, and a picture."""
    text = await bench.blobs.put(b"a long text that is only here")
    shown = await bench.blobs.put(picture)
    attached = Attachment(
        name="logo.png",
        content_type="image/png",
        size=shown.size,
        sha256=shown.sha256,
        content_id=None,
        inline=False,
    )
    return mail_parsed(
        headers=BULK,
        text="",
        text_blob=text,
        text_beginning="a long text",
        new_text_beginning="a long text",
        attachments=[attached],
    )


async def test_only_the_header_is_kept_and_shared_blobs_stay(bench: Bench) -> None:
    await bench.save(MailHandler(name="desk", bulk="delete"))
    mail = await bulk_message(bench, b"a logo")
    other = mail_parsed(attachments=mail.attachments)
    await bench.handle(mail, other)
    assert await bench.outcomes() == [("done", "deleted", None), ("done", "issue", "HELP-1")]
    ((parsed, blobs, subject),) = await bench.rows(
        "SELECT parsed, blobs, subject FROM incoming_mail WHERE outcome = 'deleted'"
    )
    kept = avro.decode(parsed)
    assert isinstance(kept, MailParsed)
    assert (kept.text, kept.text_blob, kept.attachments, blobs) == ("", None, [], [])
    assert b"a long text" not in parsed
    assert (kept.subject, kept.headers, kept.sender) == (mail.subject, BULK, mail.sender)
    assert subject == mail.subject

    report = await collect(
        bench.pool, bench.blobs, now=datetime.now(UTC) + LATER, keep=-LATER, dry_run=True
    )
    assert (report.removed, report.needed) == (1, 1)


async def test_a_message_that_is_not_bulk_keeps_its_body(bench: Bench) -> None:
    await bench.save(MailHandler(name="desk", bulk="delete"))
    mail = await bulk_message(bench, b"a logo")
    await bench.handle(mail_parsed(text="", text_blob=mail.text_blob))
    ((blobs,),) = await bench.rows("SELECT blobs FROM incoming_mail")
    assert blobs == [mail.text_blob.sha256 if mail.text_blob else ""]
