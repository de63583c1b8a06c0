"""Recognizes what Exchange serves in place of a message that it cannot convert: a stand-in.

Its bytes in, what it says about the real message out. The real message is still in the mailbox, and
the server may deliver it later. The text is in the server's language; the sender and the name of
the protocol are the same in all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser

# "Microsoft Exchange Server", with or without its year.
MADE_BY = "Microsoft Exchange"
PROTOCOL = re.compile(r"(?<![A-Za-z])(?:IMAP4?|POP3)", re.IGNORECASE)
ADDRESS = re.compile(r"@[\w-]+\.\w")
# The number of the message ends the subject.
NUMBER = re.compile(r"[:\uff1a]\s*\d{1,12}\s*\Z")
# A stand-in was never sent, so that it lacks what each sent message has.
OF_SENT_MESSAGES = {"received", "message-id"}
# Stand-ins have about 700 bytes.
BYTES_MAX = 16 * 1024
# Fields of the real message, by lines of any language: Subject: "Lamp", From: "Ann" ("ann@b.c").
QUOTED_LINE = re.compile(r"^[^\W\d_][^:\uff1a\"\n]{0,40}[:\uff1a][ \t]*[\"\u201c](.*)$", re.M)
ADDRESS_IN_LINE = re.compile(r"[^\s\"()<>@]{1,64}@[^\s\"()<>@]{1,255}")
QUOTES = '" \t\r\u201d'
FIELD_MAX_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class StandIn:
    """What a stand-in says about the real message; "" for what it does not know."""

    subject: str
    # The address.
    sender: str


def is_stand_in(sender: str, subject: str, names: Iterable[str]) -> bool:
    """Tells a stand-in by its decoded fields and the names (in lower case) of all of its fields."""
    if MADE_BY not in sender or not PROTOCOL.search(subject):
        return False
    is_its_own = not ADDRESS.search(sender) or NUMBER.search(subject) is not None
    return is_its_own and OF_SENT_MESSAGES.isdisjoint(names)


def read_stand_in(content: bytes) -> StandIn | None:
    """Reads a stand-in; returns None for any other message."""
    if MADE_BY.encode() not in content[:BYTES_MAX]:
        return None
    stand_in = BytesHeaderParser().parsebytes(content[:BYTES_MAX])
    sender, subject = _decoded(stand_in, "from"), _decoded(stand_in, "subject")
    if not is_stand_in(sender, subject, {name.lower() for name in stand_in.keys()}):  # noqa: SIM118
        return None
    return _known(_text_of(stand_in))


def _decoded(message: Message, name: str) -> str:
    value = str(message.get(name, ""))
    try:
        return str(make_header(decode_header(value)))
    # The stdlib raises each of these on some kind of junk.
    except (LookupError, ValueError, MessageError):
        return value


def _text_of(message: Message) -> str:
    payload = message.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(message.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):
        return payload.decode(errors="replace")


def _known(text: str) -> StandIn:
    quoted = [found.group(1) for found in QUOTED_LINE.finditer(text)]
    subject = quoted[0].strip(QUOTES)[:FIELD_MAX_CHARACTERS] if quoted else ""
    sender = ADDRESS_IN_LINE.search(quoted[1]) if len(quoted) > 1 else None
    return StandIn(subject, sender.group() if sender else "")
