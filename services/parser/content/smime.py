"""S/MIME (CMS, RFC 5652): a structure in, its kind and the content of an opaque signature out.

Signatures are not verified. The structures are walked by hand in one pass, without recursion: BER
with indefinite lengths and segmented strings, as OpenSSL and Outlook write it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from services.parser.mime.transfer import lenient_base64

SEQUENCE = 0x30
OBJECT_IDENTIFIER = 0x06
OCTETS = 0x04
SEGMENTED_OCTETS = 0x24
EXPLICIT_0 = 0xA0
END = 0x00
# Segments of 1,000 bytes are usual; nested segments are allowed, but no known program writes them.
SEGMENTS_MAX = 200_000
SEGMENTS_DEPTH_MAX = 8
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
class CmsMessage:
    """The kind and the content of a CMS structure; None if it has none that can be read."""

    # signed, encrypted, compressed, or "" for anything else
    kind: str
    content: bytes | None = None
    # Whether the content is complete.
    whole: bool = True


class _BrokenError(Exception):
    """The bytes are not a valid CMS structure."""


@dataclass(frozen=True, slots=True)
class _Element:
    tag: int
    start: int
    # None for an indefinite length: the content is followed by END.
    end: int | None


def read_cms(data: bytes) -> CmsMessage:
    """Reads a CMS structure; never raises."""
    walker = _Walker(_binary(data))
    try:
        walker.enter(SEQUENCE)
        kind = KINDS.get(walker.primitive(OBJECT_IDENTIFIER), "")
    except _BrokenError:
        return CmsMessage("")
    if kind not in ("signed", "compressed"):
        return CmsMessage(kind)
    try:
        content = _content(walker)
    except _BrokenError:
        return CmsMessage(kind, None, whole=False)
    if kind == "compressed" and content is not None:
        return _decompress(content, walker.whole)
    return CmsMessage(kind, content, walker.whole)


def _binary(data: bytes) -> bytes:
    """Decodes PEM, and base64 that no header field declares."""
    if data.startswith(b"-----BEGIN"):
        inside = data.partition(b"\n")[2]
        return lenient_base64(inside.partition(b"-----")[0])
    # In base64, each SEQUENCE of more than 127 bytes begins with "MI".
    return lenient_base64(data) if data.startswith(b"MI") else data


def _content(walker: _Walker) -> bytes | None:
    """Returns the eContent of SignedData or CompressedData, or None without one."""
    walker.enter(EXPLICIT_0)
    walker.enter(SEQUENCE)
    walker.skip()  # version
    walker.skip()  # digestAlgorithms or compressionAlgorithm
    inner = walker.enter(SEQUENCE)
    walker.primitive(OBJECT_IDENTIFIER)
    # Detached signatures and bare certificates have no content; certificates follow directly.
    if walker.is_after(inner) or walker.next().tag != EXPLICIT_0:
        return None
    return walker.octets()


def _decompress(content: bytes, whole: bool) -> CmsMessage:
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(content, INFLATED_MAX_BYTES)
    except zlib.error:
        return CmsMessage("compressed", None, whole=False)
    return CmsMessage("compressed", inflated, whole=whole and inflater.eof)


class _Walker:
    """Reads the elements in their order."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self.whole = True

    def is_after(self, element: _Element) -> bool:
        """Tells whether all of an element with a known length was read."""
        return element.end is not None and self._at >= element.end

    def next(self) -> _Element:
        """Returns the next element; its content is read next."""
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
        """Enters the next element, which must have this tag."""
        element = self.next()
        if element.tag != tag:
            raise _BrokenError
        return element

    def primitive(self, tag: int) -> bytes:
        """Returns the content of the next element, which must have this tag and a length."""
        element = self.next()
        if element.tag != tag or element.end is None:
            raise _BrokenError
        self._at = element.end
        return self._data[element.start : element.end]

    def skip(self) -> None:
        """Skips the next element with its whole content."""
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
        """Returns the next string, also a segmented one; a truncated string up to its end."""
        first = self.next()
        if first.tag == OCTETS and first.end is not None:
            return self._data[first.start : first.end]
        if first.tag != SEGMENTED_OCTETS:
            raise _BrokenError
        segments: list[bytes] = []
        try:
            self._read_segments(first.end, segments)
        except _BrokenError:
            self.whole = False
        return b"".join(segments)

    def _read_segments(self, end: int | None, segments: list[bytes]) -> None:
        ends = [end]
        while ends:
            if ends[-1] is not None and self._at >= ends[-1]:
                ends.pop()
                continue
            element = self.next()
            if element.tag == END and ends[-1] is None:
                ends.pop()
            elif element.tag == OCTETS and element.end is not None and len(segments) < SEGMENTS_MAX:
                segments.append(self._data[element.start : element.end])
                self._at = element.end
            elif element.tag == SEGMENTED_OCTETS and len(ends) < SEGMENTS_DEPTH_MAX:
                ends.append(element.end)
            else:
                raise _BrokenError
