"""An attached original is the same, byte for byte, whatever it is."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postrail.courier.smtp_dialogue import dot_stuffed
from postrail.notifications.mime.message import MessageParts, build_message

PLAIN = b"Subject: Fire\r\nFrom: ada@example.org\r\n\r\nIt burns.\r\n"


def built(original: bytes, text: str = "Sent on.") -> bytes:
    return build_message(
        MessageParts(
            message_id="<postrail.1.abc@example.org>",
            date=datetime(2026, 11, 30, tzinfo=UTC),
            from_name="Help desk",
            from_address="help@example.org",
            to="boss@example.net",
            subject="Fwd: Fire",
            text=text,
            in_reply_to=None,
            references=[],
            original=original,
        )
    )


def attachment(message: bytes) -> tuple[str, str, bytes]:
    """Returns type, encoding and content of the attachment, as a server receives them."""
    received = dot_stuffed(message).replace(b"\r\n..", b"\r\n.")
    whole = email.message_from_bytes(received, policy=policy.SMTP)
    assert isinstance(whole, EmailMessage)
    _, part = whole.iter_parts()
    boundary = b"--" + str(whole.get_boundary()).encode()
    _, _, attached, end = received.split(boundary)
    assert end == b"--\r\n"
    content = attached.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n")
    encoding = part["Content-Transfer-Encoding"]
    if encoding == "base64":
        content = part.get_content()
    return part.get_content_type(), encoding, content


@pytest.mark.parametrize(
    ("original", "content_type", "encoding"),
    [
        (PLAIN, "message/rfc822", "7bit"),
        (PLAIN.replace(b"burns", "brennt lichterloh, Ärger".encode()), "message/rfc822", "8bit"),
        (PLAIN.replace(b"burns", b"\xff\xfe"), "message/rfc822", "8bit"),
        # without a line end, with dots, and as long as a line may be
        (PLAIN.rstrip(), "message/rfc822", "7bit"),
        (PLAIN + b".\r\n..\r\n", "message/rfc822", "7bit"),
        (PLAIN + b"x" * 998, "message/rfc822", "7bit"),
        # what SMTP would change
        (PLAIN + b"x" * 999, "application/octet-stream", "base64"),
        (PLAIN + b"a\nb", "application/octet-stream", "base64"),
        (PLAIN + b"a\rb", "application/octet-stream", "base64"),
        (PLAIN + b"\x00", "application/octet-stream", "base64"),
        (b"", "message/rfc822", "7bit"),
    ],
)
def test_the_original_arrives_as_it_was(original: bytes, content_type: str, encoding: str) -> None:
    assert attachment(built(original)) == (content_type, encoding, original)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([b"a", b".", b"\r\n", b"\n", b"\xe4", b"--", b"\x00", b" "])))
def test_any_bytes_arrive_as_they_were(pieces: list[bytes]) -> None:
    original = b"".join(pieces)
    assert attachment(built(original))[2] == original


def test_a_message_around_a_message_of_ours_has_another_boundary() -> None:
    inner = built(PLAIN)
    outer = built(inner, text=inner.decode())
    assert attachment(outer)[2] == inner


def test_it_says_that_it_is_automatic_and_is_the_same_each_time() -> None:
    message = email.message_from_bytes(built(PLAIN), policy=policy.SMTP)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == "<postrail.1.abc@example.org>"
    assert message.get_content_type() == "multipart/mixed"
    assert built(PLAIN) == built(PLAIN)
