"""message/delivery-status (RFC 3464): attachments in, failed and delayed recipients out.

The fields are found in any position: Exchange and others send them as text, or in other messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from postrail.message_parts import BouncedRecipient
from services.parser.content.attachments import AttachedFile
from services.parser.mime.headers import Header, decode_value, read_lines
from services.parser.text.decode import decode, one_line, storable, unix_lines

STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
STATUS_MAX = 256 * 1024
GROUPS_MAX = 1000
STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
BLANK_LINE = re.compile(r"\n[ \t]*\n")
# The second is defined by RFC 6533.
ADDRESS_TYPES = {"rfc822", "utf-8"}
ADDRESS = re.compile(r"[^\s<>;,\"]{1,256}@[^\s<>;,\"()\[\]]{1,255}")
FAILED = ("fail", "error")
DELAYED = ("delay", "deferred")


def read_status(files: Sequence[AttachedFile]) -> list[BouncedRecipient]:
    """Returns the failed and delayed recipients of all status parts."""
    return [one for fields in _groups(files) if (one := _recipient(fields)) is not None]


def actions_of(files: Sequence[AttachedFile]) -> set[str]:
    """Returns the actions that the status parts report, in lower case."""
    return {
        action for fields in _groups(files) if (action := fields.value("action").lower().strip())
    }


def _groups(files: Sequence[AttachedFile]) -> Iterator[Header]:
    """Yields the groups of fields: one for the message and one for each recipient, in any order."""
    for file in files:
        if file.content_type in STATUS_TYPES:
            text = unix_lines(storable(decode(file.source.first(STATUS_MAX), None)))
            for group in BLANK_LINE.split(text, GROUPS_MAX):
                yield read_lines(group.strip("\n"))


def _recipient(fields: Header) -> BouncedRecipient | None:
    address = _address(fields)
    if not address:
        return None
    found = STATUS.search(fields.value("status")) or STATUS.search(fields.value("diagnostic-code"))
    status = found.group() if found else ""
    action = _action(fields.value("action").lower().strip(), status)
    if action is None:
        return None
    return BouncedRecipient(
        address=address,
        action=action,
        status=status,
        hard=action == "failed",
        reason=one_line(fields.value("diagnostic-code")),
    )


def _action(given: str, status: str) -> str | None:
    """Returns "failed", "delayed", or None for a recipient who received the message."""
    if given.startswith(FAILED):
        return "failed"
    if given.startswith(DELAYED):
        return "delayed"
    if given or not status:
        return None
    return {"5": "failed", "4": "delayed"}.get(status[0])


def _address(fields: Header) -> str:
    """Returns the original recipient if it is an address, else the final one."""
    for name in ("original-recipient", "final-recipient", "x-actual-recipient"):
        for field in fields.all(name):
            if address := _typed_address(field.value):
                return address
    return ""


def _typed_address(value: str) -> str:
    kind, semicolon, given = value.partition(";")
    if not semicolon:
        given = value
    elif kind.strip().lower() not in ADDRESS_TYPES:
        # "Final-Recipient: <a@b.example>; …" and "LOCAL; a@b.example" occur.
        given = value if "@" in kind else ""
    found = ADDRESS.search(decode_value(given))
    return found.group().strip(".'") if found else ""
