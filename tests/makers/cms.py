"""Writes CMS structures (RFC 5652) in DER, and in BER with indefinite lengths and segments."""

from __future__ import annotations

import zlib

DATA = bytes.fromhex("2a864886f70d010701")
SIGNED = bytes.fromhex("2a864886f70d010702")
COMPRESSED = bytes.fromhex("2a864886f70d0109100109")
ZLIB = bytes.fromhex("2a864886f70d0109100308")
END = b"\0\0"


def der(tag: int, *content: bytes) -> bytes:
    """Returns an element with its length."""
    data = b"".join(content)
    if len(data) < 0x80:
        return bytes((tag, len(data))) + data
    size = len(data).to_bytes((len(data).bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(size))) + size + data


def ber(tag: int, *content: bytes) -> bytes:
    """Returns an element with an indefinite length."""
    return bytes((tag, 0x80)) + b"".join(content) + END


def in_pieces(content: bytes, size: int) -> bytes:
    """Returns a string in segments of `size` bytes."""
    return ber(0x24, *(der(4, content[at : at + size]) for at in range(0, len(content), size)))


def signed(octets: bytes | None, *, definite: bool = True) -> bytes:
    """Returns SignedData with an encoded string or without content, and what follows it."""
    make = der if definite else ber
    inside = make(0x30, der(6, DATA), b"" if octets is None else make(0xA0, octets))
    algorithms = make(0x31, make(0x30, der(6, DATA), der(5)))
    rest = der(0xA0, b"certificates") + der(0x31)
    return make(
        0x30, der(6, SIGNED), make(0xA0, make(0x30, der(2, b"\1"), algorithms, inside, rest))
    )


def compressed(content: bytes) -> bytes:
    """Returns CompressedData (RFC 3274)."""
    inside = der(0x30, der(6, DATA), der(0xA0, der(4, zlib.compress(content))))
    algorithm = der(0x30, der(6, ZLIB))
    return der(0x30, der(6, COMPRESSED), der(0xA0, der(0x30, der(2, b"\0"), algorithm, inside)))
