"""Defects and tricks in headers."""

from __future__ import annotations

import pytest

from services.parser.parse import parse


@pytest.mark.parametrize(
    ("header", "defect"),
    [
        (b"From: a@b.example\nFrom: c@d.example", "2 From fields"),
        (b"From: a@b.example, c@d.example", "2 addresses in From"),
        (b"From: a@b.example\nReferences: <a@b>\nReferences: <c@d>", "2 References fields"),
        (b"From: a@b.example\nSubject: a\x00b", "control characters in Subject"),
        # Some programs read a new field after a lone carriage return.
        (b"From: a@b.example\nSubject: a\rBcc: c@d.example\n", "control characters in Subject"),
        (b"From: a@b.example\nSubject: =?utf-8?q?a=0D=0ABcc:_c?=",
         "encoded control characters in Subject"),
        (b"From: a@b.example\nSubject: =?utf-8?b?YQBi?=", "encoded control characters in Subject"),
        ("From: Ann \u202emoc.live <a@b.example>".encode(),
         "characters in From that turn the reading direction"),
        (b"From: boss@b.example <a@c.example>", "another address in the name of From"),
        (b"From: <=?utf-8?q?boss=40b.example?=@c.example>",
         "an encoded word in the address of From"),
        (b"From: a@b.example\nSubject: =?utf-8?q?gr=C3=BC=C3?=",
         "characters of Subject were replaced"),
        (b"From: a@b.example\nSubject: " + b"word " * 1000, "Subject cut at 4000 bytes"),
        (b"From: a@b.example\nCc: c@d.example," + b" " * 65536, "Cc cut at 65536"),
        (b"From: a@b.example\nTo: " + b"c@d.example, " * 201, "To cut at 200 addresses"),
    ],
)  # fmt: skip
def test_tricks_in_headers(header: bytes, defect: str) -> None:
    assert defect in parse(header + b"\nDate: Fri, 20 Nov 2026 10:12:40 +0100\n\n").defects


def test_a_plain_header_has_no_defect() -> None:
    header = (
        b"From: =?utf-8?q?=C3=84nn?= <a@b.example>\r\n"
        b"Subject: folded\r\n\tand =?utf-8?q?=C3=A4?=\r\n"
        b"Date: Fri, 20 Nov 2026 10:12:40 +0100\r\n\r\n"
    )
    assert parse(header).defects == []
