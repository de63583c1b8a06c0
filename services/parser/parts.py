"""The parts of a mail: its text, its HTML, and everything else as attachments."""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from email.policy import compat32
from functools import cached_property

from postrail.errors import PermanentError
from services.parser.headers import decode_value, lenient_base64
from services.parser.markup import clean_html, html_from_text, html_to_text
from services.parser.names import attachment_name
from services.parser.parameters import Valued, read_valued
from services.parser.text import cut, decode, one_line, storable, unix_lines

# Parts nest three or four deep in real mail; a mail that nests deeper is an attack or garbage.
DEPTH_MAX = 100
CONTENT_TYPE_MAX_BYTES = 127
CONTENT_ID_MAX_BYTES = 250
MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", re.ASCII)
BODY_TYPES = ("text/plain", "text/html")


class MailUnparsable(PermanentError):  # noqa: N818  Reads as what it says.
    """The mail's structure cannot be followed; its bytes are kept."""


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
        return Valued("text/plain", valued.parameters)

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

    @property
    def children(self) -> Sequence[Part]:
        """The parts of a multipart; nothing for all others."""
        payload = self._payload_or_parts()
        return payload if isinstance(payload, list) else ()

    @property
    def is_blank(self) -> bool:
        """Whether nothing follows the header."""
        return not self._payload_or_parts()

    def content(self) -> bytes:
        """The part's bytes with its transfer encoding undone; never fails."""
        payload = self._payload_or_parts()
        if not isinstance(payload, str):
            return b""
        data = payload.encode("utf-8", "surrogateescape")
        # Some write "base64;" or add a comment.
        words = (self.raw("content-transfer-encoding") or "").lower().replace(";", " ").split()
        return _undone(data, words[0] if words else "")

    def _payload_or_parts(self) -> str | list[Part]:
        payload: str | list[Part] = self.__dict__["_payload"] or ""
        return payload


def _undone(data: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return lenient_base64(data)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data)
    if encoding in ("x-uuencode", "uuencode", "uue", "x-uue"):
        return b"".join(_uu_lines(data))
    return data


def _uu_lines(data: bytes) -> Iterator[bytes]:
    _, _, body = data.partition(b"begin ")
    for line in body.splitlines()[1:]:
        if line.strip() == b"end":
            return
        try:
            yield binascii.a2b_uu(line)
        except binascii.Error:
            # Some encoders write a wrong length; what is left of the line counts.
            size = (((line[0] - 32) & 63) * 4 + 5) // 3 if line else 0
            yield _first_bytes(line[: size + 1])


def _first_bytes(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        return b""


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """An attachment with its content."""

    name: str
    content_type: str
    sha256: str
    content: bytes
    content_id: str | None
    inline: bool


@dataclass(frozen=True, slots=True)
class _Section:
    """A piece of the body in one or both of its forms; HTML as it came."""

    text: str | None
    html: str | None


@dataclass(frozen=True, slots=True)
class Content:
    """The body in both forms ("" when there is none), and the attachments in their order."""

    text: str
    html: str
    attachments: list[AttachedFile]


def read_parts(root: Part) -> Content:
    """The content of a mail; raises MailUnparsable when its parts nest too deeply."""
    attachments: list[AttachedFile] = []
    sections = _sections(root, attachments, 0)
    return Content(_text(sections), _html(sections), attachments)


def _sections(part: Part, attachments: list[AttachedFile], depth: int) -> list[_Section]:
    if depth > DEPTH_MAX:
        raise MailUnparsable(f"its parts nest more than {DEPTH_MAX} deep")
    if part.children:
        within = [_sections(child, attachments, depth + 1) for child in part.children]
        if part.content_type.value == "multipart/alternative":
            return _best(within)
        return [section for sections in within for section in sections]
    if not _is_body(part):
        attachments.append(_attached(part, len(attachments) + 1))
        return []
    text = storable(decode(part.content(), part.content_type.parameters.get("charset")))
    if part.content_type.value == "text/html":
        return [_Section(None, text)] if text.strip() else []
    return [_Section(unix_lines(text).strip("\n"), None)] if text.strip() else []


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


def _html(sections: list[_Section]) -> str:
    if all(one.html is None for one in sections):
        return ""
    sources = [one.html or html_from_text(one.text or "") for one in sections]
    return clean_html("\n".join(sources))


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
    )
