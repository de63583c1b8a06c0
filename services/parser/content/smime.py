"""S/MIME's outer shell (CMS, RFC 5652): what is inside an opaque signature needs no key.

Nothing is verified. The few structures needed are walked by hand, in BER with its indefinite
lengths and strings in pieces, as OpenSSL and Outlook write them; in one pass, without recursion.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from services.parser.mime.transfer import lenient_base64

SEQUENCE = 0x30
OBJECT_IDENTIFIER = 0x06
OCTETS = 0x04
OCTETS_IN_PIECES = 0x24
EXPLICIT_0 = 0xA0
END = 0x00
# Pieces of 1,000 bytes are usual; a string in pieces of pieces is allowed, and not written.
PIECES_MAX = 200_000
PIECES_DEPTH_MAX = 8
# A list of digest algorithms has a few.
SKIPPED_MAX = 10_000
INFLATED_MAX_BYTES = 16 * 1024 * 1024
# RFC 5652, 3274 and 5083.
KINDS = {
    bytes.fromhex("2a864886f70d010702"): "signed",
    bytes.fromhex("2a864886f70d010703"): "encrypted",
    bytes.fromhex("2a864886f70d010704"): "encrypted",
    bytes.fromhex("2a864886f70d010706"): "encrypted",
    bytes.fromhex("2a864886f70d0109100117"): "encrypted",
    bytes.fromhex("2a864886f70d0109100109"): "compressed",
}


@dataclass(frozen=True, slots=True)
class Shell:
    """What a CMS structure is, and what it holds: None when that is not there or not readable."""

    # signed, encrypted, compressed, or "" for anything else
    kind: str
    content: bytes | None = None
    # Is that all of it?
    whole: bool = True


class _BrokenError(Exception):
    """The bytes are not the structure that they should be."""


@dataclass(frozen=True, slots=True)
class _Element:
    tag: int
    start: int
    # None: its length is not given, END stands after it.
    end: int | None


def read_shell(data: bytes) -> Shell:
    """The structure in these bytes; never raises."""
    walker = _Walker(_binary(data))
    try:
        walker.enter(SEQUENCE)
        kind = KINDS.get(walker.primitive(OBJECT_IDENTIFIER), "")
    except _BrokenError:
        return Shell("")
    if kind not in ("signed", "compressed"):
        return Shell(kind)
    try:
        content = _content(walker)
    except _BrokenError:
        return Shell(kind, None, whole=False)
    if kind == "compressed" and content is not None:
        return _inflated(content, walker.whole)
    return Shell(kind, content, walker.whole)


def _binary(data: bytes) -> bytes:
    """The structure as bytes; PEM, and base64 that no field declares, are undone."""
    if data.startswith(b"-----BEGIN"):
        inside = data.partition(b"\n")[2]
        return lenient_base64(inside.partition(b"-----")[0])
    # "MI" is what each SEQUENCE of more than 127 bytes begins with in base64.
    return lenient_base64(data) if data.startswith(b"MI") else data


def _content(walker: _Walker) -> bytes | None:
    """The eContent of SignedData and CompressedData; None where there is none."""
    walker.enter(EXPLICIT_0)
    walker.enter(SEQUENCE)
    walker.skip()  # version
    walker.skip()  # digestAlgorithms or compressionAlgorithm
    inner = walker.enter(SEQUENCE)
    walker.primitive(OBJECT_IDENTIFIER)
    # A detached signature and mere certificates have none; what follows then is not the content.
    if walker.is_after(inner) or walker.next().tag != EXPLICIT_0:
        return None
    return walker.octets()


def _inflated(content: bytes, whole: bool) -> Shell:
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(content, INFLATED_MAX_BYTES)
    except zlib.error:
        return Shell("compressed", None, whole=False)
    return Shell("compressed", inflated, whole=whole and inflater.eof)


class _Walker:
    """Reads one element after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self.whole = True

    def is_after(self, element: _Element) -> bool:
        """Is all of this element read? Where its length is not given, END says it."""
        return element.end is not None and self._at >= element.end

    def next(self) -> _Element:
        """The next element; its content follows."""
        data, at = self._data, self._at
        if at + 2 > len(data) or data[at] & 0x1F == 0x1F:
            raise _BrokenError
        tag, length = data[at], data[at + 1]
        self._at = at + 2
        if length == 0x80:
            return _Element(tag, self._at, None)
        if length > 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[self._at : self._at + size])
            self._at += size
            if size > 8 or self._at > len(data):
                raise _BrokenError
        if self._at + length > len(data):
            self.whole = False
        return _Element(tag, self._at, min(self._at + length, len(data)))

    def enter(self, tag: int) -> _Element:
        """Goes into the next element, which must have this tag."""
        element = self.next()
        if element.tag != tag:
            raise _BrokenError
        return element

    def primitive(self, tag: int) -> bytes:
        """The content of the next element, which must have this tag and a length."""
        element = self.next()
        if element.tag != tag or element.end is None:
            raise _BrokenError
        self._at = element.end
        return self._data[element.start : element.end]

    def skip(self) -> None:
        """Leaves the next element out, with all that is in it."""
        depth = 0
        for _ in range(SKIPPED_MAX):
            element = self.next()
            if element.end is None:
                depth += 1
            else:
                self._at = element.end
                depth -= element.tag == END
            if depth <= 0:
                return
        raise _BrokenError

    def octets(self) -> bytes:
        """The next element's string, also one in pieces; what is there of it when it is cut."""
        first = self.next()
        if first.tag == OCTETS and first.end is not None:
            return self._data[first.start : first.end]
        if first.tag != OCTETS_IN_PIECES:
            raise _BrokenError
        pieces: list[bytes] = []
        try:
            self._pieces(first.end, pieces)
        except _BrokenError:
            self.whole = False
        return b"".join(pieces)

    def _pieces(self, end: int | None, pieces: list[bytes]) -> None:
        ends = [end]
        while ends:
            if ends[-1] is not None and self._at >= ends[-1]:
                ends.pop()
                continue
            element = self.next()
            if element.tag == END and ends[-1] is None:
                ends.pop()
            elif element.tag == OCTETS and element.end is not None and len(pieces) < PIECES_MAX:
                pieces.append(self._data[element.start : element.end])
                self._at = element.end
            elif element.tag == OCTETS_IN_PIECES and len(ends) < PIECES_DEPTH_MAX:
                ends.append(element.end)
            else:
                raise _BrokenError
