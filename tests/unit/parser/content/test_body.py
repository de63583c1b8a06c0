"""Which parts are pieces of the body, and which of these are HTML."""

from __future__ import annotations

import pytest

from services.parser.content.body import is_body, is_html
from services.parser.content.parts import read_parts
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


SHELL = "<html><body><br>&nbsp;</body></html>"


@pytest.mark.parametrize("others", [(), ("text/plain", "the words")])
@pytest.mark.parametrize("shell", [SHELL, "", "<style>p {}</style>"])
def test_html_without_words_does_not_replace_other_html(
    shell: str, others: tuple[str, ...]
) -> None:
    alternatives = [others] * bool(others) + [
        ("text/html", "<p>the words</p>"),
        ("text/html", shell),
    ]
    parts = "".join(f"--x\nContent-Type: {kind}\n\n{text}\n" for kind, text in alternatives)
    header = "Content-Type: multipart/alternative; boundary=x\n\n"
    content = read_parts(read_structure(f"{header}{parts}--x--\n".encode()))

    assert (content.text, content.html) == ("the words", "<p>the words</p>")


def test_of_two_forms_with_words_the_last_is_chosen() -> None:
    content = read_parts(
        read_structure(
            b"Content-Type: multipart/alternative; boundary=x\n\n--x\nContent-Type: text/html\n\n"
            b"<p>poor</p>\n--x\nContent-Type: text/html\n\n<p>rich</p>\n--x--\n"
        )
    )
    assert content.text == "rich"


DATA = "<?xml version='1.0' encoding='windows-1251'?><state>Дым в зале</state>"


@pytest.mark.parametrize("content_type", ["text/xml", "text/csv", "text/json"])
@pytest.mark.parametrize("disposition", ["", "Content-Disposition: inline\n"])
def test_data_alone_is_the_text(content_type: str, disposition: str) -> None:
    header = f"Content-Type: {content_type}\n{disposition}\n"
    content = read_parts(read_structure(header.encode() + DATA.encode("cp1251")))

    assert content.text == DATA
    assert content.attachments == []


@pytest.mark.parametrize(
    "header",
    [
        "Content-Type: text/xml; name=state.xml\n",
        "Content-Type: text/xml\nContent-Disposition: attachment\n",
        "Content-Type: multipart/mixed; boundary=x\n\n--x\n\nsee\n--x\nContent-Type: text/xml\n",
        "Content-Type: text/vcard\n",
        "Content-Type: text/calendar\n",
    ],
)
def test_data_that_is_a_file(header: str) -> None:
    content = read_parts(read_structure(f"{header}\n{DATA}".encode()))

    assert DATA not in content.text
    assert [file.content for file in content.attachments] == [DATA.encode()]


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
