"""The record fits into Kafka whatever the message contains, and notes what was cut."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import UTC, datetime

import pytest

from postrail.records import BlobReference, MailParsed
from postrail.stream import avro
from services.parser.record.limits import BEGINNING_CHARACTERS
from services.parser.record.make import ParsedRecord, Place, make_record
from services.parser.record.record_maker import parsed_or_not
from tests.makers.parsing import NOW, contents, fetched, made

RECORD_MAX_BYTES = 700 * 1024


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def require_fits(result: ParsedRecord) -> MailParsed:
    assert len(avro.encode(result.record)) < RECORD_MAX_BYTES
    return result.record


def test_a_text_that_is_too_large_goes_to_a_blob() -> None:
    text = "ä" * 1000
    raw = b"Content-Type: text/plain; charset=utf-8\n\n" + text.encode()
    result = made(raw, inline_max_bytes=1999)
    assert result.record.text == ""
    assert result.record.text_blob == BlobReference(sha256=sha256(text.encode()), size=2000)
    assert contents(result) == [text.encode()]
    inline = made(raw, inline_max_bytes=2000).record
    assert (inline.text, inline.text_beginning) == (text, "")
    # Conditions ask about its beginning.
    assert result.record.text_beginning == text
    long = b"x" * (BEGINNING_CHARACTERS + 1)
    record = made(b"\n" + long, inline_max_bytes=2000).record
    assert record.text_beginning == long[:-1].decode()
    # It ends with a whole line, as a field command may be there.
    lines = b"first\n" + b"x" * (BEGINNING_CHARACTERS - 20) + b"\nStatus: done later\n"
    record = made(b"\n" + lines, inline_max_bytes=2000).record
    assert record.text_beginning == lines.decode().rsplit("\n", 2)[0]


def test_of_a_reply_in_a_blob_the_record_has_the_first_new_lines() -> None:
    new = "Status: done\n" + "It is mended.\n" * 10_000
    raw = b"\nOn 1 May 2026, Ada wrote:\n> Broken\n\n" + new.encode()
    record = made(raw, inline_max_bytes=2000).record
    assert record.reply is None
    assert record.reply_blob
    assert new.startswith(record.new_text_beginning)
    assert len(record.new_text_beginning) > BEGINNING_CHARACTERS - 20
    assert made(b"\nOn 1 May 2026, Ada wrote:\n> Broken\n").record.new_text_beginning == ""


def test_two_bodies_together_never_fill_the_record() -> None:
    half = b"x" * 390 * 1024
    raw = (
        b"Content-Type: multipart/alternative; boundary=b\n\n"
        b"--b\n\n" + half + b"\n--b\nContent-Type: text/html\n\n" + half + b"\n--b--\n"
    )
    record = require_fits(made(raw, inline_max_bytes=400 * 1024))
    assert record.text == half.decode()
    assert record.html == ""
    assert record.html_blob is not None


def test_the_same_attachment_twice_is_one_blob() -> None:
    part = b"--b\nContent-Disposition: attachment\n\nsame\n"
    result = made(b"Content-Type: multipart/mixed; boundary=b\n\n" + part * 2 + b"--b--\n")
    assert [attachment.sha256 for attachment in result.record.attachments] == [sha256(b"same")] * 2
    assert contents(result) == [b"same"]


def test_more_attachments_than_fit_leave_the_whole_mail_as_one() -> None:
    parts = b"".join(
        b"--b\nContent-Disposition: attachment; filename=%s%d\n\n%d\n"
        % (b"n" * 150, number, number)
        for number in range(2000)
    )
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n" + parts + b"--b--\n"
    result = made(raw)
    record = require_fits(result)
    last = record.attachments[-1]
    assert (last.name, last.sha256) == ("whole-mail.eml", sha256(raw))
    assert raw in contents(result)
    assert record.defects[0] == f"attachments cut at {len(record.attachments) - 1}"


def test_headers_without_end_are_cut() -> None:
    lines = b"".join(b"X-%d: %s\n" % (number, b"v" * 900) for number in range(3000))
    record = require_fits(made(lines + b"Subject: " + b"s" * 100_000 + b"\n\ntext"))
    assert record.defects[0].startswith("headers cut at")
    assert len(record.subject) == 4000


def test_addresses_without_end_are_cut() -> None:
    many = b", ".join(
        b'"%s" <a%d@customer.example>' % (b"n" * 300, number) for number in range(1000)
    )
    record = require_fits(made(b"To: " + many + b"\nCc: " + many + b"\n\n"))
    assert record.to[0].address == "a0@customer.example"
    assert any(defect.startswith("to cut at") for defect in record.defects)


def test_of_many_references_the_first_and_the_last_are_kept() -> None:
    ids = [f"<{number}@customer.example>" for number in range(5000)]
    record = require_fits(made(b"References: " + "\n ".join(ids).encode()[:64_000] + b"\n\n"))
    assert record.references[0] == ids[0]
    assert len(record.references) == 64


@pytest.mark.parametrize("raw", [b"", b"Subject: x\n\ntext"])
def test_the_place_of_the_raw_mail_is_kept(raw: bytes) -> None:
    record = made(raw).record
    assert (record.raw_partition, record.raw_offset, record.raw, record.raw_blob) == (
        3,
        14,
        None,
        None,
    )


def test_the_blob_of_a_large_mail_is_named_and_written_again() -> None:
    raw = b"Subject: large\n\ntext"
    reference = BlobReference(sha256=sha256(raw), size=len(raw))
    mail = fetched(raw, blob=reference)
    result = make_record(
        mail, Place(0, 0), raw, parsed_or_not(raw), parsed_at=NOW, inline_max_bytes=1024
    )
    assert result.record.raw_blob == reference
    assert contents(result) == [raw]


def test_events_and_list_fields_without_end_are_cut() -> None:
    attendee = b"ATTENDEE;CN=" + b"n" * 900 + b":mailto:" + b"a" * 900 + b"@customer.example\n"
    event = b"BEGIN:VEVENT\nSUMMARY:" + b"s" * 900 + b"\n" + attendee * 19 + b"END:VEVENT\n"
    names = (b"Help", b"Unsubscribe", b"Subscribe", b"Post", b"Owner", b"Archive")
    uris = b"".join(b"<https://b.example/%d%s>" % (number, b"x" * 970) for number in range(9))
    raw = b"".join(b"List-%s: %s\n" % (name, uris) for name in names) + (
        b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\n" + event * 20
    )
    record = require_fits(made(raw))
    assert record.defects[0] == f"events cut at {len(record.events)}"
    assert record.mailing_list is not None
    assert len(record.mailing_list.archive) == 4


@pytest.mark.parametrize(
    ("year", "expected"), [(2026, datetime(2026, 11, 20, 9, 12, 40, tzinfo=UTC)), (2126, None)]
)
def test_a_mailbox_without_times_leaves_it_to_the_mail(
    year: int, expected: datetime | None
) -> None:
    raw = f"Received: by b; 20 Nov {year} 10:12:40 +0100\nReceived: by a; x\n\n".encode()
    mail = dataclasses.replace(fetched(raw), received_at=None)
    made = make_record(
        mail, Place(0, 0), raw, parsed_or_not(raw), parsed_at=NOW, inline_max_bytes=1024
    )
    assert made.record.received_at == expected
