"""The parts of a mail: its text, its HTML, and everything else as attachments."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from postrail.records import CalendarEvent
from services.parser.content.attachment_names import attachment_name, sniffed_type, type_of_name
from services.parser.content.unpack import (
    PACKED_DEPTH_MAX,
    PACKED_MAX_BYTES,
    UNPACKED_MAX_BYTES,
    PackedFile,
    is_packed,
    unpack,
)
from services.parser.mime.headers import decode_value
from services.parser.mime.structure import DEPTH_MAX, PARTS_MAX, Part, found_parts, read_structure
from services.parser.mime.transfer import Encoded, plain
from services.parser.mime.uuencode import without_uuencoded
from services.parser.text.decode import cut, decode_named, one_line, storable, unflowed, unix_lines
from services.parser.text.markup import clean_html, html_from_text, html_to_text

# A text that nobody reads as a mail; as an attachment it costs no time.
BODY_MAX = 4 * 1024 * 1024
# All texts of a mail together; a plain text and its HTML may each be as long as a text may be.
BODIES_MAX = 2 * BODY_MAX
# The attachments of a mail up to here are decoded only once.
KEPT_MAX = 4 * 1024 * 1024
METHOD_MAX_BYTES = 40
SIGNATURE_TYPES = {
    "application/pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
}
CONTENT_TYPE_MAX_BYTES = 127
CONTENT_ID_MAX_BYTES = 250
BODY_TYPES = ("text/plain", "text/html")


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
    # What the content's first bytes say, or "": the declared type is the sender's word.
    sniffed_type: str = ""
    # Of a calendar part (RFC 6047): REQUEST, REPLY, CANCEL, …
    method: str = ""
    # The SHA-256 of the attachment that it was found in, or "".
    unpacked_from: str = ""

    @property
    def content(self) -> bytes:
        """All of the content: as much memory as it is large. Most readers want its beginning."""
        return self.source.read()


@dataclass(frozen=True, slots=True)
class Measured:
    """What reading a content once tells."""

    source: Encoded
    sha256: str
    size: int
    sniffed_type: str


def measured(source: Encoded) -> Measured:
    """Reads a content once. That of a small mail stays decoded, a larger one is decoded again."""
    if len(source.view) <= KEPT_MAX:
        source = plain(source.read())
    digest, size, sniffed = hashlib.sha256(), 0, ""
    for chunk in source.chunks():
        if not size:
            sniffed = sniffed_type(chunk)
        digest.update(chunk)
        size += len(chunk)
    return Measured(source, digest.hexdigest(), size, sniffed)


def content_of(part: Part) -> Encoded:
    """The part's bytes, with its transfer encoding to be undone."""
    # Some write "base64;" or add a comment.
    words = (part.raw("content-transfer-encoding") or "").lower().replace(";", " ").split()
    return Encoded(part.view, part.start, part.end, words[0] if words else "")


@dataclass(frozen=True, slots=True)
class _Section:
    """A piece of the body in one or both of its forms; HTML as it came."""

    text: str | None
    html: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """The body in both forms ("" when there is none), and the attachments in their order."""

    text: str
    html: str
    # The HTML as it came, not safe to show.
    source: str
    attachments: list[AttachedFile]
    # Detached signatures (RFC 1847): kept, and no attachments of the sender's.
    signatures: list[AttachedFile]
    # How the texts were read: "utf-8", or "gb2312 as gb18030".
    charsets: list[str]
    # What went beyond a limit.
    cut: list[str]
    # What is to be known of packed attachments.
    notes: list[str]
    # The mail inside an opaque signature, where the whole mail is signed so.
    signed: Part | None = None
    # From winmail.dat.
    meetings: list[CalendarEvent] = field(default_factory=list)


def read_parts(root: Part) -> Content:
    """The content of a mail; what goes beyond a limit is left out, and said."""
    reader = _Reader()
    sections = reader.sections(root, 0) or reader.packed_sections
    source = _source(sections)
    return Content(
        text=_text(sections),
        html=clean_html(source) if source else "",
        source=source,
        attachments=reader.files,
        signatures=reader.signatures,
        charsets=reader.charsets,
        cut=reader.cut,
        notes=list(dict.fromkeys(reader.notes)),
        signed=reader.signed,
        meetings=reader.meetings,
    )


