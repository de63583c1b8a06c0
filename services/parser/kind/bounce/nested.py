"""Bounces within a bounce: attachments in, the messages among them that are bounces out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.parser.content.attachments import AttachedFile
from services.parser.content.parts import read_parts
from services.parser.kind.bounce.notice import is_system
from services.parser.kind.bounce.words import SUBJECT
from services.parser.mime.addresses import read_addresses, read_sender
from services.parser.mime.headers import Header
from services.parser.mime.raw_bytes import View
from services.parser.mime.repair import header_of, read_any_structure

MESSAGES_MAX = 5
MESSAGE_MAX = 256 * 1024


@dataclass(frozen=True, slots=True)
class NestedBounce:
    """A bounce that a gateway sends on within its own."""

    data: View
    header: Header
    text: str
    files: list[AttachedFile]


def nested_bounces(header: Header, files: Sequence[AttachedFile]) -> Iterator[NestedBounce]:
    """Yields the attached messages that are bounces; `header` is that of the bounce around them."""
    returned_to = {one.address.lower() for one in read_addresses(header.all("to"))}
    messages = [file for file in files if file.content_type == "message/rfc822"]
    for file in messages[:MESSAGES_MAX]:
        data = file.source.first(MESSAGE_MAX)
        root = read_any_structure(data)
        inner = header_of(root)
        is_report = root.content_type.value == "multipart/report"
        if is_report or _is_notice(inner, returned_to):
            content = read_parts(root)
            yield NestedBounce(data, inner, content.text, content.attachments)


def _is_notice(header: Header, returned_to: set[str]) -> bool:
    """Tells a notice of a mail system from a message that was returned to its sender."""
    sender = read_sender(header)
    address = sender.address.lower() if sender else ""
    if is_system(address):
        return True
    # People write from "postmaster", too.
    if not address.startswith("postmaster@") or address in returned_to:
        return False
    is_null = header.value("return-path").strip() == "<>"
    return is_null or bool(SUBJECT.search(header.value("subject")))
