"""Writes several events below each other: what happened, and the new words of each. Pure.

The words are set in, in the text and in HTML: nobody's words look like a further event.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from postrail.notifications.templates.html_text import in_lines, paragraphs

_INDENT = "  "
_TITLE = Markup('<p style="margin: 0 0 6px 0;"><strong>{}</strong></p>')
_WORDS = Markup(
    '<div class="rule" style="margin: 0; padding: 0 0 0 12px; border-left: 3px solid #d1d9e0;">{}'
    "</div>"
)
# Between two events; the layout has its own space after the last one.
_SPACE = Markup('\n<div style="height: 18px; line-height: 18px;">&nbsp;</div>\n')


def section_text(sections: Sequence[tuple[str, str]]) -> str:
    """Returns the events as plain text; "" for none."""
    return "\n\n".join(_plain(title, text) for title, text in sections)


def _plain(title: str, text: str) -> str:
    line = f"* {' '.join(title.split())}"
    if not text.strip():
        return line
    lines = (f"{_INDENT}{one}".rstrip() for one in text.strip("\n").splitlines())
    return f"{line}\n\n" + "\n".join(lines)


def section_html(sections: Sequence[tuple[str, str]]) -> Markup:
    """Returns the events as HTML; blank for none."""
    return _SPACE.join(
        _TITLE.format(in_lines(title)) + (_WORDS.format(paragraphs(text)) if text.strip() else "")
        for title, text in sections
    )
