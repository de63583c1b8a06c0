"""Tables as text: the lines of each cell in, the lines of the table out, without any padding.

A row whose cells have one line each becomes a line; in a table with such rows, so does one whose
cells have a few short lines. The cells of other rows, which mails mostly use for their layout,
follow each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

# Longer rows are columns of prose.
ROW_MAX = 300
# A cell counts as this many at most, whatever its "colspan" is. "rowspan" counts within as many.
COLUMNS_SPANNED_MAX = 20
SEPARATOR = "|"
# Spaces at the ends of a cell are its layout.
PADDING = " \xa0"
# Up to here, a cell has several lines for lack of room. Lists are not joined.
LINES_JOINED_MAX = 3
SHORT_LINE_MAX = 40
ITEMS = (" ", "* ", "1. ")
Cell = list[str]


@dataclass(slots=True)
class Table:
    """A table that is being read."""

    rows: list[list[Cell]] = field(default_factory=list)
    # How many of its cells are headings with a text.
    headings: int = 0
    # The number of the last row that a cell of this column reaches into.
    reached: dict[int, int] = field(default_factory=dict)

    def start_row(self) -> None:
        """Begins a row; cells without one share a row."""
        self.rows.append([])

    def add(self, cell: Cell, columns: int = 1, rows: int = 1) -> None:
        """Adds a cell to the last row, behind those that reach into it from above."""
        if not self.rows:
            self.start_row()
        row, number = self.rows[-1], len(self.rows)
        while self.reached.get(len(row), 0) >= number:
            row.append([])
        first = len(row)
        row += [cell, *[[]] * (min(columns, COLUMNS_SPANNED_MAX) - 1)]
        if rows > 1:
            for column in range(first, min(len(row), COLUMNS_SPANNED_MAX)):
                self.reached[column] = number + rows - 1

    def lines(self) -> list[str]:
        """Returns the lines of all rows; a table of data stands between empty lines."""
        # Below headings, a single value has its column, too.
        filled_min = 1 if self.headings > 1 else 2
        lines_max = LINES_JOINED_MAX if any(_is_line(row, 2, 1) for row in self.rows) else 1
        used = {
            index
            for row in self.rows
            if sum(map(bool, row)) >= filled_min
            for index, cell in enumerate(row)
            if cell
        }
        lines: list[str] = []
        joined = 0
        for row in self.rows:
            if _is_line(row, filled_min, lines_max):
                joined += 1
                lines.append(_joined([cell for index, cell in enumerate(row) if index in used]))
            else:
                lines += [line for cell in row for line in cell]
        return ["", *lines, ""] if joined > 1 else lines


def _is_line(row: list[Cell], filled_min: int, lines_max: int) -> bool:
    """Tells whether the cells of a row become one line."""
    filled = [cell for cell in row if cell]
    is_short = all(_is_short(cell, lines_max) for cell in filled)
    return len(filled) >= filled_min and is_short and sum(map(_length, filled)) <= ROW_MAX


def _is_short(cell: Cell, lines_max: int) -> bool:
    lines = cell[:-1] if cell[-1] == "" else cell
    if len(lines) == 1:
        return True
    return len(lines) <= lines_max and all(
        0 < len(line) <= SHORT_LINE_MAX
        and not line.startswith(ITEMS)
        and f" {SEPARATOR} " not in line
        for line in lines
    )


def _length(cell: Cell) -> int:
    return sum(map(len, cell))


def _joined(cells: list[Cell]) -> str:
    """Joins cells to a line. A name that ends in a colon needs no other separator."""
    texts = [" ".join(cell).strip(PADDING) for cell in cells]
    line = texts[0]
    for before, text in pairwise(texts):
        line += f" {text}" if before.endswith((":", "\uff1a")) else f" {SEPARATOR} {text}"
        line = line.rstrip(" ")
    return line.rstrip(f"{SEPARATOR} ").lstrip(" ")