class _Reader:
    """Goes through the parts, and collects what is not the body."""

    def __init__(self) -> None:
        self.files: list[AttachedFile] = []
        self.signatures: list[AttachedFile] = []
        self.charsets: list[str] = []
        self.cut: list[str] = []
        self.notes: list[str] = []
        # The body of a winmail.dat, for a mail that has no other one.
        self.packed_sections: list[_Section] = []
        self.signed: Part | None = None
        self.meetings: list[CalendarEvent] = []
        self._parts = 0
        self._room = BODIES_MAX
        self._packed_depth = 0
        self._packed_room = UNPACKED_MAX_BYTES

    def sections(self, part: Part, depth: int) -> list[_Section]:
        """The pieces of the body in this part and those within it."""
        self._parts += 1
        if depth > DEPTH_MAX:
            return self._left_out(f"parts that nest more than {DEPTH_MAX} deep were left out")
        if self._parts > PARTS_MAX:
            return self._left_out(f"the parts after the first {PARTS_MAX} were left out")
        if part.content_type.value == "multipart/encrypted":
            self.notes.append("encrypted: kept whole")
        if children := part.children or found_parts(part):
            within = [self.sections(child, depth + 1) for child in children]
            if part.content_type.value == "multipart/alternative":
                return _best(within)
            return [section for sections in within for section in sections]
        if not _is_body(part):
            return self._attach(part, depth)
        return self._body(part)

    def _left_out(self, what: str) -> list[_Section]:
        if what not in self.cut:
            self.cut.append(what)
        return []

    def _attach(self, part: Part, depth: int) -> list[_Section]:
        """Keeps the part as a file; a packed one may hold a piece of the body."""
        if part.content_type.value in SIGNATURE_TYPES:
            self.signatures.append(_attached(part, len(self.signatures) + 1))
            return []
        file = _attached(part, len(self.files) + 1)
        self.files.append(file)
        return self._unpack(file, depth)

    def _unpack(self, file: AttachedFile, depth: int) -> list[_Section]:
        """What is in a packed file is added behind it; the file itself stays as it is."""
        if self._packed_depth >= PACKED_DEPTH_MAX or not is_packed(file.name, file.content_type):
            return []
        content = file.source.first(PACKED_MAX_BYTES + 1)
        found = unpack(file.name, file.content_type, content, self._packed_room)
        if found is None:
            return []
        self._packed_room -= file.size + found.size
        self.notes += [f"{file.name}: {note}" for note in found.notes]
        before = len(self.files)
        self._packed_depth += 1
        sections = self._unpacked_entity(found.entity, depth)
        for one in found.files:
            self._add_packed(one, depth)
        self._packed_depth -= 1
        self.files[before:] = [
            one if one.unpacked_from else replace(one, unpacked_from=file.sha256)
            for one in self.files[before:]
        ]
        # A message within the message is an attachment, and so is what it asks for.
        if self._packed_depth == 0 and found.meeting:
            self.meetings.append(found.meeting)
        if self._packed_depth == 0 and (found.text or found.html):
            self.packed_sections.append(_Section(found.text or None, found.html or None))
        return sections

    def _unpacked_entity(self, entity: bytes, depth: int) -> list[_Section]:
        if not entity:
            return []
        root = read_structure(entity)
        # Each signature goes one deeper; nothing but signatures stands around the whole mail then.
        if depth == self._packed_depth - 1:
            self.signed = root
        return self.sections(root, depth + 1)

    def _add_packed(self, packed: PackedFile, depth: int) -> None:
        file = _file_of(packed, len(self.files) + 1)
        self.files.append(file)
        self._unpack(file, depth)

    def _body(self, part: Part) -> list[_Section]:
        content = content_of(part).first(BODY_MAX + 1)
        if len(content) > BODY_MAX:
            self._attach(part, DEPTH_MAX)
            return self._left_out(f"a text of more than {BODY_MAX} bytes became an attachment")
        if len(content) > self._room:
            self._attach(part, DEPTH_MAX)
            return self._left_out(f"texts after the first {BODIES_MAX} bytes became attachments")
        self._room -= len(content)
        decoded = decode_named(content, part.content_type.parameters.get("charset"))
        if decoded.charset not in self.charsets:
            self.charsets.append(decoded.charset)
        text = storable(decoded.text)
        if part.content_type.value == "text/html":
            return [_Section(None, text)] if text.strip() else []
        text = self._without_files(unix_lines(text), decoded.charset)
        if part.content_type.parameters.get("format", "").lower() == "flowed":
            text = unflowed(text, part.content_type.parameters.get("delsp", "").lower() == "yes")
        return [_Section(text.strip("\n"), None)] if text.strip() else []

    def _without_files(self, text: str, charset: str) -> str:
        if "begin " not in text:
            return text
        text, found = without_uuencoded(text)
        for name, content in found:
            self.files.append(_uuencoded(name, content, len(self.files) + 1))
        return text


