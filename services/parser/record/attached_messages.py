"""Reads the headers of attached messages: attachments in, sender, subject and id of each out."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.message_parts import AttachedMessage
from services.parser.content.attachments import AttachedFile
from services.parser.mime.addresses import read_message_id, read_sender
from services.parser.mime.repair import head_of, header_of, read_any_structure
from services.parser.text.decode import cut

# A forward has one or a few; a digest of a list may have hundreds.
MESSAGES_MAX = 5
HEADER_MAX_BYTES = 64 * 1024
SUBJECT_MAX_BYTES = 300


def attached_messages(files: Sequence[AttachedFile]) -> list[AttachedMessage]:
    """Returns the first messages among the attachments, in their order."""
    messages = [file for file in files if file.content_type == "message/rfc822"]
    return [_read(file) for file in messages[:MESSAGES_MAX]]


def _read(file: AttachedFile) -> AttachedMessage:
    header = header_of(read_any_structure(head_of(file.source.first(HEADER_MAX_BYTES))))
    return AttachedMessage(
        sender=read_sender(header),
        subject=cut(header.value("subject"), SUBJECT_MAX_BYTES),
        message_id=read_message_id(header.all("message-id")),
    )
