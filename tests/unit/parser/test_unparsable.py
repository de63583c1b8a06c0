"""Mails whose structure cannot be followed: the record says so, keeps the bytes and the header."""

from __future__ import annotations

import hashlib

import pytest

from postrail.stream import avro
from services.parser.parse import parse
from services.parser.parts import DEPTH_MAX, MailUnparsable
from tests.fakes.parsing import made

HEADER = b"""From: Ann <ann@customer.example>
Subject: Deep
Message-ID: <deep@customer.example>
In-Reply-To: <first@help.example>
"""


def nested(depth: int, filling: bytes = b"text") -> bytes:
    """A mail whose multiparts nest so deep."""
    head = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level)
        for level in range(depth)
    )
    return HEADER + head + b"Content-Type: text/plain\n\n" + filling


def test_parts_may_nest_far_deeper_than_in_real_mail() -> None:
    assert parse(nested(DEPTH_MAX)).content.text == "text"


@pytest.mark.parametrize(
    "depth",
    [
        DEPTH_MAX + 1,
        3000,  # Deeper than the stdlib's parser can follow: it raises RecursionError.
    ],
)
def test_deeper_nesting_is_an_error(depth: int) -> None:
    with pytest.raises(MailUnparsable, match="nest"):
        parse(nested(depth))


def test_the_record_keeps_the_bytes_and_what_the_header_says() -> None:
    raw = nested(DEPTH_MAX + 1)
    record = made(raw).record
    assert record.error == f"its parts nest more than {DEPTH_MAX} deep"
    assert record.raw == raw
    assert record.fingerprint == hashlib.sha256(raw).hexdigest()
    assert (record.subject, record.message_id) == ("Deep", "<deep@customer.example>")
    assert record.in_reply_to == ["<first@help.example>"]
    assert record.sender is not None
    assert record.sender.address == "ann@customer.example"
    assert record.kind_reason == "not known, since the mail could not be parsed"
    assert avro.decode(avro.encode(record)) == record


def test_the_bytes_of_a_large_one_go_to_a_blob() -> None:
    raw = nested(DEPTH_MAX + 1, b"x" * 500_000)
    result = made(raw)
    assert result.record.raw is None
    assert result.record.raw_blob is not None
    assert result.record.raw_blob.sha256 == hashlib.sha256(raw).hexdigest()
    assert result.blobs == [raw]


def test_mails_inside_mails_are_files_however_deep() -> None:
    raw = HEADER + b"Content-Type: message/rfc822\n\n" * 3000 + b"Subject: inmost\n\ntext"
    mail = parse(raw)
    assert [file.name for file in mail.content.attachments] == ["attachment-1.eml"]
