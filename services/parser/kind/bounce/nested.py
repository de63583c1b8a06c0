"""Bounces within a bounce: attachments in, the messages among them that are bounces out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.parser.content.attachments import AttachedFile
from services.parser.content.parts import read_parts
from services.parser.mime.addresses import read_sender
from services.parser.mime.headers import Header
from services.parser.mime.raw_bytes import View
from services.parser.mime.repair import header_of, read_any_structure

MESSAGES_MAX = 5
MESSAGE_MAX = 256 * 1024
SYSTEMS = ("mailer-daemon", "mailerdaemon", "mail-daemon", "postmaster")


@dataclass(frozen=True, slots=True)
class NestedBounce:
    """A bounce that a gateway sends on within its own."""

    data: View
    header: Header
    text: str
    files: list[AttachedFile]


def nested_bounces(files: Sequence[AttachedFile]) -> Iterator[NestedBounce]:
    """Yields the attached messages that are reports or that mail systems sent."""
    messages = [file for file in files if file.content_type == "message/rfc822"]
    for file in messages[:MESSAGES_MAX]:
        data = file.source.first(MESSAGE_MAX)
        root = read_any_structure(data)
        header = header_of(root)
        sender = read_sender(header)
        local_part = sender.address.partition("@")[0].lower() if sender else ""
        if root.content_type.value == "multipart/report" or local_part in SYSTEMS:
            content = read_parts(root)
            yield NestedBounce(data, header, content.text, content.attachments)
