"""The parser's step over a producer and a blob store in memory."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace

import pytest

from postrail.blobs import BlobMissing, Writable
from postrail.clock import SettableClock
from postrail.errors import FatalError, InstallationFault, TransientError
from postrail.records import BlobReference, MailFetched, MailParsed
from postrail.stream import avro
from postrail.stream.received import Received
from postrail.stream.topics import MAIL_FETCHED, MAIL_PARSED
from services.parser import step
from services.parser.parse import Mail, parse
from services.parser.record import record_maker
from services.parser.step import Parser
from tests.fakes.streams import MemoryProducer
from tests.makers.descriptors import no_descriptors
from tests.makers.parsing import INLINE_MAX_BYTES, NOW, fetched

ATTACHED = (
    b"Subject: files\nContent-Type: multipart/mixed; boundary=b\n\n"
    b"--b\nContent-Disposition: attachment; filename=a.txt\n\nfirst\n"
    b"--b\nContent-Disposition: attachment; filename=b.txt\n\nsecond\n--b--\n"
)


class MemoryBlobs:
    """A blob store in memory that can be made unavailable."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.puts = 0
        self.available = True

    async def read_into(self, sha256: str, file: Writable) -> None:
        self._require()
        if sha256 not in self.contents:
            raise BlobMissing(f"there is no blob {sha256}")
        file.write(self.contents[sha256])

    async def put_chunks(self, reference: BlobReference, chunks: Iterable[bytes]) -> None:
        self._require()
        self.puts += 1
        data = b"".join(chunks)
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (reference.sha256, reference.size)
        self.contents[reference.sha256] = data

    def _require(self) -> None:
        if not self.available:
            raise TransientError("the blob store is unavailable", setting="POSTRAIL_BLOBS__URL")


