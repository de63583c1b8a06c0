"""Any bytes give a record that Kafka and PostgreSQL can store."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from postrail.records import MailParsed
from postrail.stream import avro
from services.parser.parse import parse
from tests.makers.parsing import made, texts_of
from tests.makers.pieces import PIECES

RECORD_MAX_BYTES = 700 * 1024


@seed(20261126)
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=60).map(b"".join))
def test_pieces_of_mails_in_any_order(raw: bytes) -> None:
    require_sendable(raw)


@seed(20261126)
@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=500))
def test_any_bytes(raw: bytes) -> None:
    require_sendable(raw)


def require_sendable(raw: bytes) -> None:
    for file in parse(raw).content.attachments:
        assert file.sha256 == hashlib.sha256(file.content).hexdigest()
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


def lines_of(record: MailParsed) -> Iterator[str]:
    """Yields the texts that others copy into headers, where a line end would add a field."""
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


def test_a_charset_with_a_nul_in_its_name_is_ignored() -> None:
    mail = parse(b'Content-Type: text/plain; charset="a\x00b"\nSubject: x\n gr\xfc\xdfe\r\n')
    assert mail.error is None
    head = b'Content-Type: text/plain; charset="a\x00b"\nrubb\xfcsh\nSubject: x\n'
    assert parse(head).error is None


def test_the_recipients_of_a_bounce_are_without_nul() -> None:
    """Repeats a finding of the fuzzer: an address in angle brackets in the notice."""
    head = b"From: MAILER-DAEMON@b.example\nSubject: failure notice\n\n"
    notice = b"Hi. This is the qmail-send program at b.example.\n\n<a\x00b@c.example>:\nunknown\n"
    raw = head + notice + b"\n--- Below this line is a copy of the message.\n"
    assert made(raw).record.bounce is not None
    require_sendable(raw)


@pytest.mark.parametrize(
    "source",
    [
        b"<a " + b" ".join(b"a%d=1" % n for n in range(60_000)) + b">",
        b"<a " + b"".join(b"a%d='>'" % n for n in range(60_000)) + b">",
        b'<!-- <b x=" --><a ' + b"/".join(b"a%d" % n for n in range(60_000)) + b">",
        b"<a x='" * 60_000,
        b"& " * 500_000,
        # Tables whose text would be as long as the square of their HTML.
        b"<table><tr><td>" + b"a<br>" * 10_000 + b"<td>b" * 10_000 + b"</table>",
        b"<table><tr><td>" + b"a" * 60_000 + b"<tr><td>b" * 7000 + b"</table>",
    ],
)
def test_hostile_html_is_parsed_in_time(source: bytes) -> None:
    started = time.process_time()
    assert parse(b"Content-Type: text/html\n\n" + source + b"<p>seen</p>").error is None
    assert time.process_time() - started < 4


def test_a_line_of_rules_and_spaces_opens_no_quotation() -> None:
    """Repeats a finding of the fuzzer: a line whose compared part contains no word."""
    line = b"___" + b"\x0b" * 120 + b"___\n"
    mail = parse(b"Subject: x\n\nIt works.\n" + line + b"On 5 <a@b.example> wrote:\n> x\n")
    assert mail.content.text.startswith("It works.")


def test_the_reason_of_the_kind_is_without_nul() -> None:
    """Repeats a finding of the fuzzer: the reason quotes the message, with its NUL."""
    report = b"Disposition: automatic\x00-action/MDN-sent-automatically; deleted"
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nYour message was automatically "
        b"rejected\n--b\nContent-Type: message/disposition-notification\n\n" + report + b"\n--b--\n"
    )
    assert made(raw).record.kind == "bounce"
    require_sendable(raw)
