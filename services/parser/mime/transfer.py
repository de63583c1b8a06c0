"""Transfer encodings (RFC 2045, section 6): encoded chunks in, decoded chunks out. Never fails."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from services.parser.mime.raw_bytes import View, chunks_of
from services.parser.mime.uuencode import decode_uuencoded

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
NOT_BASE64 = bytes(set(range(256)) - set(_LETTERS + b"="))
# Text up to an incomplete soft line break or escape.
WHOLE_ESCAPES = re.compile(
    rb"(?:[^=]++|==|=[0-9A-Fa-f]{2}|=(?=[^=\r\n0-9A-Fa-f]|[0-9A-Fa-f][^0-9A-Fa-f]))*+"
)

# RFC 4648, 5
FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")

Chunks = Iterable[bytes]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Encoded bytes in a message, decoded at each reading so that they need not be kept."""

    view: View
    start: int
    end: int
    encoding: str = ""

    def chunks(self) -> Iterator[bytes]:
        """Yields the decoded bytes in chunks."""
        chunks = chunks_of(self.view, self.start, self.end)
        decode = DECODERS.get(self.encoding)
        return decode(chunks) if decode else chunks

    def first(self, size: int) -> bytes:
        """Returns the first `size` decoded bytes."""
        taken: list[bytes] = []
        missing = size
        for chunk in self.chunks():
            taken.append(chunk)
            missing -= len(chunk)
            if missing <= 0:
                break
        return b"".join(taken)[:size]

    def read(self) -> bytes:
        """Returns all decoded bytes; for small contents only."""
        return b"".join(self.chunks())


def plain(data: View) -> Encoded:
    """Wraps bytes without a transfer encoding."""
    return Encoded(data, 0, len(data))


def lenient_base64(text: bytes) -> bytes:
    """Decodes base64, skipping other characters and completing the padding."""
    return b"".join(_base64([text]))


def _base64(chunks: Chunks) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        # Several texts, each with its padding, may stand one below the other.
        *ended, last = (rest + chunk.translate(None, NOT_BASE64)).split(b"=")
        whole = len(last) // 4 * 4
        rest = last[whole:]
        yield b"".join([*map(_padded, ended), binascii.a2b_base64(last[:whole])])
    yield _padded(rest)


def _base64_of_urls(chunks: Chunks) -> Iterator[bytes]:
    return _base64(chunk.translate(FROM_URL_SAFE) for chunk in chunks)


def _padded(letters: bytes) -> bytes:
    """Decodes letters to the end of a text; a single letter at the end is less than a byte."""
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def _quoted_printable(chunks: Chunks) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        data = rest + chunk
        # Escapes end before a line feed.
        end = data.rfind(b"\n") + 1 or _whole_escapes(data)
        yield binascii.a2b_qp(data[:end])
        rest = data[end:]
        if rest.startswith(b"=\r"):
            # A soft line break extends to its line feed.
            rest = b"=\r"
    yield binascii.a2b_qp(rest)


def _whole_escapes(data: bytes) -> int:
    found = WHOLE_ESCAPES.match(data)
    return found.end() if found else 0


# RFC 2045 defines neither base64 for URLs nor uuencode, for which mailers use four names.
DECODERS: dict[str, Callable[[Chunks], Iterator[bytes]]] = {
    "base64": _base64,
    "base64url": _base64_of_urls,
    "quoted-printable": _quoted_printable,
    "x-uuencode": decode_uuencoded,
    "uuencode": decode_uuencoded,
    "uue": decode_uuencoded,
    "x-uue": decode_uuencoded,
}
