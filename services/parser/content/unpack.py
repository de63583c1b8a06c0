"""Unpacks opaque S/MIME signatures and winmail.dat: a file in, its body and files out."""

from __future__ import annotations

from dataclasses import dataclass, field

from postrail.message_parts import CalendarEvent
from services.parser.content.attachment_names import sniffed_type
from services.parser.content.attachments import UnpackedFile
from services.parser.content.meetings import meeting_in
from services.parser.content.rtf import rtf_to_text
from services.parser.content.smime import read_cms
from services.parser.content.tnef import Tnef, TnefFile, read_tnef
from services.parser.text.decode import unix_lines

CONTAINER_DEPTH_MAX = 5
# The limits of one file, and of all that is unpacked from a message: larger files are kept whole.
CONTAINER_MAX_BYTES = 16 * 1024 * 1024
UNPACKED_MAX_BYTES = 48 * 1024 * 1024
# No person reads a longer text as a message.
TEXT_MAX = 4 * 1024 * 1024
SMIME_TYPES = {"application/pkcs7-mime", "application/x-pkcs7-mime"}
TNEF_TYPES = {"application/ms-tnef", "application/vnd.ms-tnef"}
SMIME_ENDINGS = (".p7m", ".p7z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Unpacked:
    """The content of a container."""

    # A part of the message with its own header, to be read like any other part.
    entity: bytes = b""
    # A body, for a message that has no other one.
    text: str = ""
    html: str = ""
    meeting: CalendarEvent | None = None
    files: list[UnpackedFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Counts the bytes of the entity and the files."""
        return len(self.entity) + sum(len(one.content) for one in self.files)


def is_container(name: str, content_type: str) -> bool:
    """Tells a file that contains others by its type or its name."""
    return _is_smime(name, content_type) or _is_tnef(name, content_type)


def _is_smime(name: str, content_type: str) -> bool:
    return content_type in SMIME_TYPES or name.lower().endswith(SMIME_ENDINGS)


def _is_tnef(name: str, content_type: str) -> bool:
    return content_type in TNEF_TYPES or name.lower() == "winmail.dat"


def unpack(name: str, content_type: str, content: bytes, max_bytes: int) -> Unpacked | None:
    """Returns the content of a container, or None for any other file; never raises."""
    if len(content) > min(CONTAINER_MAX_BYTES, max_bytes):
        return Unpacked(notes=["too large to unpack: kept whole"])
    return _from_cms(name, content) if _is_smime(name, content_type) else _from_tnef(content)


def _from_cms(name: str, content: bytes) -> Unpacked | None:
    cms = read_cms(content)
    if cms.kind == "encrypted":
        return Unpacked(notes=["encrypted: kept whole"])
    if cms.content is None:
        # Bare certificates have no content, and files of other formats stay plain attachments.
        return None if cms.whole else Unpacked(notes=["broken: its content cannot be read"])
    notes = ["signed: the signature was not verified"] if cms.kind == "signed" else []
    if not cms.whole:
        notes.append("not complete: unpacked as far as it goes")
    stem = name[: -len(SMIME_ENDINGS[0])] if name.lower().endswith(SMIME_ENDINGS) else ""
    # "invoice.xml.p7m" is a signed file, as is usual in Italy, and not a part of the message.
    if "." in stem or sniffed_type(cms.content):
        return Unpacked(files=[UnpackedFile(stem, cms.content)], notes=notes)
    return Unpacked(entity=cms.content, notes=notes)


def _from_tnef(content: bytes) -> Unpacked | None:
    found = read_tnef(content)
    if found is None:
        return None
    files = [_file(one) for one in found.files if one.content]
    if found.rtf and not (found.html or found.text):
        files.append(UnpackedFile("body.rtf", found.rtf, "application/rtf"))
    notes = [] if found.whole else ["not complete: unpacked as far as it goes"]
    meeting = meeting_in(found)
    if len(found.text) + len(found.html) > TEXT_MAX:
        notes.append("its text is too large to be shown")
        return Unpacked(meeting=meeting, files=files, notes=notes)
    text = _text(found)
    return Unpacked(text=text, html=found.html, meeting=meeting, files=files, notes=notes)


def _text(found: Tnef) -> str:
    text = unix_lines(found.text).strip("\n")
    if text or found.html:
        return text
    return rtf_to_text(found.rtf) if found.rtf else ""


def _file(file: TnefFile) -> UnpackedFile:
    if file.is_message:
        return UnpackedFile(f"{file.name or 'message'}.tnef", file.content, "application/ms-tnef")
    return UnpackedFile(file.name, file.content, file.content_type, file.content_id)
