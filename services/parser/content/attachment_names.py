"""The names and types of attachments: what the sender declared in, safe names and types out."""

from __future__ import annotations

from postrail.message_parts import plain_file_name
from services.parser.text.decode import cut, one_line

NAME_MAX_BYTES = 200
EXTENSION_MAX_BYTES = 20
# The stdlib's table depends on the machine that it runs on.
EXTENSIONS = {
    "application/ms-tnef": "dat",
    "application/pdf": "pdf",
    "application/pgp-signature": "asc",
    "application/pkcs7-mime": "p7m",
    "application/pkcs7-signature": "p7s",
    "application/rtf": "rtf",
    "application/x-pkcs7-mime": "p7m",
    "application/x-pkcs7-signature": "p7s",
    "application/zip": "zip",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/svg+xml": "svg",
    "message/delivery-status": "txt",
    "message/disposition-notification": "txt",
    "message/rfc822": "eml",
    "message/global": "eml",
    "text/calendar": "ics",
    "text/csv": "csv",
    "text/html": "html",
    "text/plain": "txt",
    "text/rfc822-headers": "txt",
    "text/rtf": "rtf",
    "text/vcard": "vcf",
}
TYPES = {extension: content_type for content_type, extension in EXTENSIONS.items()} | {
    "eml": "message/rfc822",
    "p7m": "application/pkcs7-mime",
    "p7s": "application/pkcs7-signature",
    "rtf": "application/rtf",
    "txt": "text/plain",
}
# The first bytes of common attachments, from the specifications of their formats.
SIGNATURES = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
    (b"\x7fELF", "application/x-elf"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"RIFF", ""),
    (b"OggS", "application/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\x78\x9f\x3e\x22", "application/ms-tnef"),
    (b"{\\rtf", "application/rtf"),
    (b"BEGIN:VCALENDAR", "text/calendar"),
    (b"BEGIN:VCARD", "text/vcard"),
    (b"<?xml", "application/xml"),
    (b"<!DOCTYPE html", "text/html"),
    (b"<html", "text/html"),
)
RIFF_TYPES = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}


def attachment_name(given: str, content_type: str, number: int) -> str:
    """Removes folders and unsafe characters; an empty name becomes one of type and number."""
    plain = plain_file_name(one_line(given)).strip(" .")
    if not plain:
        return f"attachment-{number}.{EXTENSIONS.get(content_type, 'bin')}"
    stem, dot, extension = plain.rpartition(".")
    if not dot or len(extension.encode()) > EXTENSION_MAX_BYTES:
        return cut(plain, NAME_MAX_BYTES)
    return f"{cut(stem, NAME_MAX_BYTES - EXTENSION_MAX_BYTES - 1)}.{extension}"


def type_of_name(name: str) -> str:
    """Returns the type that the name's extension stands for, or ""."""
    return TYPES.get(name.rpartition(".")[2].lower(), "")


def sniffed_type(content: bytes) -> str:
    """Returns the type that the first bytes show, or ""."""
    for start, content_type in SIGNATURES:
        if content.startswith(start):
            return RIFF_TYPES.get(content[8:12], "") if start == b"RIFF" else content_type
    return ""
