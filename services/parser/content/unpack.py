"""Attachments that hold other things: opaque S/MIME signatures, and winmail.dat."""

from __future__ import annotations

from dataclasses import dataclass, field

from postrail.records import CalendarEvent
from services.parser.content.attachment_names import sniffed_type
from services.parser.content.meetings import meeting_in
from services.parser.content.rtf import rtf_to_text
from services.parser.content.smime import read_shell
from services.parser.content.tnef import Tnef, TnefFile, read_tnef

PACKED_DEPTH_MAX = 5
# Of one file, and of all that is unpacked in a mail: larger ones are kept, and not looked into.
PACKED_MAX_BYTES = 16 * 1024 * 1024
UNPACKED_MAX_BYTES = 48 * 1024 * 1024
# A text that nobody reads as a mail.
TEXT_MAX = 4 * 1024 * 1024
SMIME_TYPES = {"application/pkcs7-mime", "application/x-pkcs7-mime"}
TNEF_TYPES = {"application/ms-tnef", "application/vnd.ms-tnef"}
SMIME_ENDINGS = (".p7m", ".p7z")


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file that was found in a packed one."""

    name: str
    content: bytes
    content_type: str = ""
    content_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unpacked:
    """What was found in a packed file."""

    # A mail's part with its header, to be read like any other.
    entity: bytes = b""
    # A body, for a mail that has no other one.
    text: str = ""
    html: str = ""
    meeting: CalendarEvent | None = None
    files: list[PackedFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How much was found."""
        return len(self.entity) + sum(len(one.content) for one in self.files)


def is_packed(name: str, content_type: str) -> bool:
    """Whether a file is said to hold others, by its type or its name."""
    return _is_smime(name, content_type) or _is_tnef(name, content_type)


def _is_smime(name: str, content_type: str) -> bool:
    return content_type in SMIME_TYPES or name.lower().endswith(SMIME_ENDINGS)


def _is_tnef(name: str, content_type: str) -> bool:
    return content_type in TNEF_TYPES or name.lower() == "winmail.dat"


def unpack(name: str, content_type: str, content: bytes, room: int) -> Unpacked | None:
    """What is in a packed file, or None when it is none after all; never raises."""
    if len(content) > min(PACKED_MAX_BYTES, room):
        return Unpacked(notes=["too large to be looked into: kept whole"])
    return _of_shell(name, content) if _is_smime(name, content_type) else _of_tnef(content)


def _of_shell(name: str, content: bytes) -> Unpacked | None:
    shell = read_shell(content)
    if shell.kind == "encrypted":
        return Unpacked(notes=["encrypted: kept whole"])
    if shell.content is None:
        # Certificates alone have no content; and what is nothing of the kind is an attachment.
        return None if shell.whole else Unpacked(notes=["broken: its content cannot be read"])
    notes = ["signed: the signature was not verified"] if shell.kind == "signed" else []
    if not shell.whole:
        notes.append("not complete: unpacked as far as it goes")
    stem = name[: -len(SMIME_ENDINGS[0])] if name.lower().endswith(SMIME_ENDINGS) else ""
    # "invoice.xml.p7m" is a signed file, as it is usual in Italy, and no part of the mail's text.
    if "." in stem or sniffed_type(shell.content):
        return Unpacked(files=[PackedFile(stem, shell.content)], notes=notes)
    return Unpacked(entity=shell.content, notes=notes)


def _of_tnef(content: bytes) -> Unpacked | None:
    found = read_tnef(content)
    if found is None:
        return None
    files = [_file(one) for one in found.files if one.content]
    if found.rtf and not (found.html or found.text):
        files.append(PackedFile("body.rtf", found.rtf, "application/rtf"))
    notes = [] if found.whole else ["not complete: unpacked as far as it goes"]
    meeting = meeting_in(found)
    if len(found.text) + len(found.html) > TEXT_MAX:
        notes.append("its text is too large to be shown")
        return Unpacked(meeting=meeting, files=files, notes=notes)
    text = _text(found)
    return Unpacked(text=text, html=found.html, meeting=meeting, files=files, notes=notes)


def _text(found: Tnef) -> str:
    text = found.text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    if text or found.html:
        return text
    return rtf_to_text(found.rtf) if found.rtf else ""


def _file(file: TnefFile) -> PackedFile:
    if file.is_message:
        return PackedFile(f"{file.name or 'message'}.tnef", file.content, "application/ms-tnef")
    return PackedFile(file.name, file.content, file.content_type, file.content_id)
