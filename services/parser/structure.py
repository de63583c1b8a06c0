"""The structure of a mail: its parts, their headers and where their texts stand, by RFC 2046.

Made by hand, since the stdlib's parser takes a third of all time, more than linear time for parts
within parts, and recurses as deep as a mail tells it to. Defects have the names that it gives them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from services.parser.parameters import Valued, read_valued

# Parts nest three or four deep in real mail; a mail that nests deeper is an attack or garbage.
DEPTH_MAX = 100
PARTS_MAX = 1000
MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", re.ASCII)
# RFC 5322, 2.2: printable ASCII before the colon. A space before the colon is seen.
FIELD = re.compile(r"([!-9;-~]+)[ \t]*:")
# RFC 2046, 5.1.1: a boundary has up to 70 characters; a part's header follows.
BOUNDARY_LINE = re.compile(
    r"^--([^\s-][^\r\n]{0,69}?|-[^\r\n]{0,69}?)[ \t]*\r?\n(?=content-)",
    re.IGNORECASE | re.MULTILINE,
)
PART_HEADER = re.compile(r"content-[\w-]+:", re.IGNORECASE)
BOUNDARY_SEARCHED_MAX = 8 * 1024 * 1024
HEADER_DEFECTS = {"MissingHeaderBodySeparatorDefect", "FirstHeaderLineIsContinuationDefect"}


class Part:
    """A part: its fields as they stood (8-bit as surrogates), and its text or its own parts."""

    def __init__(self, default_type: str = "text/plain") -> None:
        self.fields: list[tuple[str, str]] = []
        self.text = ""
        self.children: Sequence[Part] = ()
        self.defects: list[str] = []
        self._default_type = default_type

    def raw(self, name: str) -> str | None:
        """The value of a field as it stood in the mail; `name` in lower case."""
        for found, value in self.fields:
            if found.lower() == name:
                return value
        return None

    @cached_property
    def content_type(self) -> Valued:
        """Its Content-Type; text/plain when that is missing or broken (RFC 2045, 5.2)."""
        raw = self.raw("content-type")
        if raw is None:
            return Valued(self._default_type)
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


def read_structure(text: str) -> Part:
    """The parts of a mail, down to DEPTH_MAX, and about PARTS_MAX of them.

    Mails within it (message/*) stay one part, byte for byte, however deep they nest.
    """
    return _Splitter(text).part(0, len(text), "text/plain", 0)


def found_parts(part: Part) -> Sequence[Part]:
    """The parts of a multipart whose boundary is missing or wrong, by the boundary in its text."""
    if not part.content_type.value.startswith("multipart/"):
        return ()
    found = BOUNDARY_LINE.search(part.text[:BOUNDARY_SEARCHED_MAX])
    if not found:
        return ()
    return _Splitter(part.text).children(Part(), 0, len(part.text), found.group(1), "text/plain", 1)


class _Splitter:
    """Goes through a text once for each level of parts."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._parts = 0

    def part(self, start: int, end: int, default_type: str, depth: int) -> Part:
        """The part that stands from start to end."""
        part = Part(default_type)
        self._parts += 1
        body = self._read_header(part, start, end)
        value = part.content_type.value
        if value.startswith("multipart/") and depth <= DEPTH_MAX:
            within = "message/rfc822" if value == "multipart/digest" else "text/plain"
            if boundary := part.content_type.parameters.get("boundary", "").rstrip():
                part.children = self.children(part, body, end, boundary, within, depth + 1)
            else:
                part.defects.append("NoBoundaryInMultipartDefect")
        if not part.children:
            part.text = self._text[body:end]
        return part

    def children(
        self, parent: Part, start: int, end: int, boundary: str, default_type: str, depth: int
    ) -> list[Part]:
        """The parts between the boundaries; none when there is no boundary."""
        found: list[Part] = []
        begin: int | None = None
        closed = False
        for line, after, closes in self._boundaries(start, end, f"--{boundary}"):
            if begin is not None:
                found.append(self.part(begin, max(begin, self._before(line)), default_type, depth))
            closed = closed or closes
            # Parts within parts of the same boundary go on after the first end: a header shows it.
            goes_on = not closed or PART_HEADER.match(self._text, after)
            begin = after if goes_on and not closes else None
            if self._parts > PARTS_MAX + 1:
                return found
        if begin is None and closed:
            return found
        if begin is None:
            parent.defects.append("StartBoundaryNotFoundDefect")
            return found
        parent.defects.append("CloseBoundaryNotFoundDefect")
        return [*found, self.part(begin, end, default_type, depth)]

    def _boundaries(self, start: int, end: int, marker: str) -> Iterator[tuple[int, int, bool]]:
        """Where each boundary's line begins, where the next one does, and whether it closes."""
        text, at = self._text, start
        while (at := text.find(marker, at, end)) >= 0:
            after = at + len(marker)
            if at == start or text[at - 1] == "\n":
                newline = text.find("\n", after, end)
                next_line = end if newline < 0 else newline + 1
                rest = text[after:next_line].strip()
                if rest in ("", "--"):
                    yield at, next_line, rest == "--"
                after = next_line
            at = after

    def _before(self, line: int) -> int:
        """The end of what stands before a line: the line end belongs to the boundary."""
        end = line - 1
        return end - 1 if end > 0 and self._text[end - 1] == "\r" else end

    def _read_header(self, part: Part, start: int, end: int) -> int:
        """Reads the fields, and says where the body begins."""
        text, at = self._text, start
        lines: list[str] = []
        while at < end:
            newline = text.find("\n", at, end)
            after = end if newline < 0 else newline + 1
            line = text[at:after]
            if line[0] in " \t":
                lines.append(line)
            elif not line.rstrip("\r\n"):
                at = after
                break
            elif FIELD.match(line):
                self._add(part, lines)
                lines = [line]
            elif not line.startswith("From "):
                part.defects.append("MissingHeaderBodySeparatorDefect")
                break
            at = after
        self._add(part, lines)
        return at

    def _add(self, part: Part, lines: list[str]) -> None:
        if not lines:
            return
        field = FIELD.match(lines[0])
        if field is None:
            part.defects.append("FirstHeaderLineIsContinuationDefect")
            return
        value = "".join(lines)[field.end() :]
        part.fields.append((field.group(1), value.lstrip(" \t").rstrip("\r\n")))
