"""Writes the answers that an approver may give: links of HTML, and lines of plain text. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

_TABLE = Markup(
    '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'
    ' style="max-width: 320px;">\n{}\n</table>'
)
_ROW = Markup(
    '<tr>\n<td class="choice" align="center" style="padding: 0; border: 2px solid #0b57d0;'
    ' border-radius: 6px; font-size: 16px; line-height: 24px;"><a href="{}" style="display: block;'
    " padding: 9px 16px; color: #0b57d0; text-decoration: none; font-weight: bold;"
    ' overflow-wrap: anywhere; word-break: break-word;">{}</a></td>\n</tr>'
)
_SPACE = Markup('\n<tr><td style="height: 10px; line-height: 10px;">&nbsp;</td></tr>\n')


def choices_text(choices: Sequence[tuple[str, str]]) -> str:
    """Returns the answers on a line each; people give them by a reply, and need no link for it."""
    return "\n".join(label for label, _ in choices)


def choices_html(choices: Sequence[tuple[str, str]]) -> Markup:
    """Returns the answers as links, equally large; blank for none."""
    rows = _SPACE.join(_ROW.format(link, label) for label, link in choices)
    return _TABLE.format(rows) if rows else Markup("")
