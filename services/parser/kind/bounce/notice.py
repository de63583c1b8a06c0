"""The text of a bounce: a text in, the notice and the header of the returned message out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.parser.kind.bounce.codes import codes_of
from services.parser.kind.bounce.words import MACHINES, RETURNED_MAIL
from services.parser.mime.addresses import read_ids
from services.parser.mime.headers import Field, Header, header_in

LINES_MAX = 400
LINE_MAX = 1000
# The header of a returned message is read up to here.
RETURNED_LINES_MAX = 200
ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
MESSAGE_ID = re.compile(
    r"^[ \t>|]*message-id:[ \t]*(<[^<>\s]{1,900}>)", re.IGNORECASE | re.MULTILINE
)
PREFIX = re.compile(r"^(?:smtp|rfc822|to|rcpt|recipient|e?mail|address)=", re.IGNORECASE)
MARKS = re.compile(r"^[>|]?[ \t>|]{0,20}")
# Mail servers write these fields; a notice that lists other fields of the message goes on below.
SERVER_FIELD = re.compile(
    r"(?:Received|Return-Path|DKIM-Signature|Message-ID|MIME-Version|Content-Type|X-[\w-]{1,60})"
    r"[ \t]?:",
    re.IGNORECASE,
)
# Only these begin a header above which no address and no code was given.
TRACE_FIELD = re.compile(r"(?:Received|Return-Path)[ \t]?:", re.IGNORECASE)
REPLY = re.compile(r"[ \t]{0,9}[45][0-7]\d[ -]")
INTRODUCED_HEADER = re.compile(r"following (?:message )?header(?: field)?s?:", re.IGNORECASE)
INTRODUCTION_LINES_MAX = 10
AUTHOR_FIELD = re.compile(r"(?:From|To|Cc|Subject|Date|Reply-To|Sender)[ \t]?:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Notice:
    """The lines in which a mail server says what happened, and what it returned."""

    lines: list[str]
    # The fields of the returned message, if they follow in the text.
    returned: Header
    # The first Message-ID in the text, if there is one.
    message_id: str | None
    # The beginning of the text.
    text: str


def read_notice(text: str) -> Notice:
    """Divides the text of a bounce above the returned message."""
    lines = [line[:LINE_MAX] for line in text[: LINES_MAX * LINE_MAX].split("\n")[:LINES_MAX]]
    lines = _without_introduced_header(lines)
    end = _end(lines)
    found = MESSAGE_ID.search(text[: LINES_MAX * LINE_MAX])
    ids = read_ids([Field("Message-ID", found.group(1), found.group(1))]) if found else [None]
    returned = _returned(lines[end : end + RETURNED_LINES_MAX])
    return Notice(lines[:end], returned, ids[0], text[: LINES_MAX * LINE_MAX])


def _without_introduced_header(lines: list[str]) -> list[str]:
    """Leaves out a header that the notice begins with, and goes on below."""
    for number, line in enumerate(lines[:INTRODUCTION_LINES_MAX]):
        if INTRODUCED_HEADER.search(line):
            start = next((i for i in range(number + 1, len(lines)) if lines[i].strip()), number)
            end = next((i for i in range(start, len(lines)) if not lines[i].strip()), start)
            return [*lines[:start], *lines[end:]]
    return lines


def _end(lines: list[str]) -> int:
    """Returns the number of lines above the returned message."""
    named = False
    for number, line in enumerate(lines):
        # Before the first address, such lines introduce the notice itself.
        if number and named and RETURNED_MAIL.search(line) and not _reply_follows(lines, number):
            return number
        if number > 1 and _header_begins(lines, number, named):
            return number
        named = named or bool(ADDRESS.search(line) or codes_of(line))
    return len(lines)


def _reply_follows(lines: list[str], number: int) -> bool:
    """Tells whether a line like a divider contains a server's reply, or one comes next."""
    below = next((line for line in lines[number + 1 : number + 3] if line.strip()), "")
    return bool(codes_of(lines[number]) or REPLY.match(below))


def _header_begins(lines: list[str], number: int, named: bool) -> bool:
    """Tells whether a server's field begins here, at once or below fields of the author."""
    pattern = SERVER_FIELD if named else TRACE_FIELD
    for line in lines[number : number + 8]:
        bare = MARKS.sub("", line)
        if pattern.match(bare):
            return True
        if not AUTHOR_FIELD.match(bare):
            return False
    return False


def _returned(lines: list[str]) -> Header:
    bare = [MARKS.sub("", line, count=1) if line[:1] in ">|" else line for line in lines]
    for number, line in enumerate(bare):
        if SERVER_FIELD.match(line.strip()) or AUTHOR_FIELD.match(line.strip()):
            # An indented header would look like continued lines.
            indent = len(line) - len(line.lstrip())
            return header_in("\n".join(one[indent:] or one for one in bare[number:]))
    return Header([])


def bare_address(found: str) -> str:
    """Returns an address without the signs around it; X.400 gateways write "SMTP=a@b.example"."""
    return PREFIX.sub("", found.strip(".'`*|"))


def is_system(address: str) -> bool:
    """Tells whether an address is one that sends notices, and hardly ever a recipient."""
    return address.partition("@")[0].lower() in MACHINES
