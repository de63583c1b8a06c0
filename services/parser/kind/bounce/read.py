"""Reads a bounce: a message in, its failed and delayed recipients out.

They come from its delivery status if it has one, else from its prose.
"""

from __future__ import annotations

from collections.abc import Sequence

from postrail.message_parts import Address, Bounce, BouncedRecipient
from services.parser.content.attachments import AttachedFile
from services.parser.kind.bounce.known_formats import known_recipients
from services.parser.kind.bounce.prose import Findings, read_prose
from services.parser.kind.bounce.status import read_status
from services.parser.mime.addresses import read_addresses, read_ids
from services.parser.mime.headers import Header, read_lines
from services.parser.mime.raw_bytes import View
from services.parser.text.decode import cut, decode, one_line

RECIPIENTS_MAX = 200
REASON_MAX_BYTES = 500
ADDRESS_MAX_BYTES = 512
# The header of a returned message is read up to here.
ORIGINAL_HEADER_MAX = 64 * 1024
RETURNED_TYPES = ("message/rfc822", "text/rfc822-headers", "message/global", "message/partial")


def read_bounce(
    data: View,
    header: Header,
    text: str,
    files: Sequence[AttachedFile],
    sender: Address | None,
) -> Bounce:
    """Returns the recipients of a bounce (possibly an empty list) and the message it is about."""
    prose = read_prose(text, _ours(header))
    recipients = read_status(files)
    if not recipients:
        recipients = _from_prose(data, header, prose, sender)
    return Bounce(
        recipients=[_bounded(one) for one in _each_once(recipients)[:RECIPIENTS_MAX]],
        original_message_id=_original_id(header, files, prose),
    )


def _ours(header: Header) -> set[str]:
    """Returns the addresses that the bounce was sent to: they sent the returned message."""
    names = ("to", "delivered-to", "x-original-to", "envelope-to")
    return {one.address.lower() for name in names for one in read_addresses(header.all(name))}


def _from_prose(
    data: View, header: Header, prose: Findings, sender: Address | None
) -> list[BouncedRecipient]:
    delayed, failed = known_recipients(data, header, sender)
    action = "delayed" if prose.delayed and not failed else "failed"
    addresses = delayed or failed or prose.addresses
    return [
        BouncedRecipient(
            address=prose.original_address(address),
            action="delayed" if address in delayed else action,
            status=prose.status_of(address),
            hard=address not in delayed and action == "failed",
            reason=prose.reason_of(address),
        )
        for address in addresses
    ]


def _each_once(recipients: Sequence[BouncedRecipient]) -> list[BouncedRecipient]:
    found: dict[str, BouncedRecipient] = {}
    for one in recipients:
        found.setdefault(one.address.lower(), one)
    return list(found.values())


def _bounded(one: BouncedRecipient) -> BouncedRecipient:
    return BouncedRecipient(
        address=cut(one_line(one.address), ADDRESS_MAX_BYTES),
        action=one.action,
        status=one.status,
        hard=one.hard,
        reason=cut(one_line(one.reason), REASON_MAX_BYTES),
    )


def _original_id(header: Header, files: Sequence[AttachedFile], prose: Findings) -> str | None:
    """Finds the Message-ID in the returned message or its header, else in the bounce itself."""
    for file in files:
        if file.content_type in RETURNED_TYPES:
            returned = read_lines(decode(file.source.first(ORIGINAL_HEADER_MAX), None))
            if found := read_ids(returned.all("message-id")):
                return found[0]
    if prose.original_message_id:
        return prose.original_message_id
    for name in ("x-original-message-id", "in-reply-to", "references"):
        if found := read_ids(header.all(name)):
            return found[-1]
    return None
