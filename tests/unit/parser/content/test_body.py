"""Which parts are pieces of the body, and which of these are HTML."""

from __future__ import annotations

import pytest

from services.parser.content.body import is_body, is_html
from services.parser.mime.structure import read_structure


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", True),
        ("Content-Type: text/plain", True),
        ("Content-Type: text/html", True),
        ("Content-Type: text/plane", True),
        ("Content-Type: text/markdown", True),
        ("Content-Type: text/x-unknown; charset=utf-8", True),
        ("Content-Type: test/plain", True),
        ("Content-Type: text", True),
        ("Content-Type: text/plane; name=a.txt", False),
        ("Content-Type: text/plane\nContent-Disposition: attachment", False),
        ("Content-Type: text/plain\nContent-Disposition: inline; filename=a.txt", False),
        ("Content-Type: text/calendar", False),
        ("Content-Type: text/x-vcard", False),
        ("Content-Type: text/csv", False),
        ("Content-Type: text/rfc822-headers", False),
        ("Content-Type: text/x-amp-html", False),
        ("Content-Type: application/octet-stream", False),
    ],
)
def test_pieces_of_the_body(header: str, expected: bool) -> None:
    assert is_body(read_structure(f"{header}\n\ntext".encode())) is expected


@pytest.mark.parametrize(
    ("content_type", "text", "expected"),
    [
        ("text/html", "text", True),
        ("test/html", "text", True),
        ("text/htm", "<html><p>a", True),
        ("text/x-page", "\n <!DOCTYPE HTML PUBLIC>", True),
        ("html", "<HTML>", True),
        ("text/plain", "<html> is the first tag", False),
        ("text/x-page", "<htmlx>", False),
        ("text/markdown", "# Title", False),
    ],
)
def test_html(content_type: str, text: str, expected: bool) -> None:
    part = read_structure(f"Content-Type: {content_type}\n\n".encode())
    assert is_html(part, text) is expected
