"""Messages that exceed limits are parsed in part: the rest is noted, the whole is attached.

Only a defect of the parser makes a message unparsable: its record keeps bytes, header and error.
"""

from __future__ import annotations

import hashlib

import pytest

from postrail.stream import avro
from services.parser.content.parts import BODIES_MAX, BODY_MAX
from services.parser.mime.structure import DEPTH_MAX, FIELDS_MAX, HEADER_CUT, HEADERS_MAX, PARTS_MAX
from services.parser.parse import Mail, parse, unparsed
from services.parser.record.make import ParsedRecord, make_record
from tests.makers.parsing import INLINE_MAX_BYTES, NOW, PLACE, contents, fetched

HEADER = b"""From: Ann <ann@customer.example>
Subject: Deep
Message-ID: <deep@customer.example>
In-Reply-To: <first@help.example>
"""


def nested(depth: int, filling: bytes = b"text") -> bytes:
    """Returns a message with `depth` nested multiparts."""
    head = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level)
        for level in range(depth)
    )
    return HEADER + head + b"Content-Type: text/plain\n\n" + filling


def test_parts_may_nest_far_deeper_than_in_real_mail() -> None:
    mail = parse(nested(DEPTH_MAX))
    assert mail.content.text == "text"
    assert mail.content.attachments == []


@pytest.mark.parametrize("depth", [DEPTH_MAX + 1, 3000])
def test_deeper_parts_are_left_out_and_the_whole_mail_is_attached(depth: int) -> None:
    defect = f"parts that nest more than {DEPTH_MAX} deep were left out"
    raw = nested(depth)
    mail = parse(raw)
    require_whole(mail, raw, defect)
    assert mail.subject == "Deep"
    assert mail.in_reply_to == ["<first@help.example>"]


def test_parts_after_the_first_thousand_are_left_out() -> None:
    parts = b"".join(b"--x\nContent-Type: image/png\n\n%d\n" % number for number in range(1200))
    raw = HEADER + b'Content-Type: multipart/mixed; boundary="x"\n\n' + parts + b"--x--\n"
    mail = parse(raw)
    require_whole(mail, raw, f"the parts after the first {PARTS_MAX} were left out")
    # The multipart counts as a part, too.
    assert len(mail.content.attachments) == PARTS_MAX


def test_an_oversized_text_becomes_an_attachment() -> None:
    raw = HEADER + b"\n" + b"line\n" * (BODY_MAX // 5 + 1)
    mail = parse(raw)
    assert mail.content.text == ""
    require_whole(mail, raw, f"a text of more than {BODY_MAX} bytes became an attachment")


@pytest.mark.parametrize(
    "head",
    [b"X-A: b\n" * (FIELDS_MAX + 1), b"X-A: %s\n" % (b"b" * HEADERS_MAX) + b"X-B: c\n"],
    ids=["many", "long"],
)
def test_an_oversized_header_is_cut(head: bytes) -> None:
    raw = HEADER + head + b"\ntext"
    mail = parse(raw)
    require_whole(mail, raw, HEADER_CUT)
    assert (mail.subject, mail.content.text) == ("Deep", "text")


def test_all_texts_together_are_limited_to_twice_one_text() -> None:
    part = b"--x\n\n" + b"x" * (BODY_MAX - 1) + b"\n"
    raw = HEADER + b"Content-Type: multipart/mixed; boundary=x\n\n" + part * 3 + b"--x--\n"
    mail = parse(raw)
    require_whole(mail, raw, f"texts after the first {BODIES_MAX} bytes became attachments")
    assert len(mail.content.text) == 2 * BODY_MAX
    assert [file.size for file in mail.content.attachments] == [BODY_MAX - 1, len(raw)]


def require_whole(mail: Mail, raw: bytes, defect: str) -> None:
    assert mail.error is None
    assert defect in mail.defects
    assert mail.content.attachments[-1].name == "whole-mail.eml"
    assert mail.content.attachments[-1].content == raw


def test_the_record_of_an_unparsable_mail_keeps_the_bytes_and_what_the_header_says() -> None:
    raw = HEADER + b"\ntext"
    record = unparsable(raw).record
    assert record.error == "the parser failed"
    assert record.raw == raw
    assert record.fingerprint == hashlib.sha256(raw).hexdigest()
    assert (record.subject, record.message_id) == ("Deep", "<deep@customer.example>")
    assert record.in_reply_to == ["<first@help.example>"]
    assert record.sender is not None
    assert record.sender.address == "ann@customer.example"
    assert record.kind_reason == "not known, since the mail could not be parsed"
    assert avro.decode(avro.encode(record)) == record


def test_the_bytes_of_a_large_unparsable_mail_go_to_a_blob() -> None:
    raw = HEADER + b"\n" + b"x" * 500_000
    result = unparsable(raw)
    assert result.record.raw is None
    assert result.record.raw_blob is not None
    assert result.record.raw_blob.sha256 == hashlib.sha256(raw).hexdigest()
    assert contents(result) == [raw]


def unparsable(raw: bytes) -> ParsedRecord:
    """Returns the record of a message on which the parser failed."""
    return make_record(
        fetched(raw),
        PLACE,
        raw,
        unparsed(raw, "the parser failed"),
        parsed_at=NOW,
        inline_max_bytes=INLINE_MAX_BYTES,
    )


def test_mails_inside_mails_are_files_however_deep() -> None:
    raw = HEADER + b"Content-Type: message/rfc822\n\n" * 3000 + b"Subject: inmost\n\ntext"
    mail = parse(raw)
    assert [file.name for file in mail.content.attachments] == ["attachment-1.eml"]
