"""Writes plain text as HTML: escaped, with paragraphs, and with links to web pages only."""

from __future__ import annotations

import html
import re

from markupsafe import Markup

from postrail.notifications.mime.fields import DIRECTIONS

# Nothing else becomes a link: no `javascript:`, no `data:`, no `file:`.
_LINK = re.compile(
    r"https?://[^\s<>\"'\x00-\x1f\x7f-\x9f\u2028\u2029\ufdd0\ufdd1" + DIRECTIONS + "]{3,1000}"
)
_NO_END = ".,;:!?)]}»”’。、）"
_PARAGRAPHS = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_PARAGRAPH = '<p style="margin: 0 0 12px 0;">{}</p>'
_LAST_PARAGRAPH = '<p style="margin: 0;">{}</p>'


def paragraphs(text: str) -> Markup:
    """Returns the text as paragraphs; blank text is no paragraph."""
    pieces = [piece for piece in _PARAGRAPHS.split(_lines(text)) if piece.strip()]
    written = [_PARAGRAPH.format(_piece(piece)) for piece in pieces[:-1]]
    written += [_LAST_PARAGRAPH.format(_piece(piece)) for piece in pieces[-1:]]
    return Markup("\n".join(written))  # noqa: S704  (each piece is escaped)


def in_lines(text: str) -> Markup:
    """Returns the text with its line ends, without paragraphs."""
    return Markup(_piece(_lines(text)))  # noqa: S704  (it is escaped)


def _lines(text: str) -> str:
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")


def _piece(text: str) -> str:
    written, end = [], 0
    for found in _LINK.finditer(text):
        address = found[0].rstrip(_NO_END)
        written.append(html.escape(text[end : found.start()]))
        escaped = html.escape(address)
        written.append(f'<a href="{escaped}" style="color: #0b57d0;">{escaped}</a>')
        end = found.start() + len(address)
    written.append(html.escape(text[end:]))
    return "".join(written).replace("\n", "<br>\n")
