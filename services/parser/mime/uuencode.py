"""uuencode: a text or a part in, the files in it out, broken lines as far as possible."""

from __future__ import annotations

import binascii
import itertools
import re
from collections.abc import Iterable, Iterator

BEGIN = re.compile(r"begin [0-7]{3,4} (\S.*?)[ \t]*")
# The first character of a line gives its number of bytes: at most 45 ("M"), as in nearly all.
LINE = re.compile(r"[ -`]{1,90}")
# Remarks of the encoding program may precede a file.
LINES_BEFORE_BEGIN = 1000
LINES_AT_ONCE = 5000


def decode_uuencoded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Decodes a part with this transfer encoding from chunks of whole lines."""
    lines = _lines_of_file(line for chunk in chunks for line in chunk.splitlines())
    decoded = _decoded(lines)
    while several := list(itertools.islice(decoded, LINES_AT_ONCE)):
        yield b"".join(several)


def _lines_of_file(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Returns the lines after the first "begin ", or all lines without one."""
    first = list(itertools.islice(lines, LINES_BEFORE_BEGIN))
    begin = next((number for number, line in enumerate(first) if b"begin " in line), -1)
    return itertools.chain(first[begin + 1 :], lines)


def extract_uuencoded(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Returns the text without the files in it, and the files with their names."""
    kept: list[str] = []
    files: list[tuple[str, bytes]] = []
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        begin = BEGIN.fullmatch(lines[number])
        end = _end(lines, number + 1) if begin else None
        if begin is None or end is None:
            kept.append(lines[number])
            number += 1
            continue
        encoded = [line.encode("ascii", "replace") for line in lines[number + 1 : end]]
        files.append((begin.group(1), b"".join(_decoded(encoded))))
        number = end + 1
    return "\n".join(kept), files


def _end(lines: list[str], start: int) -> int | None:
    """Returns the line that ends the file that begins at `start`, or None for other text."""
    for number in range(start, len(lines)):
        if lines[number].strip() == "end":
            return number if number > start else None
        if not LINE.fullmatch(lines[number] or " "):
            return None
    return None


def _decoded(lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        if line.strip() == b"end":
            return
        try:
            yield binascii.a2b_uu(line)
        except binascii.Error:
            # Some encoders write a wrong length; the line is decoded up to its own.
            size = (((line[0] - 32) & 63) * 4 + 5) // 3 if line else 0
            yield _first_bytes(line[: size + 1])


def _first_bytes(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        return b""
