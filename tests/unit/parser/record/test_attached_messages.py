"""The headers of attached messages are in the record, for forwards."""

from __future__ import annotations

from postrail.message_parts import Address, AttachedMessage
from postrail.stream import avro
from tests.makers.parsing import made

HEAD = (
    "From: agent@desk.example\nSubject: please see\nMIME-Version: 1.0\n"
    "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nFYI\n"
)
ATTACHED = (
    "--b\nContent-Type: message/rfc822\n\nFrom: Mona <mona@customer.example>\n"
    "Subject: =?utf-8?q?F=C3=BCr?= Sie\nMessage-ID: <m1@customer.example>\n\nIt burns.\n"
)
JUNK = "--b\nContent-Type: message/rfc822\n\nnothing\n"
MONA = AttachedMessage(
    sender=Address(name="Mona", address="mona@customer.example"),
    subject="Für Sie",
    message_id="<m1@customer.example>",
)


def test_the_first_attached_messages_are_in_the_record() -> None:
    record = made(f"{HEAD}{ATTACHED}{JUNK}--b--\n".encode()).record
    assert record.attached_messages[0] == MONA
    assert record.attached_messages[1:] == [
        AttachedMessage(sender=None, subject="", message_id=None)
    ]
    assert avro.decode(avro.encode(record)) == record
    many = made(f"{HEAD}{ATTACHED * 20}--b--\n".encode()).record
    assert len(many.attached_messages) == 5


def test_other_messages_have_none() -> None:
    assert made(f"{HEAD}--b--\n".encode()).record.attached_messages == []


def test_a_long_attached_message_is_cut() -> None:
    long = ATTACHED.replace("Sie", "x" * 100_000)
    (one,) = made(f"{HEAD}{long}--b--\n".encode()).record.attached_messages
    assert len(one.subject) <= 300
