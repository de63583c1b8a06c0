"""Faults and tricks in a header: the decoded header in, a list of defects in words out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from postrail.message_parts import Address
from services.parser.mime.addresses import ADDRESSES_MAX, read_addresses
from services.parser.mime.headers import SUBJECT_MAX_BYTES, VALUE_MAX, Header, decode_words
from services.parser.text.decode import cut

# RFC 5322, 3.6: at most once each.
ONCE = (
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
)
# Also a lone carriage return, after which some programs read a new field.
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
DECODED_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# They reverse the reading direction, so that the shown text differs from the written one.
DIRECTION_MARKS = re.compile("[\u202a-\u202e\u2066-\u2069]")
ADDRESS_FIELDS = ("to", "cc", "bcc", "reply-to")
SHOWN_FIELDS = ("from", "sender", "reply-to", "to", "cc", "subject")
ENCODED_ADDRESS = re.compile(r"<[^<>]{0,500}=\?[^<>]{0,500}>")
ADDRESS_IN_NAME = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.")


def header_defects(header: Header, sender: Address | None) -> list[str]:
    """Describes each defect of a header in a few words."""
    return list(_defects(header, sender))


def _defects(header: Header, sender: Address | None) -> Iterator[str]:
    if sender is None:
        yield "no sender"
    if not header.value("date"):
        yield "no date"
    for name in ONCE:
        if (count := len(header.all(name))) > 1:
            yield f"{count} {name.title()} fields"
    for field in header.fields:
        # Most fields are printable and need no search.
        if not field.raw.isprintable() and _has_controls(field.raw):
            yield f"control characters in {field.name[:40]}"
            break
    yield from _encoded_tricks(header)
    yield from _cuts(header)
    if (count := _count_senders(header)) > 1:
        yield f"{count} addresses in From"
    if any(ENCODED_ADDRESS.search(field.raw) for field in header.all("from")):
        yield "an encoded word in the address of From"
    if sender and ADDRESS_IN_NAME.search(sender.name) and sender.address not in sender.name:
        yield "another address in the name of From"


def _encoded_tricks(header: Header) -> Iterator[str]:
    """Yields defects that only decoding reveals; unencoded they would break the header."""
    for name in SHOWN_FIELDS:
        for field in header.all(name)[:1]:
            if "=?" in field.raw and not _has_controls(field.raw) and _hides_controls(field.raw):
                yield f"encoded control characters in {field.name[:40]}"
            if not field.value.isascii() and DIRECTION_MARKS.search(field.value):
                yield f"characters in {field.name[:40]} that turn the reading direction"
            if "\ufffd" in field.value:
                yield f"characters of {field.name[:40]} were replaced"


def _cuts(header: Header) -> Iterator[str]:
    """Yields the fields of which only the beginning is read."""
    for field in header.fields:
        if len(field.raw) > VALUE_MAX:
            yield f"{field.name[:40]} cut at {VALUE_MAX}"
    subject = header.value("subject")
    if cut(subject, SUBJECT_MAX_BYTES) != subject:
        yield f"Subject cut at {SUBJECT_MAX_BYTES} bytes"
    for name in ADDRESS_FIELDS:
        fields = header.all(name)
        # Most fields are too short for that number.
        long = sum([len(field.raw) for field in fields]) >= ADDRESSES_MAX
        many = long and sum(field.raw.count("@") for field in fields) >= ADDRESSES_MAX
        if many and len(read_addresses(fields)) == ADDRESSES_MAX:
            yield f"{name.title()} cut at {ADDRESSES_MAX} addresses"


def _has_controls(raw: str) -> bool:
    return CONTROLS.search(raw) is not None


def _hides_controls(raw: str) -> bool:
    return DECODED_CONTROLS.search(decode_words(raw[:VALUE_MAX])) is not None


def _count_senders(header: Header) -> int:
    fields = header.all("from")[:1]
    return len(read_addresses(fields)) if fields and fields[0].raw.count("@") > 1 else 1