def _is_body(part: Part) -> bool:
    value = part.content_type.value
    if value.startswith("multipart/"):
        # Without its boundary a multipart is read as the text that it holds.
        return True
    if value not in BODY_TYPES or part.disposition.value == "attachment":
        return False
    return not part.file_name


def _best(within: list[list[_Section]]) -> list[_Section]:
    """Of alternatives the first plain text, and the last (the richest, RFC 2046, 5.1.4) HTML."""
    plain = [sections for sections in within if all(one.html is None for one in sections)]
    rich = [sections for sections in within if any(one.html is not None for one in sections)]
    text = next((_text(sections) for sections in plain if sections), None)
    if not rich:
        return [_Section(text, None)] if text else []
    best = rich[-1]
    # A richer form may have a plain one of its own.
    if text is None and any(one.text for one in best):
        return best
    source = "".join(one.html or html_from_text(one.text or "") for one in best)
    return [_Section(text, source)]


def _text(sections: list[_Section]) -> str:
    texts = [one.text if one.text else html_to_text(one.html or "") for one in sections]
    return "\n\n".join(text for text in texts if text)


def _source(sections: list[_Section]) -> str:
    if all(one.html is None for one in sections):
        return ""
    return "\n".join(one.html or html_from_text(one.text or "") for one in sections)


def _uuencoded(name: str, content: bytes, number: int) -> AttachedFile:
    return _file_of(PackedFile(name, content), number)


def _file_of(packed: PackedFile, number: int) -> AttachedFile:
    found = measured(plain(packed.content))
    content_type = (
        cut(one_line(packed.content_type.lower()), CONTENT_TYPE_MAX_BYTES)
        or found.sniffed_type
        or type_of_name(packed.name)
        or "application/octet-stream"
    )
    content_id = cut(one_line(packed.content_id).strip("<> "), CONTENT_ID_MAX_BYTES)
    return AttachedFile(
        name=attachment_name(packed.name, content_type, number),
        content_type=content_type,
        sha256=found.sha256,
        size=found.size,
        source=found.source,
        content_id=content_id or None,
        inline=bool(content_id),
        sniffed_type=found.sniffed_type,
    )


def _attached(part: Part, number: int) -> AttachedFile:
    found = measured(content_of(part))
    content_type = cut(one_line(part.content_type.value), CONTENT_TYPE_MAX_BYTES)
    content_id = decode_value(part.raw("content-id") or "").strip("<> ")
    return AttachedFile(
        name=attachment_name(part.file_name, content_type, number),
        content_type=content_type,
        sha256=found.sha256,
        size=found.size,
        source=found.source,
        content_id=cut(content_id, CONTENT_ID_MAX_BYTES) or None,
        inline=part.disposition.value == "inline"
        or bool(content_id and not part.disposition.value),
        sniffed_type=found.sniffed_type,
        method=cut(part.content_type.parameters.get("method", "").upper(), METHOD_MAX_BYTES),
    )
