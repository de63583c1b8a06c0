"""Delivery reports (RFC 3464): status parts or texts with such fields in, their recipients out.

The fields are found in any position: Exchange and others send them as text, or in other messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from postrail.message_parts import BouncedRecipient
from services.parser.content.attachments import AttachedFile
from services.parser.kind.bounce.codes import FIELD_STATUS, action_of, codes_of, is_hard, most_exact
from services.parser.mime.headers import Field, Header, decode_value, header_in
from services.parser.text.decode import decode, one_line, storable, unix_lines

STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
STATUS_MAX = 256 * 1024
GROUPS_MAX = 1000
BLANK_LINE = re.compile(r"\n[ \t]*\n")
# The second is defined by RFC 6533.
ADDRESS_TYPES = {"rfc822", "utf-8"}
ADDRESS = re.compile(r"[^\s<>;,\"]{1,256}@[^\s<>;,\"()\[\]]{1,255}")
# Reports on success, and on an address that was only checked.
SUCCESS = {"delivered", "relayed", "expanded", "deliverable"}
# The address that the sender used comes before those that it was expanded to.
RECIPIENTS = ("original-recipient", "final-recipient", "x-actual-recipient")
# Each occurs once for each recipient.
ONCE = {"final-recipient", "action", "status"}
# A text of such fields also gives the result of the delivery.
FIELDS_IN_TEXT = re.compile(r"^[ \t>]{0,9}(?:final|original)-recipient[ \t]?:", re.I | re.M)
QUOTE_MARKS = re.compile(r"^[ \t]{0,9}>[> \t]{0,9}", re.M)


def read_status(groups: Iterable[Header]) -> list[BouncedRecipient]:
    """Returns the recipients who did not receive the message, or not yet."""
    return [one for fields in groups if (one := _recipient(fields)) is not None]


def actions_of(groups: Iterable[Header]) -> set[str]:
    """Returns the actions that the groups report, in lower case."""
    return {action for fields in groups if (action := action_of(fields.value("action")))}


def groups_of(files: Sequence[AttachedFile]) -> Iterator[Header]:
    """Yields the groups of fields of all status parts: those of the message and of recipients."""
    for file in files:
        if file.content_type in STATUS_TYPES:
            yield from _groups(storable(decode(file.source.first(STATUS_MAX), None)))


def groups_in_text(text: str) -> Iterator[Header]:
    """Yields the groups of fields that stand in a text."""
    if found := FIELDS_IN_TEXT.search(text[:STATUS_MAX]):
        # The group begins with the fields above it.
        start = text.rfind("\n\n", 0, found.start()) + 1
        yield from _groups(QUOTE_MARKS.sub("", text[start:STATUS_MAX]))


def _groups(text: str) -> Iterator[Header]:
    for group in BLANK_LINE.split(unix_lines(text), GROUPS_MAX):
        yield from _by_recipient(header_in(group.strip("\n")))


def _by_recipient(group: Header) -> Iterator[Header]:
    """Divides fields of several recipients between which the empty line is missing."""
    fields: list[Field] = []
    names: set[str] = set()
    for field in group.fields:
        name = field.name.lower()
        if name in ONCE and name in names:
            # The next recipient may begin with the original address.
            begun = fields[-1:] if fields[-1].name.lower() == "original-recipient" else []
            yield Header(fields[: len(fields) - len(begun)])
            fields, names = begun, set()
        fields.append(field)
        names.add(name)
    yield Header(fields)


def failed_status(fields: Header) -> str:
    """Returns the status of a group that reports a failure or delay, or ""."""
    status = _status(fields)
    return "" if _action(fields, status) in SUCCESS else status


def _status(fields: Header) -> str:
    given = fields.value("status")
    found = FIELD_STATUS.search(given)
    # The server that refused the message knows more than the one that reports it.
    refused = codes_of(one_line(fields.value("diagnostic-code")))
    return most_exact([*refused, *([found.group()] if found else codes_of(given))])


def _action(fields: Header, status: str) -> str:
    return action_of(fields.value("action")) or {"5": "failed", "4": "delayed"}.get(status[:1], "")


def _recipient(fields: Header) -> BouncedRecipient | None:
    address = _address(fields)
    reason = one_line(fields.value("diagnostic-code"))
    status = _status(fields)
    action = _action(fields, status)
    if not address or not action or action in SUCCESS:
        return None
    return BouncedRecipient(
        address=address,
        action=action,
        status=status,
        hard=is_hard(status, action),
        reason=reason,
        status_class=status[:1] or ("4" if action == "delayed" else ""),
    )


def _address(fields: Header) -> str:
    for name in RECIPIENTS:
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
