"""Reads a bounce: a message in, the recipients that it is about out.

They come from its delivery report if it has one, else from its prose, else from the message that
was returned.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence

from postrail.message_parts import Bounce, BouncedRecipient
from services.parser.content.attachments import AttachedFile
from services.parser.kind.bounce.codes import is_hard, most_exact
from services.parser.kind.bounce.known_formats import known_recipients
from services.parser.kind.bounce.nested import nested_bounces
from services.parser.kind.bounce.notice import is_system, read_notice
from services.parser.kind.bounce.original import (
    HEADER_MAX,
    RETURNED_MAX,
    original_id,
    returned_headers,
)
from services.parser.kind.bounce.prose import Findings, read_prose
from services.parser.kind.bounce.service_json import RECIPIENTS_MAX, json_text, recipients_in_json
from services.parser.kind.bounce.status import failed_status, groups_in_text, groups_of, read_status
from services.parser.kind.signals import MAIL_SYSTEM, ROBOT
from services.parser.mime.addresses import read_addresses, read_sender
from services.parser.mime.headers import Header
from services.parser.mime.raw_bytes import View
from services.parser.text.decode import cut, decode, one_line, storable

REASON_MAX_BYTES = 500
ADDRESS_MAX_BYTES = 512
NESTED_MAX = 2
PHONE_NUMBER = re.compile(r"\+?\d{7,15}@")
SENDER_FIELDS = ("from", "sender", "return-path", "reply-to")


def read_bounce(
    data: View, header: Header, text: str, files: Sequence[AttachedFile], depth: int = 0
) -> Bounce:
    """Returns the recipients of a bounce (possibly an empty list) and the message it is about."""
    notice = read_notice(text)
    returned = [*returned_headers(files), notice.returned]
    ours = _ours(header, returned)
    prose = read_prose(notice, header.value("subject"), ours, _gateway(header))
    original = original_id(header, returned, notice)
    reported = next(filter(None, map(read_status, _reports(text, files))), [])
    recipients = (
        recipients_in_json(json_text(text, files))
        or [_completed(one, prose) for one in _each_once(reported)]
        or _from_prose(header, prose)
    )
    is_searched = not recipients and depth < NESTED_MAX
    for nested in nested_bounces(header, files) if is_searched else ():
        inner = read_bounce(nested.data, nested.header, nested.text, nested.files, depth + 1)
        recipients.extend(inner.recipients)
        original = inner.original_message_id or original
    if not recipients and not depth:
        known = known_recipients(data, read_sender(header))
        named = [one for one in known if one.lower() not in ours]
        recipients = [
            _recipient(one, prose)
            for one in named or _only_recipient(returned) or _phone_number(header)
        ]
    return Bounce(
        recipients=[_bounded(one) for one in _each_once(recipients)[:RECIPIENTS_MAX]],
        original_message_id=original,
        status="" if recipients else most_exact([*_unnamed_statuses(files), prose.status_of("")]),
    )


def _reports(text: str, files: Sequence[AttachedFile]) -> Iterator[Iterator[Header]]:
    """Yields the places of a report in their order: its own parts, the text, attached texts."""
    yield groups_of(files)
    yield groups_in_text(text)
    texts = [file for file in files if file.content_type == "text/plain"]
    for file in texts[:RETURNED_MAX]:
        yield groups_in_text(storable(decode(file.source.first(HEADER_MAX), None)))


def _unnamed_statuses(files: Sequence[AttachedFile]) -> Iterator[str]:
    """Yields the statuses of a report about recipients whose addresses it does not give."""
    yield from (failed_status(fields) for fields in groups_of(files))


def _ours(header: Header, returned: Sequence[Header]) -> set[str]:
    """Returns the addresses that the bounce is from and to, or that sent the returned message."""
    fields = [
        *header.all("from"),
        *header.all("to"),
        *(field for one in returned for name in SENDER_FIELDS for field in one.all(name)),
    ]
    return {one.address.lower() for one in read_addresses(fields)}


def _gateway(header: Header) -> str:
    """Returns the sender's address (in lower case) unless a mail system's program has it."""
    sender = read_sender(header)
    address = sender.address.lower() if sender else ""
    is_robot = ROBOT.match(address.partition("@")[0]) or MAIL_SYSTEM.search(header.value("from"))
    return "" if is_robot or is_system(address) else address


def _phone_number(header: Header) -> list[str]:
    """Returns the sender's address if it is a telephone number's: the one that failed."""
    gateway = _gateway(header)
    return [gateway] if PHONE_NUMBER.match(gateway) else []


def _completed(one: BouncedRecipient, prose: Findings) -> BouncedRecipient:
    """Takes the code of the notice where that of the report is generic or missing."""
    generic = not one.status or one.status.endswith(".0.0")
    status = most_exact([one.status, prose.status_of(one.address)]) if generic else one.status
    return dataclasses.replace(
        one,
        status=status,
        hard=is_hard(status, one.action),
        reason=one.reason or prose.reason_of(one.address),
        status_class=status[:1] or one.status_class,
    )


def _from_prose(header: Header, prose: Findings) -> list[BouncedRecipient]:
    named = read_addresses(header.all("x-failed-recipients"))
    addresses = {one.address.lower(): one.address for one in named}
    return [_recipient(address, prose) for address in addresses.values() or prose.addresses]


def _recipient(address: str, prose: Findings) -> BouncedRecipient:
    action = "delayed" if prose.delayed else "failed"
    code = prose.status_of(address)
    status = code or ("" if prose.delayed else prose.meaning_of(address))
    return BouncedRecipient(
        address=prose.original_address(address),
        action=action,
        status=status,
        hard=is_hard(code, action),
        reason=prose.reason_of(address),
        status_class=status[:1] or ("4" if prose.delayed else ""),
    )


def _only_recipient(returned: Sequence[Header]) -> list[str]:
    """Returns the address that the returned message was sent to, if there was only one."""
    for fields in returned:
        for name in ("x-failed-recipients", "x-envelope-to", "to"):
            found = {one.address.lower(): one.address for one in read_addresses(fields.all(name))}
            if len(found) == 1:
                return list(found.values())
    return []


def _each_once(recipients: Sequence[BouncedRecipient]) -> list[BouncedRecipient]:
    found: dict[str, BouncedRecipient] = {}
    for one in recipients:
        found.setdefault(one.address.lower(), one)
    return list(found.values())


def _bounded(one: BouncedRecipient) -> BouncedRecipient:
    return dataclasses.replace(
        one,
        address=cut(one_line(one.address), ADDRESS_MAX_BYTES),
        reason=cut(one_line(one.reason), REASON_MAX_BYTES),
    )
