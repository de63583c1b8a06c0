"""The content of a message: the tree of its parts in, its text, HTML and attachments out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from postrail.message_parts import CalendarEvent
from services.parser.content.attachments import (
    AttachedFile,
    UnpackedFile,
    attachment_of_file,
    attachment_of_part,
    content_of,
)
from services.parser.content.body import (
    Section,
    best_alternative,
    charset_in_html,
    html_of,
    is_body,
    is_html,
    is_lone_data,
    text_of,
)
from services.parser.content.embedded_images import extract_images
from services.parser.content.rtf import rtf_to_text
from services.parser.content.unpack import (
    CONTAINER_DEPTH_MAX,
    CONTAINER_MAX_BYTES,
    UNPACKED_MAX_BYTES,
    is_container,
    unpack,
)
from services.parser.mime.structure import DEPTH_MAX, PARTS_MAX, Part, read_structure, recover_parts
from services.parser.mime.text_around import cut_texts_around
from services.parser.mime.uuencode import extract_uuencoded
from services.parser.text.decode import decode_named, storable, unflow, unix_lines
from services.parser.text.enriched import ENRICHED_TYPES, enriched_to_text
from services.parser.text.markup import clean_html, with_lines

# No person reads a longer text as a message; as an attachment it costs no time.
BODY_MAX = 4 * 1024 * 1024
RTF_START = b"{\\rtf"
# All texts of a message together; a plain text and its HTML may each have the full length.
BODIES_MAX = 2 * BODY_MAX
SIGNATURE_TYPES = {
    "application/pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """The body in both forms (either may be ""), and the attachments in their order."""

    text: str
    html: str
    # The HTML as it came, not safe to show.
    source: str
    attachments: list[AttachedFile]
    # Detached signatures (RFC 1847): kept apart from what the sender attached.
    signatures: list[AttachedFile]
    # How the texts were read: "utf-8", or "gb2312 as gb18030".
    charsets: list[str]
    # Which limits were exceeded.
    cut: list[str]
    # Remarks about signed, encrypted and broken attachments.
    notes: list[str]
    # The message inside an opaque signature, where the whole message is signed so.
    signed: Part | None = None
    # From winmail.dat.
    meetings: list[CalendarEvent] = field(default_factory=list)


def read_parts(root: Part) -> Content:
    """Reads the content of a message; what exceeds a limit is left out and noted in `cut`."""
    reader = _Reader()
    sections = reader.sections(root, 0) or reader.unpacked_sections
    source = html_of(sections)
    images = {file.content_id: file.name for file in reader.files if file.content_id}
    return Content(
        text=text_of(sections, images),
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
    """Walks the tree of parts: returns the body, and collects everything else."""

    def __init__(self) -> None:
        self.files: list[AttachedFile] = []
        self.signatures: list[AttachedFile] = []
        self.charsets: list[str] = []
        self.cut: list[str] = []
        self.notes: list[str] = []
        # The body of a winmail.dat, used when the message has no other body.
        self.unpacked_sections: list[Section] = []
        self.signed: Part | None = None
        self.meetings: list[CalendarEvent] = []
        self._parts = 0
        self._body_bytes_left = BODIES_MAX
        self._container_depth = 0
        self._unpacked_bytes_left = UNPACKED_MAX_BYTES

    def sections(self, part: Part, depth: int) -> list[Section]:
        """Returns the pieces of the body in this part and in those within it."""
        self._parts += 1
        if depth > DEPTH_MAX:
            return self._leave_out(f"parts that nest more than {DEPTH_MAX} deep were left out")
        if self._parts > PARTS_MAX:
            return self._leave_out(f"the parts after the first {PARTS_MAX} were left out")
        if part.content_type.value == "multipart/encrypted":
            self.notes.append("encrypted: kept whole")
        if children := part.children or recover_parts(part):
            within = [self.sections(child, depth + 1) for child in children]
            if part.content_type.value == "multipart/alternative":
                return best_alternative(within)
            return [section for sections in within for section in sections]
        above, behind = cut_texts_around(part)
        before = self._body(above) if above else []
        shown = is_body(part) or (depth == 0 and is_lone_data(part))
        found = self._body(part) if shown else self._attach(part, depth)
        return [*before, *found, *self._body(behind)] if behind else [*before, *found]

    def _leave_out(self, reason: str) -> list[Section]:
        if reason not in self.cut:
            self.cut.append(reason)
        return []

    def _attach(self, part: Part, depth: int) -> list[Section]:
        """Keeps the part as a file; a signed one may hold a piece of the body."""
        if part.content_type.value in SIGNATURE_TYPES:
            self.signatures.append(attachment_of_part(part, len(self.signatures) + 1))
            return []
        file = attachment_of_part(part, len(self.files) + 1)
        if "\ufffd" in file.name:
            self.notes.append("characters of a file's name were replaced")
        self.files.append(file)
        return self._unpack(file, depth)

    def _unpack(self, file: AttachedFile, depth: int) -> list[Section]:
        """Adds what a file contains after the file itself, which stays as it is."""
        too_deep = self._container_depth >= CONTAINER_DEPTH_MAX
        if too_deep or not is_container(file.name, file.content_type):
            return []
        content = file.source.first(CONTAINER_MAX_BYTES + 1)
        found = unpack(file.name, file.content_type, content, self._unpacked_bytes_left)
        if found is None:
            return []
        self._unpacked_bytes_left -= file.size + found.size
        self.notes += [f"{file.name}: {note}" for note in found.notes]
        before = len(self.files)
        self._container_depth += 1
        sections = self._unpacked_entity(found.entity, depth)
        for one in found.files:
            self._add_unpacked(one, depth)
        self._container_depth -= 1
        self.files[before:] = [
            one if one.unpacked_from else replace(one, unpacked_from=file.sha256)
            for one in self.files[before:]
        ]
        # A message within the message is an attachment, and its text and meeting stay in it.
        if self._container_depth == 0 and found.meeting:
            self.meetings.append(found.meeting)
        if self._container_depth == 0 and (found.text or found.html):
            self.unpacked_sections.append(Section(found.text or None, found.html or None))
        return sections

    def _unpacked_entity(self, entity: bytes, depth: int) -> list[Section]:
        if not entity:
            return []
        root = read_structure(entity)
        # Each signature adds one level: at equal depths only signatures enclose the whole message.
        if depth == self._container_depth - 1:
            self.signed = root
        sections = self.sections(root, depth + 1)
        self.notes += root.tree_defects()
        return sections

    def _add_unpacked(self, unpacked: UnpackedFile, depth: int) -> None:
        file = attachment_of_file(unpacked, len(self.files) + 1)
        self.files.append(file)
        self._unpack(file, depth)

    def _body(self, part: Part) -> list[Section]:
        content = content_of(part).first(BODY_MAX + 1)
        if len(content) > BODY_MAX:
            self._attach(part, DEPTH_MAX)
            return self._leave_out(f"a text of more than {BODY_MAX} bytes became an attachment")
        if len(content) > self._body_bytes_left:
            self._attach(part, DEPTH_MAX)
            return self._leave_out(f"texts after the first {BODIES_MAX} bytes became attachments")
        self._body_bytes_left -= len(content)
        if content.startswith(RTF_START):
            # The text is shown, and the file stays with what is not text in it.
            text = rtf_to_text(content)
            return [*self._attach(part, DEPTH_MAX), *([Section(text, None)] if text else [])]
        text = self._decoded(content, part.content_type.parameters.get("charset"))
        if is_html(part, text):
            text = self._without_images(with_lines(text))
            return [Section(None, text)] if text.strip() else []
        text = self._without_files(unix_lines(text))
        if part.content_type.value in ENRICHED_TYPES:
            text = enriched_to_text(text)
        if part.content_type.parameters.get("format", "").lower() == "flowed":
            text = unflow(text, part.content_type.parameters.get("delsp", "").lower() == "yes")
        return [Section(text.strip("\n"), None)] if text.strip() else []

    def _decoded(self, content: bytes, charset: str | None) -> str:
        decoded = decode_named(content, charset or charset_in_html(content))
        if decoded.charset not in self.charsets:
            self.charsets.append(decoded.charset)
        if decoded.has_replacements:
            self.notes.append(f"characters of the text were replaced: {decoded.charset}")
        return storable(decoded.text)

    def _without_images(self, source: str) -> str:
        source, images = extract_images(source)
        for image in images:
            self.files.append(attachment_of_file(image, len(self.files) + 1))
        return source

    def _without_files(self, text: str) -> str:
        if "begin " not in text:
            return text
        text, found = extract_uuencoded(text)
        for name, content in found:
            file = UnpackedFile(name, content)
            self.files.append(attachment_of_file(file, len(self.files) + 1))
        return text
