"""The bytes of small and large messages."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest

from services.parser.mime import raw_bytes as view
from services.parser.mime.raw_bytes import READ_MAX, chunks_of, view_of, view_of_chunks
from services.parser.parse import parse


@pytest.mark.parametrize(
    ("size", "kind"), [(0, bytes), (READ_MAX, bytes), (READ_MAX + 1, mmap.mmap)]
)
def test_many_bytes_are_mapped(tmp_path: Path, size: int, kind: type) -> None:
    file = tmp_path / "mail.eml"
    file.write_bytes(b"x" * size)
    with file.open("rb") as opened:
        found = view_of(opened)
    file.unlink()
    assert isinstance(found, kind)
    assert found[:] == b"x" * size
    joined = view_of_chunks(chunks_of(found), size)
    assert isinstance(joined, kind)
    assert joined[:] == b"x" * size


@pytest.mark.parametrize(
    ("data", "pieces"),
    [
        (b"", [b""]),
        (b"abcd", [b"abcd"]),
        (b"a\nbcdef", [b"a\n", b"bcde", b"f"]),
        (b"a\rbcd", [b"a\r", b"bcd"]),
        (b"\r\n\r\nx", [b"\r\n\r\n", b"x"]),
    ],
)
def test_chunks_end_with_lines(
    data: bytes, pieces: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "CHUNK", 4)
    assert list(chunks_of(data)) == pieces


# A normal header; the line ends of old Macs; a header line that is not a field.
@pytest.mark.parametrize(
    "head", [b"Subject: s\n\n", b"Subject: s\r\r", b"Subj\xffect\nSubject: s\n\n"]
)
def test_a_mapped_mail_is_parsed_as_one_in_memory(tmp_path: Path, head: bytes) -> None:
    mail = head + b"text" * (READ_MAX // 4)
    file = tmp_path / "mail.eml"
    file.write_bytes(mail)
    with file.open("rb") as opened:
        mapped = view_of(opened)
    assert isinstance(mapped, mmap.mmap)
    found, expected = parse(mapped), parse(mail)
    assert (found.subject, found.content.text) == ("s", "text" * (READ_MAX // 4))
    assert found.fingerprint == expected.fingerprint
    assert found.defects == expected.defects
