"""Splits a reply: its text and its HTML in, the new part, the quotation and the signature out.

Nothing is lost: every line is in one of the three. What is new is never empty unless all is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.parser.reply.html import HtmlLine, divide, read_html
from services.parser.reply.layers import Layer, layers_of
from services.parser.reply.lines import Line, read_lines
from services.parser.reply.tokens import Token

# Longer texts are not divided: no person wrote them, and each line takes some 270 bytes of memory.
# A text as long as one may be (4 MiB) has fewer, unless they are shorter than 21 characters.
LINES_MAX = 200_000
# So many letters must agree where the quotation begins in the text as it does in the HTML.
LETTERS_AGREED = 12
LINES_LOOKED_AT = 6
# From this share of equal lines on, the text is the HTML's.
ALIGNED_SHARE = 0.8
NEW = (Layer.NEW, Layer.QUESTION)
QUOTED = (Layer.QUOTED, Layer.QUESTION)
SIGNATURE = (Layer.SIGNATURE,)


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply in its parts. Where answers stand between quotations, those are in both parts."""

    new_text: str
    quoted_text: str
    signature: str
    new_html: str
    quoted_html: str
    signature_html: str


def split_reply(text: str, html: str, subject: str = "") -> Reply:
    """The parts of a mail's text and HTML (either may be ""), never raises.

    The HTML tells more before it is cleaned, as programs name their quotations by class; its parts
    are to be cleaned after. The subject tells a mail forwarded with a header block from a reply.
    """
    if text.count("\n") > LINES_MAX:
        return Reply(text, "", "", html, "", "")
    lines = read_lines(text)
    layers = layers_of(lines, text, subject)
    tokens, html_lines = read_html(html)
    html_layers = layers_of(html_lines, "\n".join(line.text for line in html_lines), subject)
    if _any(html_layers, QUOTED) and not any(line.depth for line in lines):
        _learn(lines, layers, html_lines, html_layers)
    text_parts = _text_parts(lines, _never_empty(lines, layers))
    html_parts = _html_parts(html, tokens, html_lines, _never_empty(html_lines, html_layers))
    return Reply(*text_parts, *html_parts)


def _any(layers: Sequence[Layer], wanted: Sequence[Layer]) -> bool:
    return any(layer in wanted for layer in layers)


def _never_empty(lines: Sequence[Line], layers: list[Layer]) -> list[Layer]:
    """When nothing new is left, the signature is what is new; without one, all is."""
    for kept in (NEW, SIGNATURE):
        if any(line.bare and layer in kept for line, layer in zip(lines, layers, strict=True)):
            return layers if kept is NEW else [_as_new(layer) for layer in layers]
    return [Layer.NEW] * len(layers)


def _as_new(layer: Layer) -> Layer:
    return Layer.NEW if layer is Layer.SIGNATURE else layer


def _text_parts(lines: Sequence[Line], layers: Sequence[Layer]) -> tuple[str, str, str]:
    if all(layer is Layer.NEW for layer in layers):
        return "\n".join(line.text for line in lines).strip("\r\n"), "", ""
    new, quoted, signature = (_lines_in(lines, layers, part) for part in (NEW, QUOTED, SIGNATURE))
    return new.strip(), quoted, signature


def _lines_in(lines: Sequence[Line], layers: Sequence[Layer], part: Sequence[Layer]) -> str:
    """The lines of these layers; an empty line stands where others were between them."""
    taken: list[str] = []
    last = -1
    for index, layer in enumerate(layers):
        if layer not in part:
            continue
        line = lines[index]
        if taken and index - last > 1 and line.bare and taken[-1].strip():
            taken.append("")
        taken.append(line.text)
        last = index
    return "\n".join(taken).strip("\r\n")


def _html_parts(
    html: str, tokens: Sequence[Token], lines: Sequence[HtmlLine], layers: Sequence[Layer]
) -> tuple[str, str, str]:
    if all(layer is Layer.NEW for layer in layers):
        return html, "", ""
    return divide(tokens, lines, layers)


def _learn(
    lines: Sequence[Line],
    layers: list[Layer],
    html_lines: Sequence[HtmlLine],
    html_layers: Sequence[Layer],
) -> None:
    """Gives lines of text without quotation marks the layers that they have in the HTML."""
    letters = [_letters(line.text) for line in lines]
    html_letters = [_letters(line.text) for line in html_lines]
    if aligned := _aligned(letters, html_letters, html_layers):
        layers[:] = aligned
        return
    cut = next(index for index, layer in enumerate(html_layers) if layer in QUOTED)
    if _any(html_layers[cut:], (Layer.NEW,)):
        return
    own = sum(len(line) for line in html_letters[:cut])
    start = _place(letters, own, "".join(html_letters[cut : cut + LINES_LOOKED_AT]))
    if start is not None and not _any(layers[:start], QUOTED):
        layers[start:] = [Layer.QUOTED] * (len(layers) - start)


def _aligned(
    letters: Sequence[str], html_letters: Sequence[str], html_layers: Sequence[Layer]
) -> list[Layer] | None:
    """The layers of lines that are the HTML's lines; None when too few of them are."""
    found: list[Layer] = []
    at = same = 0
    layer = html_layers[0]
    for line in letters:
        if line:
            for there in range(at, min(at + LINES_LOOKED_AT, len(html_letters))):
                if html_letters[there] == line:
                    layer, at, same = html_layers[there], there + 1, same + 1
                    break
        found.append(layer)
    written = sum(1 for line in letters if line)
    return found if written and same >= ALIGNED_SHARE * written else None


def _place(letters: Sequence[str], own: int, wanted: str) -> int | None:
    """The line where, after so many letters, the wanted ones stand."""
    seen = 0
    same = min(LETTERS_AGREED, len(wanted))
    for index, line in enumerate(letters):
        if seen >= own and line:
            there = "".join(letters[index : index + LINES_LOOKED_AT])
            if same and there[:same] == wanted[:same]:
                return index
            if seen > own + LETTERS_AGREED:
                return None
        seen += len(line)
    return None


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))
