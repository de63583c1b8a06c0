"""Attaches an original message, byte for byte, to the text of another one. Pure."""

from __future__ import annotations

import base64
import hashlib
import re

# RFC 5322, 2.1.1.
LINE_MAX_BYTES = 998
FILE_NAME = "original.eml"
# What SMTP cannot carry as it is (RFC 5321, 2.3.8): bare line ends, and NUL.
_NO_TEXT = re.compile(rb"\r(?!\n)|(?<!\r)\n|\x00")


def with_original(text_fields: list[str], text: bytes, original: bytes) -> tuple[list[str], bytes]:
    """Returns the header fields and the body of a message with a text and an attached original.

    `text_fields` are those of the text as the body of a message. The same parts always give the
    same bytes.
    """
    fields, encoding, attached = _attachment(original)
    boundary = _boundary(text, original)
    line = b"--" + boundary.encode()
    body = b"\r\n".join(
        [
            line,
            "\r\n".join(text_fields).encode(),
            b"",
            text,
            line,
            "\r\n".join(fields).encode(),
            b"",
            attached,
            line + b"--",
            b"",
        ]
    )
    # RFC 2045, 6.4: a multipart message has the encoding of its parts.
    whole = [
        f'Content-Type: multipart/mixed; boundary="{boundary}"',
        f"Content-Transfer-Encoding: {encoding}",
    ]
    return whole, body


def _attachment(original: bytes) -> tuple[list[str], str, bytes]:
    """Returns the fields of the attachment, the encoding of the message around it, and its body.

    RFC 2046, 5.2.1, allows no encoding of message/rfc822. So one that SMTP would change, or may
    not carry, is attached as a file.
    """
    disposition = f'Content-Disposition: attachment; filename="{FILE_NAME}"'
    if _is_text(original):
        encoding = "7bit" if original.isascii() else "8bit"
        fields = ["Content-Type: message/rfc822", f"Content-Transfer-Encoding: {encoding}"]
        return [*fields, disposition], encoding, original
    fields = ["Content-Type: application/octet-stream", "Content-Transfer-Encoding: base64"]
    encoded = base64.encodebytes(original).replace(b"\n", b"\r\n")
    return [*fields, disposition], "7bit", encoded


def _is_text(original: bytes) -> bool:
    """Tells whether SMTP carries the bytes unchanged."""
    if _NO_TEXT.search(original):
        return False
    return max(map(len, original.split(b"\r\n"))) <= LINE_MAX_BYTES


def _boundary(text: bytes, original: bytes) -> str:
    """Returns a boundary that none of the parts holds (RFC 2046, 5.1.1)."""
    boundary = hashlib.sha256(original).hexdigest()[:32]
    while boundary.encode() in original or boundary.encode() in text:
        boundary = hashlib.sha256(boundary.encode()).hexdigest()[:32]
    return boundary
