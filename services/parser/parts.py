"""The parts of a mail: its text, its HTML, and everything else as attachments."""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.feedparser import FeedParser
from email.message import Message
from email.policy import compat32
from functools import cached_property
from typing import Any, cast

from services.parser.headers import decode_value, lenient_base64
from services.parser.markup import clean_html, html_from_text, html_to_text
from services.parser.names import attachment_name, sniffed_type, type_of_name
from services.parser.parameters import Valued, read_valued
from services.parser.text import cut, decode_named, one_line, storable, unflowed, unix_lines
from services.parser.uuencode import uudecode, without_uuencoded

# Parts nest three or four deep in real mail; a mail that nests deeper is an attack or garbage.
DEPTH_MAX = 100
PARTS_MAX = 1000
# A text that nobody reads as a mail; as an attachment it costs no time.
BODY_MAX = 4 * 1024 * 1024
METHOD_MAX_BYTES = 40
SIGNATURE_TYPES = {
    "application/pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
}
# RFC 2046, 5.1.1: a boundary has up to 70 characters; a part's header follows.
BOUNDARY_LINE = re.compile(
    r"^--([^\s-][^\r\n]{0,69}?|-[^\r\n]{0,69}?)[ \t]*\r?\n(?=content-)",
    re.IGNORECASE | re.MULTILINE,
)
BOUNDARY_SEARCHED_MAX = 8 * 1024 * 1024
CONTENT_TYPE_MAX_BYTES = 127
CONTENT_ID_MAX_BYTES = 250
MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", re.ASCII)
BODY_TYPES = ("text/plain", "text/html")


class Part(Message):
    """A part as the stdlib's parser fills it; message/* parts keep their bytes as they came."""

    def __init__(self) -> None:
        super().__init__(compat32)

    def raw(self, name: str) -> str | None:
        """The value of a field as it stood in the mail; `name` in lower case."""
        for found, value in self.raw_items():
            if found.lower() == name:
                return str(value)
        return None

    @cached_property
    def content_type(self) -> Valued:
        """Its Content-Type; text/plain when that is missing or broken (RFC 2045, 5.2)."""
        raw = self.raw("content-type")
        if raw is None:
            return Valued(self.get_default_type())
        valued = read_valued(raw)
        if MEDIA_TYPE.fullmatch(valued.value):
            return valued
        # "multipart/*" and the like: its boundary says what it is.
        multipart = valued.value.startswith("multipart") and "boundary" in valued.parameters
        return Valued("multipart/mixed" if multipart else "text/plain", valued.parameters)

    @cached_property
    def disposition(self) -> Valued:
        """Its Content-Disposition, or nothing."""
        raw = self.raw("content-disposition")
        return read_valued(raw) if raw else Valued("")

    @property
    def file_name(self) -> str:
        """The name that the sender gave the file, or ""."""
        given = self.disposition.parameters.get("filename")
        return given or self.content_type.parameters.get("name") or ""

    # The three below are what the stdlib's parser asks. It must not open message/* parts: a mail
    # inside a mail stays one file, byte for byte, however deep it nests.
    def get_content_type(self) -> str:
        value = self.content_type.value
        return "application/octet-stream" if value.startswith("message/") else value

    def get_content_maintype(self) -> str:
        return self.get_content_type().partition("/")[0]

    def get_content_subtype(self) -> str:
        return self.get_content_type().partition("/")[2]

    def get_boundary(self, failobj: Any = None) -> Any:
        return self.content_type.parameters.get("boundary", "").rstrip() or failobj

    @property
    def children(self) -> Sequence[Part]:
        """The parts of a multipart; nothing for all others."""
        payload = self._payload_or_parts()
        return payload if isinstance(payload, list) else ()

    def content(self) -> bytes:
        """The part's bytes with its transfer encoding undone; never fails."""
        payload = self._payload_or_parts()
        if not isinstance(payload, str):
            return b""
        data = payload.encode("utf-8", "surrogateescape")
        # Some write "base64;" or add a comment.
        words = (self.raw("content-transfer-encoding") or "").lower().replace(";", " ").split()
        return _undone(data, words[0] if words else "")

    @property
    def text(self) -> str:
        """What stands in the part, undecoded (8-bit as surrogates); "" for one with parts."""
        payload = self._payload_or_parts()
        return payload if isinstance(payload, str) else ""

    def _payload_or_parts(self) -> str | list[Part]:
        payload: str | list[Part] = self.__dict__["_payload"] or ""
        return payload


