"""Builds the body of a message from its parts: texts, files, and an original as it was received."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from postrail.notifications.mime.fields import LINE_MAX_BYTES, clean, parameter
from postrail.notifications.mime.message_ids import written_id

ORIGINAL_NAME = "original.eml"
FILE_NAME_CHARACTERS = 200
_BODY_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE_END = re.compile(r"\r\n|\r|\n")
# What SMTP cannot carry as it is (RFC 5321, 2.3.8): bare line ends, and NUL.
_NO_TEXT = re.compile(rb"\r(?!\n)|(?<!\r)\n|\x00")
# Base64 is allowed for these only (RFC 2046, 5.2.1 and 5.1).
_FILE_TYPE = re.compile(r"(?!(?:message|multipart)/)[a-z0-9][\w.+-]{0,60}/[a-z0-9][\w.+-]{0,80}")
_HTML_NAME = re.compile(r"[^\w.@+-]")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message, or its whole body: the fields that describe it, and its bytes."""

    fields: list[str]
    body: bytes
    # RFC 2045, 6.4: a multipart has the encoding of its parts, 7bit or 8bit.
    encoding: str = "7bit"


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file that a message carries; one that is inline stands in the HTML by its content_id."""

    name: str
    content_type: str
    data: bytes
    content_id: str = ""
    inline: bool = False


def whole_body(text: str, html: str, files: Sequence[File], original: bytes | None) -> Part:
    """Returns the body: the text, also as HTML with its pictures, and then the files.

    The last of alternatives is the best one (RFC 2046, 5.1.4). The same values always give the same
    bytes.
    """
    shown = text_part(text, "plain")
    inline = [file for file in files if file.inline and file.content_id and html]
    if html:
        styled = text_part(html, "html")
        if inline:
            styled = multipart("related", [styled, *map(_file, inline)])
        shown = multipart("alternative", [shown, styled])
    attached = [_file(file) for file in files if file not in inline]
    if original is not None:
        attached.append(original_part(original))
    return multipart("mixed", [shown, *attached]) if attached else shown


def text_part(text: str, subtype: str) -> Part:
    """Returns a text in the most readable safe transfer encoding; a last line end is added."""
    encoding, body = _encoded(text)
    fields = [
        f"Content-Type: text/{subtype}; charset=utf-8",
        f"Content-Transfer-Encoding: {encoding}",
    ]
    return Part(fields, body)


def multipart(subtype: str, parts: Sequence[Part]) -> Part:
    """Returns the parts as one."""
    boundary = _boundary([part.body for part in parts])
    line = b"--" + boundary.encode()
    pieces = []
    for part in parts:
        pieces += [line, "\r\n".join(part.fields).encode("utf-8", "replace"), b"", part.body]
    encoding = "8bit" if any(part.encoding == "8bit" for part in parts) else "7bit"
    fields = [
        f'Content-Type: multipart/{subtype}; boundary="{boundary}"',
        f"Content-Transfer-Encoding: {encoding}",
    ]
    return Part(fields, b"\r\n".join([*pieces, line + b"--", b""]), encoding)


def original_part(original: bytes) -> Part:
    """Returns the attachment of another message, byte for byte.

    RFC 2046, 5.2.1, allows no encoding of message/rfc822. So one that SMTP would change, or may
    not carry, is attached as a file.
    """
    if not _is_text(original):
        octets = File(name=ORIGINAL_NAME, content_type="application/octet-stream", data=original)
        return _file(octets)
    encoding = "7bit" if original.isascii() else "8bit"
    fields = [
        "Content-Type: message/rfc822",
        f"Content-Transfer-Encoding: {encoding}",
        f'Content-Disposition: attachment; filename="{ORIGINAL_NAME}"',
    ]
    return Part(fields, original, encoding)


def content_id(name: str) -> str:
    """Returns the id by which HTML names an inline file, in characters that need no quotation."""
    return _HTML_NAME.sub("", name)[:FILE_NAME_CHARACTERS]


def encoded_size(size: int) -> int:
    """Returns the number of bytes that a file of this size has in a message."""
    # Lines of 57 bytes become 76 characters and a line end.
    return -(-size // 57) * 78


def _file(file: File) -> Part:
    kind = file.content_type.lower()
    kind = kind if _FILE_TYPE.fullmatch(kind) else "application/octet-stream"
    disposition = "inline" if file.inline and file.content_id else "attachment"
    name = parameter("filename", clean(file.name[:FILE_NAME_CHARACTERS]) or "file")
    fields = [
        f"Content-Type: {kind}",
        "Content-Transfer-Encoding: base64",
        f"Content-Disposition: {disposition}{name}",
    ]
    if named := written_id(content_id(file.content_id)):
        fields.append(f"Content-ID: <{named}>")
    return Part(fields, base64.encodebytes(file.data).replace(b"\n", b"\r\n"))


def _is_text(original: bytes) -> bool:
    """Tells whether SMTP carries the bytes unchanged."""
    if _NO_TEXT.search(original):
        return False
    return max(map(len, original.split(b"\r\n"))) <= LINE_MAX_BYTES


def _boundary(bodies: Sequence[bytes]) -> str:
    """Returns a boundary that none of the bodies holds (RFC 2046, 5.1.1)."""
    digest = hashlib.sha256()
    for body in bodies:
        digest.update(body)
    boundary = digest.hexdigest()[:32]
    while any(boundary.encode() in body for body in bodies):
        boundary = hashlib.sha256(boundary.encode()).hexdigest()[:32]
    return boundary


def _encoded(text: str) -> tuple[str, bytes]:
    """Returns the transfer encoding, and the encoded text."""
    lines = _LINE_END.sub("\r\n", text)
    if not lines.endswith("\r\n"):
        lines += "\r\n"
    if _is_plain(lines):
        return "7bit", lines.encode("ascii")
    data = lines.encode("utf-8", "replace")
    # Quoted-printable takes three bytes for a byte outside of ASCII, base64 four bytes for three.
    if _not_ascii(data) * 6 > len(data):
        return "base64", base64.encodebytes(data).replace(b"\n", b"\r\n")
    return "quoted-printable", binascii.b2a_qp(data)


def _is_plain(lines: str) -> bool:
    if not lines.isascii() or _BODY_CONTROLS.search(lines):
        return False
    return max(map(len, lines.split("\r\n"))) < LINE_MAX_BYTES


def _not_ascii(data: bytes) -> int:
    return len(data.translate(None, bytes(range(0x80))))
