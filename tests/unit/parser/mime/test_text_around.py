"""Text above and behind base64, and what only looks like it."""

from __future__ import annotations

import base64

import pytest

from services.parser.content.attachments import content_of
from services.parser.mime.structure import read_structure
from services.parser.mime.text_around import TAIL, cut_texts_around
from services.parser.mime.transfer import lenient_base64

LONG = base64.encodebytes(bytes(range(256)) * 3)
FOOTER = b"____\nHaus mailing list, haus@lists.example\n"


def split(body: bytes) -> tuple[bytes, bytes | None]:
    """Returns the base64 of a body, and the text behind it."""
    part = read_structure(b"Content-Transfer-Encoding: base64\n\n" + body)
    _, behind = cut_texts_around(part)
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
    assert cut_texts_around(part) == (None, None)
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


@pytest.mark.parametrize(
    "text",
    [
        b"CAUTION: this message comes from outside.\n\n",
        b"[External]\n[Externe] https://help.example/mail\n",
        b"<p>Sent from outside</p>\n",
    ],
)
@pytest.mark.parametrize("behind", [b"", FOOTER])
def test_text_above_is_cut_off(text: bytes, behind: bytes) -> None:
    part = read_structure(b"Content-Transfer-Encoding: base64\n\n" + text + LONG + behind)
    above, below = cut_texts_around(part)

    assert above is not None
    assert part.view[above.start : above.end] == text
    assert part.view[part.start : part.end] == LONG
    assert (below is not None) == bool(behind)


@pytest.mark.parametrize("damage", [b" ", b"@", b"!!"])
def test_a_damaged_first_line_is_no_text_above(damage: bytes) -> None:
    body = LONG[:20] + damage + LONG[20:]
    part = read_structure(b"Content-Transfer-Encoding: base64\n\n" + body)

    assert cut_texts_around(part) == (None, None)
    assert part.view[part.start : part.end] == body


@pytest.mark.parametrize("text", [b"A line that a list adds\n", b"!?\n", b"d\xc3\xa9j\xc3\xa0\n"])
@pytest.mark.parametrize("repeated", [1, 40])
def test_text_between_base64_is_a_defect(text: bytes, repeated: int) -> None:
    body = LONG + text + LONG * repeated
    part = read_structure(b"Content-Transfer-Encoding: base64\n\n" + body)
    cut_texts_around(part)

    assert part.defects[:1] == ["characters that are not base64 were left out"]


@pytest.mark.parametrize("between", [b"\n", b"\r\n ", b" \t\n\n", b"\n\t"])
def test_blanks_between_base64_are_no_defect(between: bytes) -> None:
    part = read_structure(
        b"Content-Transfer-Encoding: base64\n\n" + LONG.strip().replace(b"\n", between)
    )
    cut_texts_around(part)

    assert part.defects == []


@pytest.mark.parametrize("charset", [b"", b"; charset=utf-8", b"; charset=iso-8859-1"])
@pytest.mark.parametrize("word", [b"Yes.", b"Ok!", b"No", b"Thanks", b"Merci", b"(none)", b"k.o."])
def test_a_single_word_that_is_not_base64(word: bytes, charset: bytes) -> None:
    fields = b"Content-Type: text/plain%b\nContent-Transfer-Encoding: base64\n\n" % charset
    part = read_structure(fields + word + b"\n")

    assert cut_texts_around(part) == (None, None)
    assert part.encoding == ""
    assert part.defects == ["declared as base64, but is not"]


@pytest.mark.parametrize("text", ["Ja", "Ok!", "für", "Yes", "Tür zu\r\n", "да", "入口"])
def test_short_texts_in_base64(text: str) -> None:
    body = base64.b64encode(text.encode())
    part = read_structure(b"Content-Transfer-Encoding: base64\n\n" + body)

    assert cut_texts_around(part) == (None, None)
    assert (part.encoding, part.defects) == ("base64", [])


@pytest.mark.parametrize("size", [30, TAIL * 3])
def test_the_alphabet_of_urls(size: int) -> None:
    content = b"a\xfb\xef\xbe?~\xff\xfe" * size
    part = read_structure(
        b"Content-Transfer-Encoding: base64\n\n" + base64.urlsafe_b64encode(content)
    )

    assert cut_texts_around(part) == (None, None)
    assert content_of(part).read() == content


def test_a_boundary_is_not_in_the_alphabet_of_urls() -> None:
    part = read_structure(b"Content-Transfer-Encoding: base64\n\nUmVwb3J0IG9mIHRoZQ==\n--a_b--\n")
    cut_texts_around(part)

    assert part.encoding == "base64"


@pytest.mark.parametrize("width", [76, 75])
@pytest.mark.parametrize("size", [150, TAIL * 3])
@pytest.mark.parametrize("left", [0, 1, 2, 3])
def test_base64_that_was_cut_off(size: int, width: int, left: int) -> None:
    letters = b"UmVw" * size + b"Um8"[:left]
    lines = [letters[at : at + width] for at in range(0, len(letters), width)]
    part = read_structure(b"Content-Transfer-Encoding: base64\n\n" + b"\n".join(lines))
    cut_texts_around(part)

    assert part.defects == (["base64 was cut off within a byte"] if left == 1 else [])
