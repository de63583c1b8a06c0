"""Limits the tables that inscriptis lays out: an HTML length in, its configuration out.

inscriptis pads cells to equal heights and widths, so that a table of a few tall or wide cells
becomes a text as long as the square of the HTML: 9 s for 96 KiB.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.canvas import Canvas
from inscriptis.model.config import ParserConfig
from inscriptis.model.table import Table
from inscriptis.model.tag import CustomHtmlTagHandlerMapping

# Nested tables count each time that they are copied. Newsletters need up to 20.
AREA_PER_CHARACTER = 100


class TooLargeError(ValueError):
    """The laid out tables would be far larger than the HTML."""


class BoundedTable(Table):  # type: ignore[misc]
    """A table that takes its area from the budget of the whole HTML."""

    def __init__(self, left_margin_len: int, cell_separator: str, budget: AreaBudget) -> None:
        super().__init__(left_margin_len, cell_separator)
        self._budget = budget

    def get_text(self) -> str:
        """Lays the table out, after its area was taken from the budget."""
        self._budget.take(self._area())
        return str(super().get_text())

    def _area(self) -> int:
        """Multiplies the columns' widths by the rows' heights; an empty cell counts as 1 x 1."""
        widths: defaultdict[int, int] = defaultdict(int)
        height = 0
        for row in self.rows:
            height += max((cell.normalize_blocks() for cell in row.columns), default=1)
            for index, cell in enumerate(row.columns):
                widths[index] = max(widths[index], cell.width + 1)
        return height * sum(widths.values())


class AreaBudget:
    """The area that is left for the tables of one HTML text."""

    def __init__(self, length: int) -> None:
        self._left = length * AREA_PER_CHARACTER

    def take(self, area: int) -> None:
        """Subtracts an area; raises TooLargeError if less is left."""
        self._left -= area
        if self._left < 0:
            raise TooLargeError(area)

    def begin(self, state: Any, _attributes: object) -> None:
        """Starts a table as inscriptis does, but as a BoundedTable."""
        state.tags[-1].set_canvas(Canvas())
        margin = state.tags[-1].canvas.left_margin
        separator = state.config.table_cell_separator
        state.current_table.append(BoundedTable(margin, separator, self))


def layout(length: int) -> ParserConfig:
    """Returns the configuration of inscriptis for HTML of this length."""
    handlers = CustomHtmlTagHandlerMapping({"table": AreaBudget(length).begin}, {})
    return ParserConfig(css=CSS_PROFILES["strict"], custom_html_tag_handler_mapping=handlers)
