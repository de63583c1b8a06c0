"""The standard library reads texts, HTML, pictures and files back from our messages."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage, MIMEPart
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postrail.notifications.mime.fields import parameter
from postrail.notifications.mime.parts import File, Part, whole_body

HTML = "<p>We have it as <b>DEMO-1</b>.</p>"
PICTURE = File(
    name="fire.png", content_type="image/png", data=b"\x89PNG", content_id="fire@desk", inline=True
)
REPORT = File(name="report.pdf", content_type="application/pdf", data=b"%PDF-1.7")
ORIGINAL = b"Subject: Fire\r\n\r\nIt burns.\r\n"


def read(part: Part) -> EmailMessage:
    raw = "\r\n".join(["MIME-Version: 1.0", *part.fields]).encode() + b"\r\n\r\n" + part.body
    return email.message_from_bytes(raw, policy=email.policy.SMTP)


def shape(message: MIMEPart) -> Any:
    """Returns the type of a message, with those of its parts."""
    if message.get_content_maintype() != "multipart":
        return message.get_content_type()
    return [message.get_content_subtype(), *map(shape, message.iter_parts())]


@pytest.mark.parametrize(
    ("html", "files", "original", "shaped"),
    [
        ("", [], None, "text/plain"),
        (HTML, [], None, ["alternative", "text/plain", "text/html"]),
        # a picture of the HTML stands beside it
        (
            HTML,
            [PICTURE],
            None,
            ["alternative", "text/plain", ["related", "text/html", "image/png"]],
        ),
        # files come last, pictures that no HTML shows included
        (
            HTML,
            [REPORT],
            None,
            ["mixed", ["alternative", "text/plain", "text/html"], "application/pdf"],
        ),
        ("", [PICTURE], None, ["mixed", "text/plain", "image/png"]),
        (
            HTML,
            [PICTURE, REPORT],
            ORIGINAL,
            [
                "mixed",
                ["alternative", "text/plain", ["related", "text/html", "image/png"]],
                "application/pdf",
                "message/rfc822",
            ],
        ),
    ],
)
def test_the_parts_stand_in_the_order_of_rfc_2046(
    html: str, files: list[File], original: bytes | None, shaped: Any
) -> None:
    body = whole_body("We have it as DEMO-1.", html, files, original)
    assert shape(read(body)) == shaped
    assert whole_body("We have it as DEMO-1.", html, files, original) == body


@pytest.mark.parametrize(
    ("declared", "written"),
    [
        ("application/pdf", "application/pdf"),
        ("Text/HTML", "text/html"),
        # base64 is not allowed for these
        ("message/rfc822", "application/octet-stream"),
        ("multipart/mixed", "application/octet-stream"),
        ("x\r\nBcc: a@example.org", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_the_type_of_a_file_is_one_that_can_be_written(declared: str, written: str) -> None:
    message = read(whole_body("", "", [File(name="a", content_type=declared, data=b"x")], None))
    _, part = message.iter_parts()
    assert part.get_content_type() == written
    assert part["Bcc"] is None


@settings(max_examples=200, deadline=None)
@given(name=st.text(max_size=260), content_id=st.text(max_size=80), data=st.binary(max_size=200))
def test_any_file_is_read_back(name: str, content_id: str, data: bytes) -> None:
    file = File(name=name, content_type="image/png", data=data, content_id=content_id)
    message = read(whole_body("Text", "", [file], None))
    _, part = message.iter_parts()
    assert part.get_payload(decode=True) == data
    assert {field.lower() for field in part} <= {
        "content-type",
        "content-transfer-encoding",
        "content-disposition",
        "content-id",
    }
    assert part.get_filename()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("report 1.pdf", ';\r\n filename="report 1.pdf"'),
        ('a"b.pdf', ";\r\n filename*=utf-8''a%22b.pdf"),
        ("Übersicht.pdf", ";\r\n filename*=utf-8''%C3%9Cbersicht.pdf"),
        ("a\r\nBcc: x", ";\r\n filename*=utf-8''a%20Bcc%3A%20x"),
    ],
)
def test_names_of_files(value: str, written: str) -> None:
    assert parameter("filename", value) == written


def test_a_long_name_is_several_lines() -> None:
    lines = parameter("filename", "報告書" * 20).split("\r\n")
    assert max(map(len, lines)) <= 78
    message = email.message_from_string(
        "Content-Disposition: attachment" + parameter("filename", "報告書" * 20),
        policy=email.policy.default,
    )
    assert message.get_filename() == "報告書" * 20
