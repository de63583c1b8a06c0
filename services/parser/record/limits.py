"""The limits of a record: lists and texts of any length in, what fits into Kafka out.

The lists stay below the 1 MiB that a record may have, together with the inline bodies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from postrail.message_parts import (
    Address,
    AuthenticationResult,
    BouncedRecipient,
    CalendarEvent,
    HeaderField,
)
from services.parser.content.attachments import AttachedFile

BODIES_INLINE_MAX_BYTES = 400 * 1024
# The beginning of a text in a blob, which is in the record for conditions and field commands.
BEGINNING_CHARACTERS = 16_000
HEADERS_MAX_BYTES = 64 * 1024
HEADER_VALUE_MAX_BYTES = 8 * 1024
HEADER_NAME_MAX_BYTES = 200
ATTACHMENTS_MAX_BYTES = 96 * 1024
SIGNATURES_MAX_BYTES = 8 * 1024
REPLY_INLINE_MAX_BYTES = 100 * 1024
BOUNCED_MAX_BYTES = 32 * 1024
AUTHENTICATION_MAX_BYTES = 16 * 1024
EVENTS_MAX_BYTES = 48 * 1024
CHARSETS_MAX = 10
ADDRESSES_MAX_BYTES = 32 * 1024
IDS_MAX_BYTES = 16 * 1024
DEFECTS_MAX = 20
ERROR_MAX_BYTES = 1000
RAW_INLINE_MAX_BYTES = 400 * 1024
# The most bytes that Avro and fixed fields add to an entry of a list.
ENTRY_BYTES = 100

Item = TypeVar("Item")


def fitting(
    items: Iterable[Item],
    max_bytes: int,
    bytes_of: Callable[[Item], int],
    name: str,
    defects: list[str],
) -> list[Item]:
    """Returns the first items that fit into `max_bytes`; adds a defect if the list is cut."""
    kept: list[Item] = []
    bytes_left = max_bytes
    for item in items:
        bytes_left -= bytes_of(item) + ENTRY_BYTES
        if bytes_left < 0:
            defects.insert(0, f"{name} cut at {len(kept)}")
            break
        kept.append(item)
    return kept


def beginning_of(text: str) -> str:
    """Returns the first characters of a text; where it is cut, it ends with a whole line."""
    if len(text) <= BEGINNING_CHARACTERS:
        return text
    first = text[:BEGINNING_CHARACTERS]
    return first.rpartition("\n")[0] or first


def text_bytes(text: str) -> int:
    """Counts the bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def address_bytes(address: Address) -> int:
    """Counts the bytes of an address and its name."""
    return text_bytes(address.name) + text_bytes(address.address)


def recipient_bytes(one: BouncedRecipient) -> int:
    """Counts the bytes of a bounced recipient."""
    texts = (one.address, one.action, one.status, one.status_class, one.reason)
    return sum(text_bytes(text) for text in texts)


def result_bytes(one: AuthenticationResult) -> int:
    """Counts the bytes of an authentication result."""
    texts = (one.server, one.method, one.result, *one.properties)
    return sum(text_bytes(text) for text in texts)


def field_bytes(field: HeaderField) -> int:
    """Counts the bytes of a header field."""
    return text_bytes(field.name) + text_bytes(field.value)


def file_bytes(file: AttachedFile) -> int:
    """Counts the bytes of what a record says about an attachment, without its content."""
    texts = (
        file.name,
        file.original_name,
        file.content_type,
        file.content_id or "",
        file.unpacked_from,
    )
    return sum(text_bytes(text) for text in texts)


def event_bytes(event: CalendarEvent) -> int:
    """Counts the bytes of an event with its people."""
    people = [*event.attendees, *([event.organiser] if event.organiser else [])]
    texts = (
        event.uid,
        event.summary,
        event.location,
        event.zone,
        event.recurrence,
        event.description,
        event.comment,
        event.link,
    )
    return sum(text_bytes(text) for text in texts) + sum(
        address_bytes(one) + ENTRY_BYTES for one in people
    )
