"""winmail.dat: bodies and files are unpacked, also from broken ones."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postrail.stream import avro
from services.parser.content.rtf import decompress_rtf, rtf_to_text
from services.parser.content.tnef import charset_of, read_tnef
from tests.makers import tnef
from tests.makers.parsing import made

PDF = b"%PDF-1.4\nplan\n"
FULL = tnef.tnef(
    tnef.message(
        tnef.text(tnef.PLAIN, "Grüße"),
        tnef.long(tnef.CODE_PAGE, 65001),
        (tnef.HTML, tnef.BINARY, "<p>Grüße</p><img src='cid:logo'>".encode()),
    ),
    tnef.file(
        "PLANFO~1.PDF",
        PDF,
        tnef.text(tnef.LONG_NAME, "Plan für alle.pdf"),
        tnef.text(tnef.MIME_TAG, "application/pdf"),
    ),
    tnef.file("logo.png", b"\x89PNG\r\n\x1a\n", tnef.text(tnef.CONTENT_ID, "logo")),
)
# The example of MS-OXRTFCP, section 4.1.1.
COMPRESSED_RTF = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a"
    "800fa0"
)


def mail(winmail: bytes, text: bytes = b"") -> bytes:
    part = b"--b\nContent-Type: text/plain\n\n" + text + b"\n" if text else b""
    return (
        b"Subject: packed\nContent-Type: multipart/mixed; boundary=b\n\n" + part
        + b"--b\nContent-Type: application/ms-tnef; name=winmail.dat\n"
        b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(winmail) + b"--b--\n"
    )  # fmt: skip


def test_body_and_attachments_are_added_to_the_original() -> None:
    record = made(mail(FULL)).record
    assert record.text == "Grüße"
    assert "cid:logo" in record.html
    original, plan, logo = record.attachments
    assert (original.name, original.size) == ("winmail.dat", len(FULL))
    assert (plan.name, plan.content_type, plan.size) == (
        "Plan für alle.pdf",
        "application/pdf",
        len(PDF),
    )
    assert (logo.name, logo.content_id, logo.inline) == ("logo.png", "logo", True)
    assert {plan.unpacked_from, logo.unpacked_from} == {original.sha256}
    assert record.defects == ["no sender", "no date"]


def test_a_text_of_the_mail_itself_stays_the_text() -> None:
    record = made(mail(FULL, text=b"My own text")).record
    assert (record.text, record.html) == ("My own text", "")
    assert len(record.attachments) == 3


def test_the_body_as_an_attribute() -> None:
    assert made(mail(tnef.tnef(tnef.plain_body("Grüße\r\naus Köln")))).record.text == (
        "Grüße\naus Köln"
    )


def test_a_body_in_rtf_only_is_a_file_and_the_text() -> None:
    rtf = (tnef.RTF, tnef.BINARY, COMPRESSED_RTF)
    record = made(mail(tnef.tnef(tnef.message(rtf)))).record
    assert record.text == "hello world"
    assert [(one.name, one.size) for one in record.attachments[1:]] == [("body.rtf", 43)]


def test_a_message_within_the_message_is_unpacked_too() -> None:
    record = made(mail(tnef.tnef(tnef.plain_body("outer"), tnef.embedded("Inner", FULL)))).record
    assert record.text == "outer"
    names = [one.name for one in record.attachments]
    assert names == ["winmail.dat", "Inner.tnef", "Plan für alle.pdf", "logo.png"]
    assert record.attachments[2].unpacked_from == record.attachments[1].sha256


def test_a_wrong_checksum_is_ignored() -> None:
    spoiled = FULL[:-2] + b"\xff\xff"
    found = read_tnef(spoiled)
    assert found is not None
    assert found.whole
    assert len(found.files) == 2


def test_a_truncated_file_gives_its_beginning() -> None:
    for end in range(6, len(FULL)):
        found = read_tnef(FULL[:end])
        assert found is not None
        assert all(PDF.startswith(one.content) for one in found.files[:1])
    cut = made(mail(FULL[:-60])).record
    assert "winmail.dat: not complete: unpacked as far as it goes" in cut.defects
    assert cut.text == "Grüße"


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_bytes(data: st.DataObject) -> None:
    spoiled = bytearray(FULL)
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(spoiled) - 1))
        spoiled[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=6))
    record = made(mail(bytes(spoiled))).record
    assert record.error is None
    assert avro.decode(avro.encode(record)) == record
    assert record.attachments[0].name == "winmail.dat"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_rtf(data: bytes) -> None:
    header = struct.pack("<II4sI", len(data) + 12, 10_000, b"LZFu", 0)
    rtf_to_text(decompress_rtf(header + data))
    rtf_to_text(data)


def test_rtf_that_is_not_compressed() -> None:
    assert decompress_rtf(tnef.uncompressed_rtf(rb"{\rtf1 x}")) == rb"{\rtf1 x}"


@pytest.mark.parametrize(
    ("rtf", "text"),
    [
        (rb"{\rtf1\ansi\ansicpg1252 Gr\'fc\'dfe}", "Grüße"),
        (rb"{\rtf1\ansicpg932 \'93\'fa\'96\'7b}", "日本"),
        (rb"{\rtf1 \u8364?5\par x\tab y}", "€5\nx\ty"),
        (rb"{\rtf1{\fonttbl{\f0 Arial;}}{\*\generator Riched20;}seen\{\}\\}", "seen{}\\"),
        (rb"{\rtf1 {\*\htmltag64 <p>}seen{\*\htmltag72 </p>}\htmlrtf\par\htmlrtf0 on}", "seen\non"),
        (b"{\\rtf1 a\r\nb}", "ab"),
        (b"{" * 5000 + b"x", "x"),
        (b"\\", ""),
    ],
)
def test_rtf_as_text(rtf: bytes, text: str) -> None:
    assert rtf_to_text(rtf) == text


@pytest.mark.parametrize(
    ("code_page", "charset"), [(1251, "cp1251"), (65001, "utf-8"), (28592, "iso-8859-2")]
)
def test_code_pages(code_page: int, charset: str) -> None:
    assert charset_of(code_page) == charset
