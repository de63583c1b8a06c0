"""Quotes earlier comments below a message, in the text and in HTML. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from postrail.notifications.templates.html_text import in_lines, paragraphs

_HEADING = Markup('<p style="margin: 12px 0 6px 0;">{}</p>\n')
_QUOTE = Markup(
    '<blockquote class="rule" style="margin: 0; padding: 0 0 0 12px;'
    ' border-left: 3px solid #d1d9e0;">{}</blockquote>'
)


def quoted(text: str) -> str:
    """Returns the text with a mark of quotation before each line."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def history_text(label: str, history: Sequence[tuple[str, str]]) -> str:
    """Returns the comments as plain text, below the label; "" for none."""
    written = [f"{_line(heading)}\n{quoted(text)}" for heading, text in history]
    return "\n\n".join([label, *written]) if written else ""


def history_html(label: str, history: Sequence[tuple[str, str]]) -> Markup:
    """Returns the comments as HTML, below the label; blank for none."""
    written = [
        _HEADING.format(in_lines(_line(heading))) + _QUOTE.format(paragraphs(text))
        for heading, text in history
    ]
    return Markup("\n").join([in_lines(label), *written]) if written else Markup("")


def _line(heading: str) -> str:
    return " ".join(heading.split())
