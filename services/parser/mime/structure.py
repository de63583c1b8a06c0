"""The MIME structure of a message (RFC 2046): bytes in, a tree of parts with their headers out.

Written by hand, since the stdlib's parser would take a third of the total time and super-linear
time for nested parts, and recurses as deep as they nest. Defects have the names that it uses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from services.parser.mime.parameters import StructuredValue, read_structured_value
from services.parser.mime.raw_bytes import View
from services.parser.mime.raw_text import ESCAPE, decode_raw_fields

# Parts nest three or four deep in real messages; deeper nesting is an attack or garbage.
DEPTH_MAX = 100
PARTS_MAX = 1000
MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", re.ASCII)
# The limits for all parts together. Real ones have a few dozen KiB, a few hundred fields.
HEADERS_MAX = 4 * 1024 * 1024
FIELDS_MAX = 10_000
# RFC 5322, 2.2: printable ASCII before the colon, and lines that begin with white space after it.
# A space before the colon occurs, too.
FIELD = re.compile(rb"([!-9;-~]{1,1000}+)[ \t]*+:[ \t]*+([^\n]*+(?:\n[ \t][^\n]*+)*+)\n?")
EMPTY_LINE = re.compile(rb"\r*+(?:\n|\Z)")
HEADER_END = re.compile(rb"\n\r*+\n")
# Text outside of the parts, as far as it is read, and what mailers write before the first part.
OUTSIDE_MAX = 8 * 1024
WORD = re.compile(rb"[A-Za-z0-9\x80-\xff]{2}")
EXPLANATION = re.compile(rb"MIME|multi-?part", re.IGNORECASE)
LEFT_OUT = "text outside of the parts was left out"
BLANK = b" \t"
# Tags and blanks.
NOT_SHOWN = re.compile(rb"(?:<[^<>]*+>|\s++)*+")
LINE_FEED, CARRIAGE_RETURN = b"\n\r"
# RFC 2046, 5.1.1: a boundary has up to 70 characters, and a part's header follows it.
BOUNDARY_LINE = re.compile(
    rb"^--([^\s-][^\r\n]{0,69}?|-[^\r\n]{0,69}?)[ \t]*\r?\n(?=content-)",
    re.IGNORECASE | re.MULTILINE,
)
# The rest of a boundary's line.
BOUNDARY_END = re.compile(rb"\s*+(--)?\s*+")
PART_HEADER = re.compile(rb"content-[\w-]+:", re.IGNORECASE)
BOUNDARY_SEARCHED_MAX = 8 * 1024 * 1024
NO_BOUNDARY = "a multipart without a boundary was read by the lines in it"
NO_PARTS = "a multipart in which no part begins was read as one part"
NO_END = "the end of the last part is missing: the message may be cut off"
NO_FIELD_BEFORE = "the header begins with an indented line, which was left out"
NO_EMPTY_LINE = "there is no empty line between the header and the body"
HEADER_DEFECTS = {NO_EMPTY_LINE, NO_FIELD_BEFORE}
HEADER_CUT = f"fields after the first {FIELDS_MAX} or {HEADERS_MAX} bytes were left out"


class Part:
    """A part: its raw fields, and its children or the place of its body."""

    def __init__(self, view: View, default_type: str = "text/plain") -> None:
        self.fields: list[tuple[str, str]] = []
        self.view = view
        self.start = self.end = 0
        self.children: Sequence[Part] = ()
        self.defects: list[str] = []
        self._default_type = default_type
        self._first: dict[str, str] = {}

    def add(self, name: str, value: str) -> None:
        """Adds a field."""
        self.fields.append((name, value))
        self._first.setdefault(name.lower(), value)

    def tree(self) -> Iterator[Part]:
        """Yields the part and those within it, in their order."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            yield part
            waiting.extend(reversed(part.children))

    def tree_defects(self) -> list[str]:
        """Returns the defects of the part and of those within it."""
        return [defect for part in self.tree() for defect in part.defects]

    def decode_fields(self, decoded: Callable[[str], str]) -> None:
        """Replaces the values of the fields by decoded ones."""
        fields, self.fields, self._first = self.fields, [], {}
        for name, value in fields:
            self.add(name, decoded(value))
        for name in ("content_type", "disposition"):
            if not (self.raw(name.replace("_", "-")) or "").isascii():
                self.__dict__.pop(name, None)

    def raw(self, name: str) -> str | None:
        """Returns the raw value of a field; `name` in lower case."""
        return self._first.get(name)

    @cached_property
    def content_type(self) -> StructuredValue:
        """Returns the Content-Type; text/plain if it is missing or broken (RFC 2045, 5.2)."""
        raw = self.raw("content-type")
        if raw is None:
            return StructuredValue(self._default_type)
        given = read_structured_value(raw)
        if MEDIA_TYPE.fullmatch(given.value):
            return given
        # A value like "multipart/*" is recognized by its boundary.
        multipart = given.value.startswith("multipart") and "boundary" in given.parameters
        return StructuredValue("multipart/mixed" if multipart else "text/plain", given.parameters)

    @cached_property
    def disposition(self) -> StructuredValue:
        """Returns the Content-Disposition, or an empty value."""
        raw = self.raw("content-disposition")
        return read_structured_value(raw) if raw else StructuredValue("")

    @cached_property
    def encoding(self) -> str:
        """Returns the transfer encoding in lower case, or ""."""
        # Some mailers write "base64;" or add a comment.
        words = (self.raw("content-transfer-encoding") or "").lower().replace(";", " ").split()
        return words[0] if words else ""

    @property
    def file_name(self) -> str:
        """Returns the file name that the sender declared, or ""."""
        given = self.disposition.parameters.get("filename")
        return given or self.content_type.parameters.get("name") or ""


