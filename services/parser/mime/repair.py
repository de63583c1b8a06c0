"""Reads bytes that may be a broken message: any bytes in, a structure and a header out."""

from __future__ import annotations

import itertools
import re

from services.parser.mime.headers import Header, read_header
from services.parser.mime.indented_fields import read_indented_fields
from services.parser.mime.raw_bytes import View, chunks_of, view_of_chunks
from services.parser.mime.structure import HEADER_DEFECTS, HEADERS_MAX, Part, read_structure

# A line of a header (printable ASCII before the colon), or the continuation of one.
HEADER_LINE = re.compile(rb"From |[\x21-\x39\x3b-\x7e]+:|[ \t]")
# Up to the last of these fields, all lines certainly belong to the header.
CERTAIN_FIELD = re.compile(
    rb"^(?:Received|From|To|Subject|Date|Message-ID|References|In-Reply-To|MIME-Version"
    rb"|Content-Type|Content-Transfer-Encoding|Return-Path)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
HEAD_END = re.compile(rb"\n\r?\n")


def read_any_structure(data: View) -> Part:
    """Returns the parts of a message, also with other line ends or a broken header."""
    if data.find(b"\n") < 0:
        data = view_of_chunks((one.replace(b"\r", b"\n") for one in chunks_of(data)), len(data))
    root = read_structure(data)
    head = head_of(data)
    outdented, names = read_indented_fields(head)
    repaired = outdented if HEADER_DEFECTS.isdisjoint(root.defects) else _without_junk(outdented)
    if repaired != head:
        chunks = itertools.chain([repaired], chunks_of(data, len(head)))
        root = read_structure(view_of_chunks(chunks, len(data)))
    if names:
        root.defects.append(f"indented fields in the header: {', '.join(names)}")
    if repaired != outdented:
        root.defects.append("header lines that are not fields were left out")
    return root


def head_of(data: View) -> bytes:
    """Returns the header with the empty line after it, or the first HEADERS_MAX bytes."""
    end = HEAD_END.search(data, 0, HEADERS_MAX)
    return data[: end.end() if end else HEADERS_MAX]


def header_of(root: Part) -> Header:
    """Decodes the header."""
    return read_header(root.fields)


def _without_junk(head: bytes) -> bytes:
    """Removes the lines before the last certain field that are not fields.

    Otherwise the body would begin at the first of them, and one 8-bit character in a field's name
    is enough for that.
    """
    last = max((found.start() for found in CERTAIN_FIELD.finditer(head)), default=0)
    lines = head[:last].splitlines(keepends=True)
    return b"".join(line for line in lines if HEADER_LINE.match(line)) + head[last:]
