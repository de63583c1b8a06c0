"""Finds the message that a report is about: its header fields and texts in, a Message-ID out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from postrail.notifications.mime.message_ids import OWN_ID, is_form_of_ours
from services.parser.content.attachments import AttachedFile
from services.parser.kind.bounce.notice import Notice
from services.parser.mime.addresses import read_ids
from services.parser.mime.headers import Header, header_in
from services.parser.text.decode import decode

# The header of a returned message is read up to here.
HEADER_MAX = 64 * 1024
RETURNED_MAX = 10
RETURNED_TYPES = (
    *("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"),
    "message/partial",
)
# Fields of a report that name the message, the most telling first.
FIELDS = ("x-original-message-id", "original-message-id", "in-reply-to", "references")
# Our id in a field of its own or in JSON; the messages that ours answer stand in other fields.
OWN_ID_NAMED = re.compile(
    rf"(?:message-?id|x-postrail-[\w-]{{1,30}})\b[^<]{{0,60}}({OWN_ID.pattern})", re.IGNORECASE
)


def returned_headers(files: Sequence[AttachedFile]) -> list[Header]:
    """Returns the headers of the messages that a report returns."""
    returned = [file for file in files if file.content_type in RETURNED_TYPES]
    return [
        header_in(decode(file.source.first(HEADER_MAX), None)) for file in returned[:RETURNED_MAX]
    ]


def original_id(
    header: Header, returned: Sequence[Header], notice: Notice, more: str = ""
) -> str | None:
    """Finds the Message-ID in the returned message or its header, else in the report itself.

    One of ours comes first, also from another field or a text: services such as Amazon SES give
    our messages Message-IDs of their own. `more` is a further text of the report.
    """
    found = list(_named(header, returned, notice))
    if own := next(filter(is_form_of_ours, found), None):
        return own
    fields = (f"{field.name}: {field.value}" for one in returned for field in one.fields)
    in_text = (
        match.group(1) for match in map(OWN_ID_NAMED.search, [*fields, notice.text, more]) if match
    )
    return next(in_text, None) or next(iter(found), None)


def _named(header: Header, returned: Sequence[Header], notice: Notice) -> Iterator[str]:
    for fields in returned:
        yield from read_ids(fields.all("message-id"))[:1]
    if notice.message_id:
        yield notice.message_id
    for name in FIELDS:
        yield from reversed(read_ids(header.all(name)))
