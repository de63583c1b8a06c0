"""S/MIME: contents in all encodings, and broken structures."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postrail.stream import avro
from services.parser.content import smime
from services.parser.content.smime import CmsMessage, read_cms
from services.parser.content.unpack import CONTAINER_DEPTH_MAX, CONTAINER_MAX_BYTES
from tests.makers.cms import ber, compressed, der, in_pieces, signed
from tests.makers.parsing import made

CONTENT = b"Content-Type: text/plain\r\n\r\nInside."


def p7m(content: bytes, content_type: str = "application/pkcs7-mime") -> bytes:
    head = f"Content-Type: {content_type}; name=smime.p7m\nContent-Transfer-Encoding: base64\n\n"
    return head.encode() + base64.encodebytes(content)


@pytest.mark.parametrize(
    "data",
    [
        signed(der(4, CONTENT)),
        signed(der(4, CONTENT), definite=False),
        signed(in_pieces(CONTENT, 5), definite=False),
        signed(in_pieces(CONTENT, 1)),
        # Nested segments, with and without lengths.
        signed(ber(0x24, der(0x24, der(4, CONTENT[:3])), ber(0x24, der(4, CONTENT[3:])))),
        # PEM, and base64 that no field declares.
        b"-----BEGIN PKCS7-----\n" + base64.encodebytes(signed(der(4, CONTENT * 9)))
        + b"-----END PKCS7-----\n",
        base64.encodebytes(signed(der(4, CONTENT * 9))),
    ],
)  # fmt: skip
def test_the_content_of_a_signature(data: bytes) -> None:
    cms = read_cms(data)
    assert (cms.kind, cms.whole) == ("signed", True)
    assert cms.content in (CONTENT, CONTENT * 9)


def test_compressed_content_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_cms(compressed(CONTENT)) == CmsMessage("compressed", CONTENT)
    monkeypatch.setattr(smime, "INFLATED_MAX_BYTES", 1000)
    assert read_cms(compressed(bytes(1001))) == CmsMessage("compressed", bytes(1000), whole=False)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", CmsMessage("")),
        (b"\x30", CmsMessage("")),
        (der(0x30, der(6, b"other")), CmsMessage("")),
        # Without content: a detached signature, or certificates only.
        (signed(None), CmsMessage("signed")),
        (signed(None, definite=False), CmsMessage("signed")),
        (signed(der(2, b"no string")), CmsMessage("signed", None, whole=False)),
        (signed(ber(0x24, der(2, b"no string"))), CmsMessage("signed", b"", whole=False)),
        # A length beyond the end, and one beyond all bounds.
        (signed(der(4, b"x"))[:52] + b"\x04\x7fy", CmsMessage("signed", b"y", whole=False)),
        (
            signed(der(4, b"x"))[:52] + b"\x04\xfe" + bytes(9),
            CmsMessage("signed", None, whole=False),
        ),
        (b"\x30\x80" * 100_000, CmsMessage("")),
    ],
)
def test_broken_structures(data: bytes, expected: CmsMessage) -> None:
    assert read_cms(data) == expected


@pytest.mark.parametrize(
    "data", [signed(in_pieces(CONTENT, 7), definite=False), compressed(CONTENT)]
)
def test_a_truncated_structure_gives_its_beginning(data: bytes) -> None:
    for end in range(len(data)):
        content = read_cms(data[:end]).content
        assert content is None or CONTENT.startswith(content)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from([b"\x30\x80", b"\xa0\x80", b"\x24\x80", b"\x04\x02", b"\0\0", b"\x30\x84",
                         signed(in_pieces(CONTENT, 9), definite=False)[:40], b"MI", b"\xff"])
        | st.binary(max_size=6),
        max_size=30,
    ).map(b"".join)
)  # fmt: skip
def test_any_bytes(data: bytes) -> None:
    read_cms(data)
    record = made(p7m(data)).record
    assert record.error is None
    assert avro.decode(avro.encode(record)) == record
    assert record.attachments[0].name == "smime.p7m"


def test_nested_signatures_are_unpacked_up_to_a_depth() -> None:
    data = CONTENT
    for _ in range(CONTAINER_DEPTH_MAX + 3):
        data = p7m(signed(der(4, data)))
    record = made(data).record
    assert record.text == ""
    assert len(record.attachments) == CONTAINER_DEPTH_MAX + 1


def test_an_oversized_signature_is_kept_whole() -> None:
    record = made(p7m(signed(der(4, CONTENT + bytes(CONTAINER_MAX_BYTES))))).record
    assert [one.name for one in record.attachments] == ["smime.p7m"]
    assert "smime.p7m: too large to unpack: kept whole" in record.defects


@pytest.mark.parametrize(
    "family",
    [
        lambda n: b"\x30\x80" * n,
        lambda n: signed(ber(0x24, b"\x04\x01x" * n)),
        lambda n: signed(b"\x24\x80" * n),
        # digestAlgorithms that never end.
        lambda n: b"\x30\x80\x06\x09" + bytes.fromhex("2a864886f70d010702") + b"\xa0\x80\x30\x80"
        + b"\x02\x01\x01" + b"\x31\x80" * n,
    ],
)  # fmt: skip
def test_the_time_is_linear(family: object) -> None:
    assert callable(family)
    times = []
    for n in (20_000, 80_000):
        data = family(n)
        started = time.process_time()
        read_cms(data)
        times.append(time.process_time() - started)
    assert times[1] < 6 * times[0] + 0.05
