"""Tricks and faults in a header that its readers are told of: none of them is trusted."""

from __future__ import annotations

import re
from collections.abc import Iterator

from postrail.records import Address
from services.parser.headers import Header

# RFC 5322, 3.6: at most once each.
ONCE = ("from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
ENCODED_ADDRESS = re.compile(r"<[^<>]{0,500}=\?[^<>]{0,500}>")
ADDRESS_IN_NAME = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.")


def header_defects(header: Header, sender: Address | None) -> list[str]:
    """What is wrong with a header, as words."""
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
        if CONTROLS.search(field.raw):
            yield f"control characters in {field.name[:40]}"
            break
    if any(ENCODED_ADDRESS.search(field.raw) for field in header.all("from")):
        yield "an encoded word in the address of From"
    if sender and ADDRESS_IN_NAME.search(sender.name) and sender.address not in sender.name:
        yield "another address in the name of From"
