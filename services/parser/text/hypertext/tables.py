"""Tables as text: the lines of each cell in, the lines of the table out, without any padding.

A row whose cells have one line each becomes a line. The cells of other rows, which mails mostly use
for their layout, follow each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

# Longer rows are columns of prose.
ROW_MAX = 300
# A cell counts as this many at most, whatever its "colspan" is.
COLUMNS_SPANNED_MAX = 20
SEPARATOR = "|"
# Spaces at the ends of a cell are its layout.
PADDING = " \xa0"
Cell = list[str]


@dataclass(slots=True)
class Table:
    """A table that is being read."""

    rows: list[list[Cell]] = field(default_factory=list)

    def start_row(self) -> None:
        """Begins a row; cells without one share a row."""
        self.rows.append([])

    def add(self, cell: Cell, columns: int) -> None:
        """Adds a cell to the last row."""
        if not self.rows:
            self.start_row()
        self.rows[-1].append(cell)
        self.rows[-1] += [[]] * (min(columns, COLUMNS_SPANNED_MAX) - 1)

    def lines(self) -> list[str]:
        """Returns the lines of all rows; a table of data stands between empty lines."""
        used = {index for row in self.rows for index, cell in enumerate(row) if cell}
        rows = [
            _row_lines([cell for index, cell in enumerate(row) if index in used])
            for row in self.rows
        ]
        lines = [line for row, _ in rows for line in row]
        return ["", *lines, ""] if sum(is_line for _, is_line in rows) > 1 else lines


def _row_lines(cells: list[Cell]) -> tuple[list[str], bool]:
    """Returns the lines of a row, and whether its cells were joined to one."""
    filled = [cell for cell in cells if cell]
    is_line = len(filled) > 1 and all(cell[1:] in ([], [""]) for cell in filled)
    if is_line and sum(len(cell[0]) for cell in filled) <= ROW_MAX:
        return [_joined([cell[0].strip(PADDING) if cell else "" for cell in cells])], True
    return [line for cell in filled for line in cell], False


def _joined(cells: list[str]) -> str:
    """Joins cells to a line. A name that ends in a colon needs no other separator."""
    line = cells[0]
    for before, cell in pairwise(cells):
        line += f" {cell}" if before.endswith((":", "\uff1a")) else f" {SEPARATOR} {cell}"
        line = line.rstrip(" ")
    return line.rstrip(f"{SEPARATOR} ").lstrip(" ")