def read_structure(view: View) -> Part:
    """Splits a message into parts, down to DEPTH_MAX, and about PARTS_MAX of them.

    A message within it (message/*) stays one part, byte for byte, however deep it nests.
    """
    splitter = _Splitter(view)
    root = splitter.part(0, len(view), "text/plain", 0)
    if splitter.has_raw_fields:
        decode_raw_fields([root])
    return root


def recover_parts(part: Part) -> Sequence[Part]:
    """Splits a multipart with a missing or wrong boundary by the first boundary in its text."""
    if not part.content_type.value.startswith("multipart/"):
        return ()
    view, start, end = part.view, part.start, part.end
    found = BOUNDARY_LINE.search(view, start, min(end, start + BOUNDARY_SEARCHED_MAX))
    if not found:
        return ()
    outer = Part(view)
    parts = _Splitter(view).children(outer, start, end, found.group(1), "text/plain", 1)
    part.defects += [defect for defect in outer.defects if defect == LEFT_OUT]
    decode_raw_fields(parts)
    return parts


def _is_described(part: Part) -> bool:
    """Tells whether a part says what it is; a line with a colon alone may be a text's."""
    return any(name.lower().startswith("content-") for name, _ in part.fields)


class _Splitter:
    """Splits a message in one pass for each level of parts."""

    def __init__(self, view: View) -> None:
        # Whether a field holds text that is not in ASCII.
        self.has_raw_fields = False
        self._view = view
        self._parts = 0
        self._header_bytes_left = HEADERS_MAX
        self._fields_left = FIELDS_MAX

    def part(self, start: int, end: int, default_type: str, depth: int) -> Part:
        """Reads the part from start to end."""
        part = Part(self._view, default_type)
        self._parts += 1
        body = self._read_header(part, start, end)
        value = part.content_type.value
        if value.startswith("multipart/") and depth <= DEPTH_MAX:
            within = "message/rfc822" if value == "multipart/digest" else "text/plain"
            if boundary := part.content_type.parameters.get("boundary", "").rstrip():
                part.children = self.children(part, body, end, boundary.encode(), within, depth + 1)
            else:
                part.defects.append(NO_BOUNDARY)
        elif value.startswith("text/") and "boundary" in part.content_type.parameters:
            self._read_as_multipart(part, body, end, depth)
        if not part.children:
            part.start, part.end = body, end
        return part

    def _read_as_multipart(self, part: Part, start: int, end: int, depth: int) -> None:
        """Reads a text with a boundary as a multipart if parts stand behind it."""
        outer = Part(self._view)
        boundary = part.content_type.parameters["boundary"].rstrip().encode()
        if not boundary or depth > DEPTH_MAX:
            return
        children = self.children(outer, start, end, boundary, "text/plain", depth + 1)
        if not any(_is_described(child) and self._has_content(child) for child in children):
            return
        types = [child.content_type.value for child in children]
        value = "alternative" if types == ["text/plain", "text/html"] else "mixed"
        part.defects += [
            f"{part.content_type.value} with parts was read as a multipart",
            *outer.defects,
        ]
        part.content_type = StructuredValue(f"multipart/{value}", part.content_type.parameters)
        part.children = children

    def _has_content(self, part: Part) -> bool:
        empty = NOT_SHOWN.match(self._view, part.start, part.end)
        return bool(part.children) or empty is None or empty.end() < part.end

    def children(
        self, parent: Part, start: int, end: int, boundary: bytes, default_type: str, depth: int
    ) -> list[Part]:
        """Reads the parts between the boundaries; returns an empty list without a boundary."""
        found: list[Part] = []
        begin: int | None = None
        closed = False
        outside = start
        for line, after, closes in self._boundaries(start, end, b"--" + boundary):
            if begin is not None:
                found.append(self.part(begin, max(begin, self._before(line)), default_type, depth))
            else:
                self._note_left_out(parent, outside, line)
            outside = after
            closed = closed or closes
            # Nested parts with the same boundary continue after its first end if a header follows.
            goes_on = not closed or PART_HEADER.match(self._view, after)
            begin = after if goes_on and not closes else None
            if self._parts > PARTS_MAX + 1:
                return found
        if begin is None and closed:
            self._note_left_out(parent, outside, end)
            return found
        if begin is None:
            parent.defects.append(NO_PARTS)
            return found
        parent.defects.append(NO_END)
        return [*found, self.part(begin, end, default_type, depth)]

    def _note_left_out(self, parent: Part, start: int, end: int) -> None:
        """Notes text before, between or behind the parts, unless it only explains their form."""
        outside = self._view[start : min(end, start + OUTSIDE_MAX)]
        if WORD.search(outside) and not EXPLANATION.search(outside):
            parent.defects.append(LEFT_OUT)

    def _boundaries(self, start: int, end: int, marker: bytes) -> Iterator[tuple[int, int, bool]]:
        """Yields each boundary: the start of its line, that of the next line, whether it closes."""
        view, at = self._view, start
        while (at := view.find(marker, at, end)) >= 0:
            after = at + len(marker)
            if at == start or view[at - 1] == LINE_FEED:
                next_line = view.find(b"\n", after, end) + 1 or end
                if behind := BOUNDARY_END.fullmatch(view, after, next_line):
                    yield at, next_line, behind.group(1) is not None
                after = next_line
            at = after

    def _before(self, line: int) -> int:
        """Returns the end of the part before a boundary, to which the line end belongs."""
        end = line - 1
        return end - 1 if end > 0 and self._view[end - 1] == CARRIAGE_RETURN else end

    def _read_header(self, part: Part, start: int, end: int) -> int:
        """Reads the fields, and returns the start of the body."""
        view, at = self._view, start
        while at < end:
            if self._fields_left < 0:
                # The rest of a header with too many fields is skipped.
                beyond = HEADER_END.search(view, at, end)
                return beyond.end() if beyond else end
            if found := FIELD.match(view, at, end):
                self._add(part, found)
                at = found.end()
            elif empty := EMPTY_LINE.match(view, at, end):
                return empty.end()
            elif view[at] in BLANK:
                if not part.fields:
                    part.defects.append(NO_FIELD_BEFORE)
                at = self._past_blank(at, end)
            elif view[at : at + 5] == b"From ":
                at = view.find(b"\n", at, end) + 1 or end
            else:
                part.defects.append(NO_EMPTY_LINE)
                break
        return at

    def _past_blank(self, at: int, end: int) -> int:
        """Returns the end of the continuation lines that begin here."""
        while at < end:
            at = self._view.find(b"\n", at, end) + 1 or end
            if at < end and self._view[at] not in BLANK:
                break
        return at

    def _add(self, part: Part, found: re.Match[bytes]) -> None:
        start, end = found.span(2)
        self._fields_left -= 1
        if self._fields_left < 0 or self._header_bytes_left < end - start:
            if HEADER_CUT not in part.defects:
                part.defects.append(HEADER_CUT)
            if self._fields_left < 0:
                return
            end = start + max(0, self._header_bytes_left)
        self._header_bytes_left -= end - found.start()
        value = self._view[start:end].rstrip(b"\r\n").decode("ascii", "surrogateescape")
        if not value.isascii() or ESCAPE in value:
            self.has_raw_fields = True
        part.add(found.group(1).decode(), value)
