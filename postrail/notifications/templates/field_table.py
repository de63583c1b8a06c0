"""Writes labels and their values: a table of HTML, and aligned lines of plain text. Pure.

The lines are quoted: no word of them looks like one of ours, or like an answer to us.
"""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import east_asian_width

from markupsafe import Markup

from postrail.notifications.templates.history import quoted
from postrail.notifications.templates.html_text import in_lines

# A longer label stands on a line of its own.
LABEL_COLUMNS = 24
_TABLE = Markup(
    '<table width="100%" cellpadding="0" cellspacing="0" border="0">\n<tbody>\n{}\n</tbody>\n'
    "</table>"
)
_ROW = Markup(
    '<tr>\n<th class="muted rule" scope="row" align="left" valign="top" width="32%" style="padding:'
    " 7px 12px 7px 0; border-top: 1px solid #d1d9e0; font-size: 14px; line-height: 21px;"
    " font-weight: normal; text-align: left; color: #59636e; overflow-wrap: anywhere;"
    ' word-break: break-word;">{}</th>\n<td class="text rule" valign="top" style="padding: 7px 0;'
    " border-top: 1px solid #d1d9e0; font-size: 14px; line-height: 21px; color: #1f2328;"
    ' overflow-wrap: anywhere; word-break: break-word;">{}</td>\n</tr>'
)


def fields_text(fields: Sequence[tuple[str, str]]) -> str:
    """Returns a line for each field, the values below each other; "" for none."""
    written = [(f"{_line(label)}:", text.strip("\n")) for label, text in fields]
    short = [width for width in (_width(label) for label, _ in written) if width <= LABEL_COLUMNS]
    column = max(short, default=0) + 2
    return "\n".join(quoted(_written(label, text, column)) for label, text in written)


def _written(label: str, text: str, column: int) -> str:
    space = " " * column
    lines = text.splitlines() or [""]
    if _width(label) > LABEL_COLUMNS:
        return "\n".join([label, *(f"{space}{line}" for line in lines)])
    first = f"{label}{' ' * (column - _width(label))}{lines[0]}"
    return "\n".join([first, *(f"{space}{line}" for line in lines[1:])])


def fields_html(fields: Sequence[tuple[str, str]]) -> Markup:
    """Returns the fields as a table; blank for none."""
    rows = Markup("\n").join(
        _ROW.format(in_lines(_line(label)), in_lines(text)) for label, text in fields
    )
    return _TABLE.format(rows) if rows else Markup("")


def _width(text: str) -> int:
    """Returns the number of columns of a terminal that the text takes."""
    return sum(2 if east_asian_width(one) in "WF" else 1 for one in text)


def _line(text: str) -> str:
    return " ".join(text.split())