class Counted:
    """Records the counts."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[str, str, float | None]] = []

    def count(
        self,
        mailbox: str,
        outcome: str,
        *,
        age_seconds: float | None = None,
        seconds: float | None = None,
    ) -> None:
        self.outcomes.append((mailbox, outcome, age_seconds))


@pytest.fixture
def blobs() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def producer() -> MemoryProducer:
    return MemoryProducer()


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def parser(blobs: MemoryBlobs, producer: MemoryProducer, counted: Counted) -> Parser:
    clock = SettableClock(NOW)
    clock.move(5)
    return Parser(
        blobs=blobs,
        producer=producer,
        progress=counted,
        clock=clock,
        inline_max_bytes=INLINE_MAX_BYTES,
    )


def received(mail: MailFetched, offset: int = 14, deaths: int = 0) -> Received[MailFetched]:
    return Received(
        topic=MAIL_FETCHED.name,
        partition=3,
        offset=offset,
        key=mail.mailbox,
        timestamp_ms=0,
        size=100,
        record=mail,
        deaths=deaths,
    )


def parsed(producer: MemoryProducer) -> list[MailParsed]:
    return [avro.decode_as(MailParsed, entry.value) for entry in producer.sent]


async def test_records_leave_in_order_under_their_mailbox(
    parser: Parser, producer: MemoryProducer
) -> None:
    mails = [
        fetched(b"Subject: %d\n\n" % number, mailbox="a" if number % 2 else "b")
        for number in range(5)
    ]
    await parser.process([received(mail, offset) for offset, mail in enumerate(mails)])
    assert [record.subject for record in parsed(producer)] == ["0", "1", "2", "3", "4"]
    assert [entry.key for entry in producer.sent] == ["b", "a", "b", "a", "b"]
    assert {entry.topic for entry in producer.sent} == {MAIL_PARSED}
    assert [record.raw_offset for record in parsed(producer)] == [0, 1, 2, 3, 4]


async def test_mails_before_a_large_one_do_not_wait_for_it(
    parser: Parser, producer: MemoryProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = b"Subject: large\n\n" + b"x" * (step.LARGE_BYTES + 1)
    sent_before: list[int] = []

    def parsed_or_not(raw: bytes) -> Mail:
        sent_before.append(len(producer.sent))
        return parse(raw)

    monkeypatch.setattr(record_maker, "parsed_or_not", parsed_or_not)
    mails = [fetched(b"Subject: small\n\n"), fetched(large), fetched(b"Subject: small\n\n")]
    await parser.process([received(mail) for mail in mails])
    assert sent_before == [0, 1, 1]
    assert len(producer.sent) == 3


async def test_blobs_are_stored_before_the_record_is_sent(
    parser: Parser, producer: MemoryProducer, blobs: MemoryBlobs
) -> None:
    producer.acknowledge = False
    with pytest.raises(FatalError):
        await parser.process([received(fetched(ATTACHED))])
    assert sorted(blobs.contents.values()) == [b"first", b"second"]


async def test_an_unavailable_store_pauses_and_drops_nothing(
    parser: Parser, producer: MemoryProducer, blobs: MemoryBlobs, counted: Counted
) -> None:
    batch = [received(fetched(b"Subject: plain\n\n")), received(fetched(ATTACHED))]
    blobs.available = False
    with pytest.raises(TransientError):
        await parser.process(batch)
    assert (producer.sent, counted.outcomes) == ([], [])
    blobs.available = True
    await parser.process(batch)
    assert [record.subject for record in parsed(producer)] == ["plain", "files"]


async def test_a_large_mail_is_read_from_its_blob_and_the_blob_written_again(
    parser: Parser, producer: MemoryProducer, blobs: MemoryBlobs
) -> None:
    raw = b"Subject: large\n\n" + b"text\n" * 100_000
    reference = BlobReference(sha256=hashlib.sha256(raw).hexdigest(), size=len(raw))
    await blobs.put_chunks(reference, [raw])
    await parser.process([received(fetched(raw, blob=reference))])
    (record,) = parsed(producer)
    assert (record.subject, record.raw_blob) == ("large", reference)
    assert record.text_blob is not None
    # The raw message twice, and its text.
    assert blobs.puts == 3


async def test_a_missing_blob_becomes_the_error_of_its_mail(
    parser: Parser, producer: MemoryProducer, counted: Counted
) -> None:
    reference = BlobReference(sha256="0" * 64, size=1)
    await parser.process([received(fetched(b"x", blob=reference))])
    (record,) = parsed(producer)
    assert record.error == f"its bytes are gone: there is no blob {'0' * 64}"
    assert record.raw_blob == reference
    assert counted.outcomes == [("support", "unparsable", 5.0)]


async def test_a_mail_beyond_the_limits_arrives_and_delays_no_other(
    parser: Parser, producer: MemoryProducer, counted: Counted
) -> None:
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level)
        for level in range(200)
    )
    await parser.process([received(fetched(deep)), received(fetched(b"Subject: next\n\n"))])
    first, second = parsed(producer)
    assert (first.error, first.attachments[-1].name) == (None, "whole-mail.eml")
    assert (second.error, second.subject) == (None, "next")
    assert counted.outcomes == [("support", "parsed", 5.0), ("support", "parsed", 5.0)]


@pytest.mark.logs_errors("the parser failed")
async def test_a_defect_of_the_parser_fails_the_mail_and_not_the_stage(
    parser: Parser, producer: MemoryProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: bytes) -> None:
        raise AssertionError("unexpected")

    monkeypatch.setattr(record_maker, "parse", broken)
    await parser.process([received(fetched(b"Subject: kept\n\ntext"))])
    (record,) = parsed(producer)
    assert record.error == "the parser failed: AssertionError: unexpected"
    assert (record.subject, record.raw) == ("kept", b"Subject: kept\n\ntext")


def deadly(_: bytes) -> None:
    pytest.fail("the parser would have died again")


async def test_a_mail_that_killed_parsers_is_recorded_without_parsing(
    parser: Parser,
    producer: MemoryProducer,
    counted: Counted,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("parse", "parsed_or_not"):
        monkeypatch.setattr(record_maker, name, deadly)
    raw = b"Subject: deadly\n\ntext"
    await parser.process([received(fetched(raw), deaths=step.DEATHS_MAX)])
    (record,) = parsed(producer)
    assert record.error == "the parser died 3 times while processing this mail"
    assert (record.raw, record.subject, record.headers) == (raw, "", [])
    assert record.fingerprint == hashlib.sha256(raw).hexdigest()
    assert counted.outcomes == [("support", "unparsable", 5.0)]


async def test_a_large_mail_that_killed_parsers_is_not_even_read(
    parser: Parser, producer: MemoryProducer, blobs: MemoryBlobs
) -> None:
    raw = b"Subject: deadly\n\n" + b"x" * step.LARGE_BYTES
    reference = BlobReference(sha256=hashlib.sha256(raw).hexdigest(), size=len(raw))
    await blobs.put_chunks(reference, [raw])
    blobs.available = False
    await parser.process([received(fetched(None, blob=reference), deaths=step.DEATHS_MAX)])
    (record,) = parsed(producer)
    assert (record.raw, record.raw_blob) == (None, reference)
    assert record.fingerprint == reference.sha256


async def test_a_large_mail_within_its_record_keeps_its_bytes_in_a_blob(
    parser: Parser, producer: MemoryProducer, blobs: MemoryBlobs
) -> None:
    raw = b"Subject: deadly\n\n" + b"x" * 800_000
    await parser.process([received(fetched(raw), deaths=step.DEATHS_MAX)])
    (record,) = parsed(producer)
    assert record.raw_blob is not None
    assert blobs.contents[record.raw_blob.sha256] == raw


async def test_a_mail_with_fewer_deaths_is_parsed(parser: Parser, producer: MemoryProducer) -> None:
    await parser.process([received(fetched(b"Subject: good\n\n"), deaths=step.DEATHS_MAX - 1)])
    (record,) = parsed(producer)
    assert (record.error, record.subject) == (None, "good")


@pytest.mark.parametrize("size", [10, step.LARGE_BYTES + 1])
@pytest.mark.parametrize(
    "at",
    ["parse", pytest.param("unparsed", marks=pytest.mark.logs_errors("the parser failed"))],
)
async def test_exhausted_memory_ends_the_process_and_does_not_fail_the_mail(
    parser: Parser, producer: MemoryProducer, monkeypatch: pytest.MonkeyPatch, size: int, at: str
) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError

    def broken(_: bytes) -> None:
        raise ValueError("unexpected")

    monkeypatch.setattr(record_maker, "parse", broken)
    monkeypatch.setattr(record_maker, at, exhausted)
    with pytest.raises(MemoryError):
        await parser.process([received(fetched(b"x" * size))])
    assert producer.sent == []


@pytest.mark.parametrize("size", [10, step.LARGE_BYTES + 1])
@pytest.mark.parametrize(
    "at",
    ["parse", pytest.param("unparsed", marks=pytest.mark.logs_errors("the parser failed"))],
)
@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENOSPC, errno.EIO])
async def test_what_the_operating_system_refuses_is_waited_for(
    parser: Parser,
    producer: MemoryProducer,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    at: str,
    code: int,
) -> None:
    def refused(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    def broken(_: bytes) -> None:
        raise ValueError("unexpected")

    with monkeypatch.context() as patched:
        patched.setattr(record_maker, "parse", broken)
        patched.setattr(record_maker, at, refused)
        with pytest.raises(InstallationFault, match=os.strerror(code)):
            await parser.process([received(fetched(b"x" * size))])
    assert producer.sent == []
    await parser.process([received(fetched(b"x" * size))])
    assert [record.error for record in parsed(producer)] == [None]


async def test_without_descriptors_a_large_mail_waits(
    parser: Parser, producer: MemoryProducer
) -> None:
    """Parses a real message: lines that end with CR are repaired in a temporary file."""
    raw = b"Subject: large\r\rtext" + b"\rmore text" * 200_000
    with no_descriptors(), pytest.raises(TransientError, match="open files"):
        await parser.process([received(fetched(raw))])
    assert producer.sent == []
    await parser.process([received(fetched(raw))])
    assert [(record.error, record.subject) for record in parsed(producer)] == [(None, "large")]


async def test_a_repeated_record_is_made_again_with_the_same_content(
    parser: Parser, producer: MemoryProducer
) -> None:
    for _ in range(2):
        await parser.process([received(fetched(ATTACHED))])
    first, second = parsed(producer)
    assert first == second


async def test_large_records_are_sent_in_several_lots(
    parser: Parser, monkeypatch: pytest.MonkeyPatch, producer: MemoryProducer
) -> None:
    monkeypatch.setattr(step, "SEND_MAX_BYTES", 1000)
    mails = [fetched(b"Subject: %d\n\n" % number + b"x" * 800) for number in range(6)]
    await parser.process([received(mail) for mail in mails])
    assert [record.subject for record in parsed(producer)] == [str(number) for number in range(6)]


async def test_the_body_of_a_mail_that_was_too_large_says_so(
    parser: Parser, producer: MemoryProducer
) -> None:
    header = (
        b"Subject: Photos\r\nMessage-ID: <1@x>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    )
    mail = replace(fetched(header), too_large=True, size=73_000_000, source="INBOX;uid=9")
    await parser.process([received(mail)])
    (record,) = parsed(producer)
    assert (record.subject, record.message_id, record.error) == ("Photos", "<1@x>", None)
    assert record.size == 73_000_000
    assert "73,000,000 bytes" in record.text
    assert "INBOX;uid=9" in record.text
    assert record.defects[0] == "too large: only its header was fetched"
    assert record.attachments == []
