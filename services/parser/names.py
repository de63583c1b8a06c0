"""The names of attachments: as the sender gave them, safe to be stored as files."""

from __future__ import annotations

import re

from services.parser.text import cut, one_line

NAME_MAX_BYTES = 200
EXTENSION_MAX_BYTES = 20
# What file systems refuse, and what turns the reading direction so that an .exe looks like a .pdf.
UNSAFE = re.compile('[\x00-\x1f\x7f<>:"|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]')
PATH_SEPARATORS = re.compile(r"[/\\]")
# Our own table: the stdlib's depends on the machine that it runs on.
EXTENSIONS = {
    "application/ms-tnef": "dat",
    "application/pdf": "pdf",
    "application/pgp-signature": "asc",
    "application/pkcs7-signature": "p7s",
    "application/x-pkcs7-signature": "p7s",
    "application/zip": "zip",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/png": "png",
    "message/delivery-status": "txt",
    "message/disposition-notification": "txt",
    "message/rfc822": "eml",
    "message/global": "eml",
    "text/calendar": "ics",
    "text/csv": "csv",
    "text/html": "html",
    "text/plain": "txt",
    "text/rfc822-headers": "txt",
    "text/vcard": "vcf",
}


def attachment_name(given: str, content_type: str, number: int) -> str:
    """The given name without folders and unsafe characters, or one made from type and number."""
    plain = UNSAFE.sub("_", one_line(PATH_SEPARATORS.split(given)[-1])).strip(" .")
    if not plain:
        return f"attachment-{number}.{EXTENSIONS.get(content_type, 'bin')}"
    stem, dot, extension = plain.rpartition(".")
    if not dot or len(extension.encode()) > EXTENSION_MAX_BYTES:
        return cut(plain, NAME_MAX_BYTES)
    return f"{cut(stem, NAME_MAX_BYTES - EXTENSION_MAX_BYTES - 1)}.{extension}"
