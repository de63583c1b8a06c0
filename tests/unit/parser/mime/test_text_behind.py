"""Text behind base64, and what only looks like it."""

from __future__ import annotations

import base64

import pytest

from services.parser.mime.structure import read_structure
from services.parser.mime.text_behind import TAIL, cut_text_behind
from services.parser.mime.transfer import lenient_base64

LONG = base64.encodebytes(bytes(range(256)) * 3)
FOOTER = b"____\nHaus mailing list, haus@lists.example\n"


def split(body: bytes) -> tuple[bytes, bytes | None]:
    """Returns the base64 of a body, and the text behind it."""
    part = read_structure(b"Content-Transfer-Encoding: base64\n\n" + body)
    behind = cut_text_behind(part)
    before = part.view[part.start : part.end]
    return before, part.view[behind.start : behind.end] if behind else None


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize(
    "before",
    [
        LONG,
        LONG[:77],
        b"UmVwb3J0IQ==\n",
        b"UmVwb3J0IG9mIHRo\n",
        b"UmVwb3J0IG9mIHRo\nZQ==\nUmVwb3J0IG9mIHRo\n",
        # Lines of 40 characters, and such as were broken by a gateway.
        b"\n".join(base64.b64encode(b"x" * 300)[at : at + 40] for at in range(0, 400, 40)) + b"\n",
        LONG[:70] + b"!\n" + LONG[70:],
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        FOOTER,
        b"\n" + FOOTER,
        "-- \nGesendet über unser Portal\n".encode(),
        b"\nThanks\nfor the key\n",
        b"https://lists.example/leave\n",
        b"x " * TAIL + b"\n",
    ],
)
def test_text_is_cut_off(before: bytes, text: bytes, line_end: bytes) -> None:
    before, text = before.replace(b"\n", line_end), text.replace(b"\n", line_end)
    assert split(before + text) == (before, text)


@pytest.mark.parametrize(
    "body",
    [
        LONG,
        LONG + LONG,
        b"UmVwb3J0IQ==\nUmVwb3J0IG9mIHRo\n",
        b"UmVwb3J0",
        # Damaged, but without words.
        b"8NLJ18XU\n!0iDOxSDSwcLP1MHF1C4NCg==\n",
        LONG + b"--\n",
        LONG + b"\x1a",
        LONG.replace(b"\n", b"\n\n"),
        LONG[:78] + b"a line from a gateway\n" + LONG[78:],
        b"",
        b"\n\n",
    ],
)
def test_base64_stays_whole(body: bytes) -> None:
    assert split(body) == (body, None)


def test_a_text_that_is_not_base64_is_not_decoded() -> None:
    part = read_structure(b"Content-Transfer-Encoding: base64\n\nThe window\nis broken.\n")
    assert cut_text_behind(part) is None
    assert part.encoding == ""


@pytest.mark.parametrize(
    ("encoded", "content"),
    [
        (b"YQ==\nYmM=\nZGVm\nZw==", b"abcdefg"),
        (b"YQ==YmM=ZGVm", b"abcdef"),
        (b"YQ=====YmM", b"abc"),
    ],
)
def test_several_texts_in_base64(encoded: bytes, content: bytes) -> None:
    assert lenient_base64(encoded) == content
