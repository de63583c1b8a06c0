"""The rows of tables with empty cells, cells of several rows, and cells of several lines."""

from __future__ import annotations

import pytest

from services.parser.text.markup import html_to_text


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        # Cells without a text keep their columns, also below a cell of several rows.
        ("<td>Day<td>Ida<td>Bo<tr><td><td>late<td>early", "Day | Ida | Bo\n| late | early"),
        ("<th>Day<th>Ida<th>Bo<tr><td><td><td>early<tr><td>Tue", "Day | Ida | Bo\n| | early\nTue"),
        (
            "<td rowspan=2>N<td>1<td>2<tr><td>3<td>4<tr><td>S<td>5<td>6",
            "N | 1 | 2\n| 3 | 4\nS | 5 | 6",
        ),
        ("<td>1<td rowspan=2 colspan=2>2<td>3<tr><td>4<td>5", "1 | 2 | 3\n4 | | 5"),
        ("<td rowspan=2>N<td>1<tr><td>2<tr><td>S<td>3", "N | 1\n2\nS | 3"),
        # A title over all columns, and a margin: no columns of their own.
        ("<td colspan=3>T<tr><td><td>From:<td>Lea<tr><td><td>To:<td>us", "T\nFrom: Lea\nTo: us"),
    ],
)
def test_a_value_stays_in_its_column(rows: str, text: str) -> None:
    assert html_to_text(f"<table><tr>{rows}</table>") == text


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        # Cells of a few short lines in a table of data; others in lines of their own.
        (
            "<td>Shelf<br>white<td>3<td>40<tr><td>Lamp<td>1<td><div>9</div>",
            "Shelf white | 3 | 40\nLamp | 1 | 9",
        ),
        ("<td>a<td>1<tr><td><p>b</p><p>c</p><td>2", "a | 1\nb\n\nc\n\n2"),
        ("<td>a<td>1<tr><td><ul><li>b<li>c</ul><td>2", "a | 1\n* b\n* c\n\n2"),
        ("<td>a<td>1<tr><td><ol><li>b<li>c</ol><td>2", "a | 1\n1. b\n2. c\n\n2"),
        ("<td>a<td>1<tr><td>b<br>c<br>d<br>e<td>2", "a | 1\nb\nc\nd\ne\n2"),
        ("<td>Ann Berg<br>Quay 1<td>Tel 1<br>Fax 2", "Ann Berg\nQuay 1\nTel 1\nFax 2"),
    ],
)
def test_a_cell_of_a_few_short_lines_does_not_part_its_row(rows: str, text: str) -> None:
    assert html_to_text(f"<table><tr>{rows}</table>") == text
