"""Splits a reply: its text and its HTML in, the new part, the quotation and the signature out.

Nothing is lost: every line is in one of the three. What is new is never empty unless all is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.parser.reply.html import HtmlLine, Token, divide, read_html
from services.parser.reply.layers import Layer, layers_of
from services.parser.reply.lines import Line, read_lines

# So many letters must agree where the quotation begins in the text as it does in the HTML.
LETTERS_AGREED = 12
LINES_LOOKED_AT = 4
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
    lines = read_lines(text)
    layers = layers_of(lines, text, subject)
    tokens, html_lines = read_html(html)
    html_layers = layers_of(html_lines, "\n".join(line.text for line in html_lines), subject)
    if html_lines and not _any(layers, QUOTED) and _any(html_layers, QUOTED):
        _take_over(lines, layers, html_lines, html_layers)
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
    parts = divide(tokens, lines, layers)
    return parts[Layer.NEW], parts[Layer.QUOTED], parts[Layer.SIGNATURE]


def _take_over(
    lines: Sequence[Line],
    layers: list[Layer],
    html_lines: Sequence[HtmlLine],
    html_layers: Sequence[Layer],
) -> None:
    """Cuts the text where the HTML is cut, if the same words stand there."""
    cut = next(index for index, layer in enumerate(html_layers) if layer in QUOTED)
    if _any(html_layers[cut:], (Layer.NEW,)):
        return
    letters = sum(len(_letters(line.text)) for line in html_lines[:cut])
    wanted = "".join(_letters(line.text) for line in html_lines[cut : cut + LINES_LOOKED_AT])
    seen = 0
    for index, line in enumerate(lines):
        if seen >= letters and line.bare:
            there = "".join(_letters(line.text) for line in lines[index : index + LINES_LOOKED_AT])
            same = min(LETTERS_AGREED, len(wanted))
            if same and there[:same] == wanted[:same]:
                layers[index:] = [Layer.QUOTED] * (len(layers) - index)
                return
            if seen > letters + LETTERS_AGREED:
                return
        seen += len(_letters(line.text))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))
