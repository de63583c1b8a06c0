"""Makes of a message what Graph takes: its recipients in To, attachments apart. Pure."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import Message
from email.utils import getaddresses, parseaddr

from postrail.courier import Envelope, require_size
from postrail.courier.lines import with_crlf
from postrail.notifications.addresses import smtp_address

# A request may have 4 MB, and base64 adds a third.
MIME_MAX_BYTES = 2_900_000
# Graph sends to everyone whom the header names.
RECIPIENT_FIELDS = ("to", "cc", "bcc")


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """A part of the message that is attached to the draft by requests of its own."""

    name: str
    content_type: str
    content: bytes = field(repr=False)
    content_id: str = ""
    is_inline: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphMessage:
    """A message in MIME, and the attachments that are too large to stay in it."""

    mime: bytes
    attachments: tuple[Attachment, ...] = ()


def graph_message(envelope: Envelope) -> GraphMessage:
    """Returns the message for Graph; raises MessageTooLarge if its texts alone are too large."""
    mime = addressed(envelope.content, envelope.recipients)
    if len(mime) <= MIME_MAX_BYTES:
        return GraphMessage(mime=mime)
    parsed = email.message_from_bytes(mime, policy=email.policy.compat32)
    attachments = tuple(_take_attachments(parsed))
    left = parsed.as_bytes(policy=email.policy.SMTP.clone(cte_type="8bit"))
    require_size(
        Envelope(envelope_from="", recipients=(), content=left),
        MIME_MAX_BYTES,
        "Microsoft Graph, attachments aside,",
    )
    return GraphMessage(mime=left, attachments=attachments)


def addressed(content: bytes, recipients: Sequence[str]) -> bytes:
    """Returns the message with the recipients of its envelope in To, and no others anywhere."""
    content = with_crlf(content)
    head, _, body = content.partition(b"\r\n\r\n")
    fields = _fields(head.removesuffix(b"\r\n") + b"\r\n")
    named = [one for one in fields if _name(one) in RECIPIENT_FIELDS]
    # Headers have domains as SMTP carries them.
    sent = [smtp_address(one) for one in recipients]
    if [_name(one) for one in named] == ["to"] and _addresses(named[0]) == sorted(sent):
        return content
    others = [one for one in fields if _name(one) not in RECIPIENT_FIELDS]
    to = ("To: " + ",\r\n ".join(sent) + "\r\n").encode()
    return b"".join([*others, to]) + b"\r\n" + body


def from_address_of(mime: bytes) -> str:
    """Returns the address in the From field, as SMTP carries it."""
    head = mime.partition(b"\r\n\r\n")[0]
    values = [one.partition(b":")[2] for one in _fields(head) if _name(one) == "from"]
    return parseaddr(b"".join(values[:1]).decode("utf-8", "replace"))[1]


def _fields(head: bytes) -> list[bytes]:
    """Returns the fields of a header, each with its folded lines."""
    fields: list[bytes] = []
    for line in head.splitlines(keepends=True):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] += line
        else:
            fields.append(line)
    return fields


def _name(field_: bytes) -> str:
    return field_.partition(b":")[0].strip().decode("ascii", "replace").lower()


def _addresses(field_: bytes) -> list[str]:
    value = field_.partition(b":")[2].decode("utf-8", "replace")
    return sorted(address for _, address in getaddresses([value]))


def _take_attachments(message: Message) -> list[Attachment]:
    """Removes the attachments of a message from it, and returns them."""
    if message.get_content_maintype() != "multipart":
        return []
    found: list[Attachment] = []
    kept: list[Message | str] = []
    payload = message.get_payload()
    for part in payload if isinstance(payload, list) else []:
        assert isinstance(part, Message)
        if part.get_content_maintype() == "multipart":
            found += _take_attachments(part)
            kept.append(part)
        elif part.get_content_disposition() is None:
            kept.append(part)
        else:
            found.append(_attachment(part))
    message.set_payload(kept)
    return found


def _attachment(part: Message) -> Attachment:
    content_id = str(part.get("Content-ID", "")).strip().strip("<>")
    return Attachment(
        name=part.get_filename() or "attachment",
        content_type=part.get_content_type(),
        content=_content(part),
        content_id=content_id,
        is_inline=part.get_content_disposition() == "inline",
    )


def _content(part: Message) -> bytes:
    decoded = part.get_payload(decode=True)
    if isinstance(decoded, bytes):
        return decoded
    inner = part.get_payload()
    assert isinstance(inner, list)
    messages = [one for one in inner if isinstance(one, Message)]
    return b"".join(one.as_bytes(policy=email.policy.SMTP) for one in messages)
