"""Transfer encodings (RFC 2045, section 6) undone, a chunk after the other; they never fail."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from services.parser.mime.raw_bytes import View, chunks_of
from services.parser.mime.uuencode import uudecoded

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
NOT_BASE64 = bytes(set(range(256)) - set(_LETTERS))
# Text up to a soft line break or an escape that is not all there.
WHOLE_ESCAPES = re.compile(
    rb"(?:[^=]++|==|=[0-9A-Fa-f]{2}|=(?=[^=\r\n0-9A-Fa-f]|[0-9A-Fa-f][^0-9A-Fa-f]))*+"
)

Chunks = Iterable[bytes]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Bytes in a mail, decoded whenever they are read, so that nobody has to keep them."""

    view: View
    start: int
    end: int
    encoding: str = ""

    def chunks(self) -> Iterator[bytes]:
        """What they mean, a piece after the other."""
        chunks = chunks_of(self.view, self.start, self.end)
        undo = DECODERS.get(self.encoding)
        return undo(chunks) if undo else chunks

    def first(self, size: int) -> bytes:
        """The first so many bytes of what they mean."""
        taken: list[bytes] = []
        room = size
        for chunk in self.chunks():
            taken.append(chunk)
            room -= len(chunk)
            if room <= 0:
                break
        return b"".join(taken)[:size]

    def read(self) -> bytes:
        """All of what they mean, for what is known to be small."""
        return b"".join(self.chunks())


def plain(data: View) -> Encoded:
    """Bytes that mean themselves."""
    return Encoded(data, 0, len(data))


def lenient_base64(text: bytes) -> bytes:
    """Base64 with whatever else stands in it left out, and its padding made good."""
    return b"".join(_base64([text]))


def _base64(chunks: Chunks) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        letters = rest + chunk.translate(None, NOT_BASE64)
        whole = len(letters) // 4 * 4
        rest = letters[whole:]
        yield binascii.a2b_base64(letters[:whole])
    # A single letter at the end holds no whole byte.
    if len(rest) > 1:
        yield binascii.a2b_base64(rest + b"=" * (4 - len(rest)))


def _quoted_printable(chunks: Chunks) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        data = rest + chunk
        # Behind a line feed nothing is open.
        end = data.rfind(b"\n") + 1 or _whole_escapes(data)
        yield binascii.a2b_qp(data[:end])
        rest = data[end:]
        if rest.startswith(b"=\r"):
            # Up to its line feed a soft line break hides all.
            rest = b"=\r"
    yield binascii.a2b_qp(rest)


def _whole_escapes(data: bytes) -> int:
    found = WHOLE_ESCAPES.match(data)
    return found.end() if found else 0


# Some write the other three for the first (RFC 2045 knows none of them).
DECODERS: dict[str, Callable[[Chunks], Iterator[bytes]]] = {
    "base64": _base64,
    "quoted-printable": _quoted_printable,
    "x-uuencode": uudecoded,
    "uuencode": uudecoded,
    "uue": uudecoded,
    "x-uue": uudecoded,
}
