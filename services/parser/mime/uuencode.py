"""uuencode: files inside a text, and as a transfer encoding; broken lines give what they hold."""

from __future__ import annotations

import binascii
import itertools
import re
from collections.abc import Iterable, Iterator

BEGIN = re.compile(r"begin [0-7]{3,4} (\S.*?)[ \t]*")
# A line says in its first character how many bytes it holds: 45 at most, "M", in nearly all.
LINE = re.compile(r"[ -`]{1,90}")
# What stands before a file: a remark of the program that made it.
LINES_BEFORE_BEGIN = 1000
LINES_AT_ONCE = 5000


def uudecoded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of a part with this transfer encoding, from chunks of whole lines."""
    lines = _lines_of_file(line for chunk in chunks for line in chunk.splitlines())
    decoded = _decoded(lines)
    while several := list(itertools.islice(decoded, LINES_AT_ONCE)):
        yield b"".join(several)


def _lines_of_file(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The lines after the first "begin "; all when there is none."""
    first = list(itertools.islice(lines, LINES_BEFORE_BEGIN))
    begin = next((number for number, line in enumerate(first) if b"begin " in line), -1)
    return itertools.chain(first[begin + 1 :], lines)


def without_uuencoded(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text without the files in it, and those files by name."""
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
    """Where the file ends that begins before this line, or None when it is no file."""
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
            # Some encoders write a wrong length; what is left of the line counts.
            size = (((line[0] - 32) & 63) * 4 + 5) // 3 if line else 0
            yield _first_bytes(line[: size + 1])


def _first_bytes(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        return b""
