"""RTF bodies of Outlook: compressed RTF (MS-OXRTFCP) in, RTF and its plain text out."""

from __future__ import annotations

import re
import struct

from services.parser.text.decode import decode, storable

HEADER_BYTES = 16
INFLATED_MAX_BYTES = 2 * 1024 * 1024
TEXT_FROM_MAX_BYTES = 1024 * 1024
COMPRESSED, UNCOMPRESSED = b"LZFu", b"MELA"
# MS-OXRTFCP, section 2.1.2.1: the initial dictionary.
BEGINNING = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript "
    rb"\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
DICTIONARY_BYTES = 4096
TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
# Groups without text of the body.
NO_TEXT = {b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"listtable"}
SPECIAL = {b"par": b"\n", b"line": b"\n", b"tab": b"\t", b"row": b"\n", b"cell": b"\t"}
GROUPS_MAX = 1000


def decompress_rtf(data: bytes) -> bytes:
    """Returns the RTF of a PR_RTF_COMPRESSED property, up to a defect or the maximum length."""
    if len(data) < HEADER_BYTES:
        return b""
    size, kind = struct.unpack_from("<4xI4s", data)
    body = data[HEADER_BYTES:]
    if kind == UNCOMPRESSED:
        return body[: min(size, INFLATED_MAX_BYTES)]
    if kind != COMPRESSED:
        return b""
    return _decompress(body, min(size, INFLATED_MAX_BYTES))


def _decompress(data: bytes, size: int) -> bytes:
    """Reads runs of eight tokens, each a byte or a reference into the last 4,096 bytes."""
    out = bytearray(BEGINNING)
    at, end = 0, len(BEGINNING) + size
    while at < len(data) and len(out) < end:
        control = data[at]
        at += 1
        for bit in range(8):
            if at + (control >> bit & 1) >= len(data):
                break
            if not control >> bit & 1:
                out.append(data[at])
                at += 1
            elif _append_referenced(out, data[at] << 8 | data[at + 1]):
                at += 2
            else:
                return bytes(out[len(BEGINNING) : end])
    return bytes(out[len(BEGINNING) : end])


def _append_referenced(out: bytearray, reference: int) -> bool:
    """Appends the bytes at a reference; returns False for the one that marks the end."""
    back = (len(out) - (reference >> 4)) % DICTIONARY_BYTES
    length = (reference & 15) + 2
    if back == 0 or back > len(out):
        return False
    start = len(out) - back
    # The reference may overlap the bytes that it appends.
    piece = out[start : start + length]
    out += (piece * (length // len(piece) + 1))[:length]
    return True


def rtf_to_text(data: bytes) -> str:
    """Returns the plain text of an RTF body; HTML in it (MS-OXRTFEX) is left out."""
    reader = _Reader()
    for found in TOKEN.finditer(data[:TEXT_FROM_MAX_BYTES]):
        reader.read(found)
    return storable("".join(reader.texts())).strip()


class _Reader:
    """Collects the text from the tokens."""

    def __init__(self) -> None:
        self._pieces: list[bytes | str] = []
        # Whether the text of the current group is kept, and of each group around it.
        self._kept = True
        self._around: list[bool] = []
        self._charset = "cp1252"
        self._skip = False

    def texts(self) -> list[str]:
        """Returns the pieces; adjacent bytes are decoded together, as a character may span them."""
        joined: list[str] = []
        pending = b""
        for piece in [*self._pieces, ""]:
            if isinstance(piece, bytes):
                pending += piece
                continue
            joined += [decode(pending, self._charset), piece]
            pending = b""
        return joined

    def read(self, found: re.Match[bytes]) -> None:
        """Processes the next token."""
        word, number, code, symbol, brace, text = found.groups()
        if brace:
            self._brace(brace)
        elif word:
            self._word(word, number)
        elif code:
            self._add(bytes.fromhex(code.decode()))
        elif symbol == b"*":
            self._kept = False
        elif symbol:
            self._add({b"~": b" ", b"_": b"-"}.get(symbol, symbol if symbol in b"\\{}" else b""))
        elif text:
            self._add(text)

    def _brace(self, brace: bytes) -> None:
        if brace == b"{":
            if len(self._around) < GROUPS_MAX:
                self._around.append(self._kept)
        elif self._around:
            self._kept = self._around.pop()

    def _word(self, word: bytes, number: bytes | None) -> None:
        if word in NO_TEXT:
            self._kept = False
        elif word == b"ansicpg" and number:
            self._charset = f"cp{int(number)}"
        elif word == b"u" and number:
            self._unicode(int(number))
        elif word in SPECIAL:
            self._add(SPECIAL[word])

    def _unicode(self, number: int) -> None:
        if self._kept:
            self._pieces.append(chr(number & 0xFFFF))
            # It is followed by one character for readers without Unicode.
            self._skip = True

    def _add(self, text: bytes) -> None:
        if self._skip:
            self._skip, text = False, text[1:]
        if self._kept:
            self._pieces.append(text)
