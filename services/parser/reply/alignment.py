"""Text and HTML of the same reply: the layers of the HTML in, those of the text out.

Programs mark quotations and signatures in the HTML, and often do not in the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from services.parser.reply.layers import Layer
from services.parser.reply.lines import Line

# The number of letters that must agree at the beginning of the quotation in text and HTML.
LETTERS_AGREED = 12
LINES_COMPARED = 6
# With this share of equal letters, the text was made from the HTML.
ALIGNED_SHARE = 0.8
# The next line of the text begins within this many letters of the HTML.
LETTERS_AHEAD = 200
SHORT = 4
SIGNATURE_LINES = 60
# What a text that was made from HTML adds to it: the numbers of lists, the targets of links and the
# names of images.
ADDED = re.compile(r"\A[ ]*+\d{1,9}\.[ ]|<[^<>\s]++>|\[image[^\[\]]*+\]")
# The number of an item ends within these characters.
NUMBER_MAX = 30
QUOTED = (Layer.QUOTED, Layer.QUESTION)


def copy_layers(
    lines: Sequence[Line],
    layers: list[Layer],
    html_lines: Sequence[Line],
    html_layers: Sequence[Layer],
) -> None:
    """Copies the layers of the HTML to a text without quotation marks."""
    letters = [_letters(line.text) for line in lines]
    html_letters = [_letters(line.text) for line in html_lines]
    if aligned := _align(letters, html_letters, html_layers):
        _fill(layers, aligned, html_layers[0])
        return
    cut = next(index for index, layer in enumerate(html_layers) if layer in QUOTED)
    if Layer.NEW in html_layers[cut:]:
        return
    own = sum(len(line) for line in html_letters[:cut])
    start = _find_line(letters, own, "".join(html_letters[cut : cut + LINES_COMPARED]))
    if start is not None and not any(layer in QUOTED for layer in layers[:start]):
        layers[start:] = [Layer.QUOTED] * (len(layers) - start)


def copy_signature(
    lines: Sequence[Line],
    layers: list[Layer],
    html_lines: Sequence[Line],
    html_layers: Sequence[Layer],
) -> None:
    """Marks the last new lines of the text if they are in the signature of the HTML."""
    if Layer.SIGNATURE not in html_layers:
        return
    signed = "".join(
        _letters(line.text)
        for line, layer in zip(html_lines, html_layers, strict=True)
        if layer is Layer.SIGNATURE
    )
    # Only one run is compared, since each comparison may read all of the signature.
    last = (at for at in reversed(range(len(lines))) if layers[at] is Layer.NEW and lines[at].bare)
    if signed and (end := next(last, -1) + 1):
        _mark_signed(lines, layers, end, signed)


def _mark_signed(lines: Sequence[Line], layers: list[Layer], end: int, signed: str) -> None:
    first = end
    for index in range(end - 1, max(-1, end - 1 - SIGNATURE_LINES), -1):
        letters = _letters(lines[index].text)
        if layers[index] is not Layer.NEW or letters not in signed:
            break
        if letters:
            first = index
    layers[first:end] = [Layer.SIGNATURE] * (end - first)


def _align(
    letters: Sequence[str], html_letters: Sequence[str], html_layers: Sequence[Layer]
) -> list[Layer | None] | None:
    """Returns the layer of each line that the HTML contains, too; None if too few are in it."""
    stream = "".join(html_letters)
    starts = [0, *accumulate(map(len, html_letters))][:-1]
    found: list[Layer | None] = []
    at = same = 0
    for line in letters:
        place, length = _place(stream, line, at) if line else (-1, 0)
        if place < 0:
            found.append(None)
            continue
        # Of several lines that begin here, all but the last are empty.
        found.append(html_layers[bisect_right(starts, place) - 1])
        at, same = place + length, same + length
    return found if same and same >= ALIGNED_SHARE * sum(map(len, letters)) else None


def _place(stream: str, line: str, at: int) -> tuple[int, int]:
    """Returns where these letters are in the HTML, and how many of them; -1 without them."""
    if stream.startswith(line, at):
        return at, len(line)
    if len(line) < SHORT:
        return -1, 0
    place = stream.find(line, at, at + LETTERS_AHEAD + len(line))
    if place < 0 and len(line) > 2 * LETTERS_AGREED:
        line = line[:LETTERS_AGREED]
        place = stream.find(line, at, at + LETTERS_AHEAD + len(line))
    return place, len(line)


def _fill(layers: list[Layer], aligned: Sequence[Layer | None], before: Layer) -> None:
    """Sets the layers; a line that the HTML lacks keeps its own if a line beside it has that."""
    after: list[Layer | None] = [None] * len(aligned)
    for index in range(len(aligned) - 2, -1, -1):
        after[index] = aligned[index + 1] or after[index + 1]
    for index, layer in enumerate(aligned):
        if layer is None:
            layer = layers[index] if layers[index] in (before, after[index]) else before
        layers[index] = before = layer


def _find_line(letters: Sequence[str], own: int, wanted: str) -> int | None:
    """Returns the line that begins with the wanted letters, after `own` other letters."""
    seen = 0
    same = min(LETTERS_AGREED, len(wanted))
    for index, line in enumerate(letters):
        if seen >= own and line:
            there = "".join(letters[index : index + LINES_COMPARED])
            if same and there[:same] == wanted[:same]:
                return index
            if seen > own + LETTERS_AGREED:
                return None
        seen += len(line)
    return None


def _letters(text: str) -> str:
    if "<" in text or "[" in text or ". " in text[:NUMBER_MAX]:
        text = ADDED.sub("", text)
    return "".join(filter(str.isalnum, text))
