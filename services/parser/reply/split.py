"""Splits a reply: its text and its HTML in, the new part, the quotation and the signature out.

Every line is in one of the three parts. The new part is empty only if the whole body is empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.parser.reply.alignment import copy_layers, copy_signature
from services.parser.reply.html import HtmlLine, divide, read_html
from services.parser.reply.inner import parted
from services.parser.reply.layers import Layer, layers_of
from services.parser.reply.lines import Line, read_lines
from services.parser.text.hypertext.tokens import Token

# Longer texts are not split: they were not written by a person, and each line takes 270 bytes of
# memory. A text of the maximum length (4 MiB) exceeds this only with lines under 21 characters.
LINES_MAX = 200_000
NEW = (Layer.NEW, Layer.QUESTION)
QUOTED = (Layer.QUOTED, Layer.QUESTION)
SIGNATURE = (Layer.SIGNATURE,)


@dataclass(frozen=True, slots=True)
class Reply:
    """The parts of a reply. Quotations with answers between them are in both parts."""

    new_text: str
    quoted_text: str
    signature: str
    new_html: str
    quoted_html: str
    signature_html: str


def split_reply(text: str, html: str, subject: str = "") -> Reply:
    """Splits a message's text and HTML (either may be ""); never raises.

    The HTML must not be cleaned yet, as its classes mark quotations; the caller cleans its parts.
    The subject tells a message that was forwarded with a header block from a reply.
    """
    if text.count("\n") > LINES_MAX:
        return Reply(text, "", "", html, "", "")
    lines = parted(read_lines(text))
    layers = layers_of(lines, text, subject)
    tokens, html_lines = read_html(html)
    html_layers = layers_of(html_lines, "\n".join(line.text for line in html_lines), subject)
    if _any(html_layers, QUOTED) and not any(line.depth for line in lines):
        copy_layers(lines, layers, html_lines, html_layers)
    copy_signature(lines, layers, html_lines, html_layers)
    text_parts = _text_parts(text, lines, _with_new_text(lines, layers))
    html_parts = _html_parts(html, tokens, html_lines, _with_new_text(html_lines, html_layers))
    return Reply(*text_parts, *html_parts)


def _any(layers: Sequence[Layer], wanted: Sequence[Layer]) -> bool:
    return any(layer in layers for layer in wanted)


def _with_new_text(lines: Sequence[Line], layers: list[Layer]) -> list[Layer]:
    """Makes the signature new if no line is new; without a signature, all lines."""
    for kept in (NEW, SIGNATURE):
        if any(line.bare and layer in kept for line, layer in zip(lines, layers, strict=True)):
            return layers if kept is NEW else [_as_new(layer) for layer in layers]
    return [Layer.NEW] * len(layers)


def _as_new(layer: Layer) -> Layer:
    return Layer.NEW if layer is Layer.SIGNATURE else layer


def _text_parts(text: str, lines: Sequence[Line], layers: Sequence[Layer]) -> tuple[str, str, str]:
    if layers.count(Layer.NEW) == len(layers):
        return text.strip("\r\n"), "", ""
    new, quoted, signature = (_lines_in(lines, layers, part) for part in (NEW, QUOTED, SIGNATURE))
    return new.strip(), quoted, signature


def _lines_in(lines: Sequence[Line], layers: Sequence[Layer], part: Sequence[Layer]) -> str:
    """Joins the lines of these layers, with an empty line in place of lines of other layers."""
    taken: list[str] = []
    last = -1
    for index, layer in enumerate(layers):
        if layer not in part:
            continue
        line = lines[index]
        if taken and index - last > 1 and line.bare and taken[-1].strip():
            taken.append("")
        if line.joined and taken and index - last == 1:
            taken[-1] += line.text
        else:
            taken.append(line.text)
        last = index
    return "\n".join(taken).strip("\r\n")


def _html_parts(
    html: str, tokens: Sequence[Token], lines: Sequence[HtmlLine], layers: Sequence[Layer]
) -> tuple[str, str, str]:
    if layers.count(Layer.NEW) == len(layers):
        return html, "", ""
    return divide(tokens, lines, layers)