def _undone(data: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return lenient_base64(data)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data)
    if encoding in ("x-uuencode", "uuencode", "uue", "x-uue"):
        return uudecode(data)
    return data


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """An attachment with its content."""

    name: str
    content_type: str
    sha256: str
    content: bytes
    content_id: str | None
    inline: bool
    # What the content's first bytes say, or "": the declared type is the sender's word.
    sniffed_type: str = ""
    # Of a calendar part (RFC 6047): REQUEST, REPLY, CANCEL, …
    method: str = ""


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


def read_parts(root: Part) -> Content:
    """The content of a mail; what goes beyond a limit is left out, and said."""
    reader = _Reader()
    sections = reader.sections(root, 0)
    source = _source(sections)
    return Content(
        text=_text(sections),
        html=clean_html(source) if source else "",
        source=source,
        attachments=reader.files,
        signatures=reader.signatures,
        charsets=reader.charsets,
        cut=reader.cut,
    )


class _Reader:
    """Goes through the parts, and collects what is not the body."""

    def __init__(self) -> None:
        self.files: list[AttachedFile] = []
        self.signatures: list[AttachedFile] = []
        self.charsets: list[str] = []
        self.cut: list[str] = []
        self._parts = 0

    def sections(self, part: Part, depth: int) -> list[_Section]:
        """The pieces of the body in this part and those within it."""
        self._parts += 1
        if depth > DEPTH_MAX:
            return self._left_out(f"parts that nest more than {DEPTH_MAX} deep were left out")
        if self._parts > PARTS_MAX:
            return self._left_out(f"the parts after the first {PARTS_MAX} were left out")
        if children := part.children or found_parts(part):
            within = [self.sections(child, depth + 1) for child in children]
            if part.content_type.value == "multipart/alternative":
                return _best(within)
            return [section for sections in within for section in sections]
        if not _is_body(part):
            self._attach(part)
            return []
        return self._body(part)

    def _left_out(self, what: str) -> list[_Section]:
        if what not in self.cut:
            self.cut.append(what)
        return []

    def _attach(self, part: Part) -> None:
        signature = part.content_type.value in SIGNATURE_TYPES
        files = self.signatures if signature else self.files
        files.append(_attached(part, len(files) + 1))

    def _body(self, part: Part) -> list[_Section]:
        content = part.content()
        if len(content) > BODY_MAX:
            self._attach(part)
            self._left_out(f"a text of more than {BODY_MAX} bytes became an attachment")
            return []
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


def found_parts(part: Part) -> Sequence[Part]:
    """The parts of a multipart whose boundary is missing or wrong, by the boundary in its text."""
    if not part.content_type.value.startswith("multipart/"):
        return ()
    text = part.text
    found = BOUNDARY_LINE.search(text)
    if not found or len(text) > BOUNDARY_SEARCHED_MAX:
        return ()
    parser: FeedParser[Part] = FeedParser(Part, policy=cast("Any", compat32))
    boundary = found.group(1).replace("\\", "\\\\").replace('"', '\\"')
    parser.feed(f'Content-Type: multipart/mixed; boundary="{boundary}"\n\n{text}')
    return parser.close().children


def _uuencoded(name: str, content: bytes, number: int) -> AttachedFile:
    sniffed = sniffed_type(content)
    content_type = sniffed or type_of_name(name) or "application/octet-stream"
    return AttachedFile(
        name=attachment_name(name, content_type, number),
        content_type=content_type,
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        content_id=None,
        inline=False,
        sniffed_type=sniffed,
    )


def _attached(part: Part, number: int) -> AttachedFile:
    content = part.content()
    content_type = cut(one_line(part.content_type.value), CONTENT_TYPE_MAX_BYTES)
    content_id = decode_value(part.raw("content-id") or "").strip("<> ")
    return AttachedFile(
        name=attachment_name(part.file_name, content_type, number),
        content_type=content_type,
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        content_id=cut(content_id, CONTENT_ID_MAX_BYTES) or None,
        inline=part.disposition.value == "inline"
        or bool(content_id and not part.disposition.value),
        sniffed_type=sniffed_type(content),
        method=cut(part.content_type.parameters.get("method", "").upper(), METHOD_MAX_BYTES),
    )
