"""Whatever bytes come, a record leaves that Kafka and PostgreSQL can hold."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postrail.records import MailParsed
from postrail.stream import avro
from services.parser.parse import parse
from tests.fakes.parsing import made

RECORD_MAX_BYTES = 700 * 1024

# What mails are made of, and what breaks them.
PIECES = [
    b"From: ", b"To: ", b"Subject: ", b"Message-ID: ", b"References: ", b"Date: ", b"List-Id: ",
    b"Return-Path: <>", b"Auto-Submitted: ", b"Content-ID: <c>", b"Content-Disposition: attachment",
    b"Content-Type: ", b"multipart/mixed", b"multipart/alternative", b"multipart/digest",
    b"multipart/report; report-type=", b"message/rfc822", b"text/html", b"text/plain",
    b'; boundary="x"', b"--x", b"--x--", b"; charset=", b"utf-16", b"utf-7", b"unicode_escape",
    b"hex", b"idna", b"; name*0*=utf-8''%41", b"; name*1=b", b"; filename=", b'"', b"\\",
    b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: quoted-printable",
    b"Content-Transfer-Encoding: x-uuencode", b"begin 644 a\nM", b"\nend", b"=ZZ", b"=\n",
    b"\r\n", b"\n", b"\r", b"\n\n", b" ", b"\t", b":", b";", b",", b"@", b"(", b")", b"<", b">",
    b"a@b.example", b"<a@b.example>", b"=?utf-8?q?=C3=A4?=", b"=?utf-8?b?4pyT?=", b"=?x?q?", b"?=",
    b"\x00", b"\xff", b"\xc3\xa4", b"\xed\xa0\x80", b"+2D8-", b"\xe2\x80\xa8", b"\x0b", b"\x1c",
    b"<p>", b"</p>", b"<table><tr><td>", b"<?xml version='1.0' encoding='utf-8'?>", b"<![CDATA[",
    b"<script>", b"&#0;", b"&#xD800;", b"<!--", b"Sat, 99 Foo 2026 99:99:99 +9999",
    b"Sat, 1 Jan 0001 00:00:00 +1400", b"Fri, 31 Dec 9999 23:59:59 -1200", b"7bit", b"0",
]  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=60).map(b"".join))
def test_pieces_of_mails_in_any_order(raw: bytes) -> None:
    require_sendable(raw)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=500))
def test_any_bytes(raw: bytes) -> None:
    require_sendable(raw)


def require_sendable(raw: bytes) -> None:
    parse(raw)
    record = made(raw).record
    assert record == made(raw).record
    encoded = avro.encode(record)
    assert avro.decode(encoded) == record
    assert len(encoded) < RECORD_MAX_BYTES
    for text in texts_of(record):
        assert "\x00" not in text
        text.encode()
    for line in lines_of(record):
        assert not {"\r", "\n"} & set(line)


def texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from texts_of(getattr(value, field.name))


def lines_of(record: MailParsed) -> Iterator[str]:
    """What others put into headers of their own: a line end in it would let a sender add some."""
    for part in (
        record.subject,
        record.message_id,
        record.in_reply_to,
        record.references,
        record.sender,
        record.reply_to,
        record.to,
        record.cc,
        record.attachments,
        record.headers,
    ):
        yield from texts_of(part)


def test_a_charset_with_a_nul_in_its_name_is_no_charset() -> None:
    mail = parse(b'Content-Type: text/plain; charset="a\x00b"\nSubject: x\n gr\xfc\xdfe\r\n')
    assert mail.error is None
    head = b'Content-Type: text/plain; charset="a\x00b"\nrubb\xfcsh\nSubject: x\n'
    assert parse(head).error is None


@pytest.mark.parametrize(
    "source",
    [
        b"<a " + b" ".join(b"a%d=1" % n for n in range(60_000)) + b">",
        b"<a " + b"".join(b"a%d='>'" % n for n in range(60_000)) + b">",
        b'<!-- <b x=" --><a ' + b"/".join(b"a%d" % n for n in range(60_000)) + b">",
        b"<a x='" * 60_000,
    ],
)
def test_html_that_is_made_to_take_long_does_not(source: bytes) -> None:
    started = time.process_time()
    assert parse(b"Content-Type: text/html\n\n" + source + b"<p>seen</p>").error is None
    assert time.process_time() - started < 4
