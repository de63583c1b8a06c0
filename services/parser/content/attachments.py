"""The files of a message: a part or an unpacked file in, a named and measured attachment out."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from services.parser.content.attachment_names import attachment_name, sniffed_type, type_of_name
from services.parser.mime.headers import decode_value
from services.parser.mime.raw_bytes import View, sha256_of
from services.parser.mime.structure import Part
from services.parser.mime.transfer import Encoded, plain
from services.parser.text.decode import cut, one_line

# The attachments of a message up to this size are decoded only once.
KEPT_MAX = 4 * 1024 * 1024
METHOD_MAX_BYTES = 40
# In the beginning of a calendar: what it asks for. PUBLISH asks for nothing.
METHOD_LINE = re.compile(
    rb"^METHOD:[ \t]*(REQUEST|REPLY|CANCEL|ADD|REFRESH|COUNTER|DECLINECOUNTER)\s*$",
    re.IGNORECASE | re.MULTILINE,
)
METHOD_SEARCHED_MAX = 4 * 1024
CONTENT_TYPE_MAX_BYTES = 127
CONTENT_ID_MAX_BYTES = 250
ORIGINAL_NAME_MAX_BYTES = 500
WHOLE_MAIL = "whole-mail.eml"


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """An attachment, and where its content is."""

    name: str
    content_type: str
    sha256: str
    size: int
    source: Encoded
    content_id: str | None
    inline: bool
    # The type that the first bytes show, or "": the declared type may be wrong.
    sniffed_type: str = ""
    # Of a calendar part (RFC 6047): REQUEST, REPLY, CANCEL, …
    method: str = ""
    # The SHA-256 of the attachment that it was found in, or "".
    unpacked_from: str = ""
    # The name as it was given, where it is not that of a file; "": the same.
    original_name: str = ""

    @property
    def content(self) -> bytes:
        """Reads all of the content into memory. Most callers need only its beginning."""
        return self.source.read()


@dataclass(frozen=True, slots=True)
class UnpackedFile:
    """A file that was found in an attachment, before it has a type and a safe name."""

    name: str
    content: bytes
    content_type: str = ""
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class _Measured:
    source: Encoded
    sha256: str
    size: int
    sniffed_type: str


def _measure(source: Encoded) -> _Measured:
    """Reads a content once. That of a small message stays decoded, others are decoded again."""
    if len(source.view) <= KEPT_MAX:
        source = plain(source.read())
    digest, size, sniffed = hashlib.sha256(), 0, ""
    for chunk in source.chunks():
        if not size:
            sniffed = sniffed_type(chunk)
        digest.update(chunk)
        size += len(chunk)
    return _Measured(source, digest.hexdigest(), size, sniffed)


def content_of(part: Part) -> Encoded:
    """Returns the part's bytes with the transfer encoding that they are in."""
    return Encoded(part.view, part.start, part.end, part.encoding)


def attachment_of_part(part: Part, number: int) -> AttachedFile:
    """Returns a part as an attachment; without a file name it is named by its number."""
    found = _measure(content_of(part))
    content_type = cut(one_line(part.content_type.value), CONTENT_TYPE_MAX_BYTES)
    content_id = decode_value(part.raw("content-id") or "").strip("<> ")
    name = attachment_name(part.file_name, content_type, number)
    return AttachedFile(
        name=name,
        content_type=content_type,
        sha256=found.sha256,
        size=found.size,
        source=found.source,
        content_id=cut(content_id, CONTENT_ID_MAX_BYTES) or None,
        inline=part.disposition.value == "inline"
        or bool(content_id and not part.disposition.value),
        sniffed_type=found.sniffed_type,
        method=cut(_method(part, found.source).upper(), METHOD_MAX_BYTES),
        original_name=_original(part.file_name, name),
    )


def _method(part: Part, content: Encoded) -> str:
    """Returns the method of a calendar part, also where only the calendar within names it.

    A calendar with a file name was attached, maybe by a person who saved an invitation.
    """
    given = part.content_type.parameters.get("method", "")
    is_file = part.file_name or part.disposition.value == "attachment"
    if given or is_file or part.content_type.value != "text/calendar":
        return given
    found = METHOD_LINE.search(content.first(METHOD_SEARCHED_MAX))
    return found.group(1).decode() if found else ""


def attachment_of_file(file: UnpackedFile, number: int) -> AttachedFile:
    """Returns an unpacked file as an attachment; its type is declared, sniffed, or by its name."""
    found = _measure(plain(file.content))
    content_type = (
        cut(one_line(file.content_type.lower()), CONTENT_TYPE_MAX_BYTES)
        or found.sniffed_type
        or type_of_name(file.name)
        or "application/octet-stream"
    )
    content_id = cut(one_line(file.content_id).strip("<> "), CONTENT_ID_MAX_BYTES)
    name = attachment_name(file.name, content_type, number)
    return AttachedFile(
        name=name,
        content_type=content_type,
        sha256=found.sha256,
        size=found.size,
        source=found.source,
        content_id=content_id or None,
        inline=bool(content_id),
        sniffed_type=found.sniffed_type,
        original_name=_original(file.name, name),
    )


def _original(given: str, name: str) -> str:
    """Returns the name as it was given, unless that is the file's name."""
    return "" if given == name else cut(given, ORIGINAL_NAME_MAX_BYTES)


def whole_mail(data: View) -> AttachedFile:
    """Returns the message itself as an attachment, for a message of which parts were left out."""
    return AttachedFile(
        name=WHOLE_MAIL,
        content_type="message/rfc822",
        sha256=sha256_of(data),
        size=len(data),
        source=plain(data),
        content_id=None,
        inline=False,
    )
