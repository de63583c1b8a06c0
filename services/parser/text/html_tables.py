"""Tables as inscriptis lays them out, as long as their area is in proportion to the HTML.

It pads a cell of many lines beside many others, or a long line above many rows, to a text as large
as the square of the HTML: 9 s for 96 KiB.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.canvas import Canvas
from inscriptis.model.config import ParserConfig
from inscriptis.model.table import Table
from inscriptis.model.tag import CustomHtmlTagHandlerMapping

# Tables within tables included, each as often as it is copied. Newsletters have up to 20.
AREA_A_CHARACTER = 100


class TooLargeError(ValueError):
    """The tables of the HTML would become far larger than the HTML itself."""


class BoundedTable(Table):  # type: ignore[misc]
    """A table that takes its area from what is left for all tables of the HTML."""

    def __init__(self, left_margin_len: int, cell_separator: str, bounds: Bounds) -> None:
        super().__init__(left_margin_len, cell_separator)
        self._bounds = bounds

    def get_text(self) -> str:
        """The table laid out; nothing is padded before its area is known to be left."""
        self._bounds.take(self._area())
        return str(super().get_text())

    def _area(self) -> int:
        """The columns' widths times the rows' heights; an empty cell counts as one character."""
        widths: defaultdict[int, int] = defaultdict(int)
        height = 0
        for row in self.rows:
            height += max((cell.normalize_blocks() for cell in row.columns), default=1)
            for index, cell in enumerate(row.columns):
                widths[index] = max(widths[index], cell.width + 1)
        return height * sum(widths.values())


class Bounds:
    """The area that is left for the tables of one HTML text."""

    def __init__(self, length: int) -> None:
        self._left = length * AREA_A_CHARACTER

    def take(self, area: int) -> None:
        """Raises TooLargeError when there is less."""
        self._left -= area
        if self._left < 0:
            raise TooLargeError(area)

    def begin(self, state: Any, _attributes: object) -> None:
        """What inscriptis does at the beginning of a table."""
        state.tags[-1].set_canvas(Canvas())
        margin = state.tags[-1].canvas.left_margin
        separator = state.config.table_cell_separator
        state.current_table.append(BoundedTable(margin, separator, self))


def layout(length: int) -> ParserConfig:
    """How HTML of this length is laid out."""
    handlers = CustomHtmlTagHandlerMapping({"table": Bounds(length).begin}, {})
    return ParserConfig(css=CSS_PROFILES["strict"], custom_html_tag_handler_mapping=handlers)
