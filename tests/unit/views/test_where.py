"""The WHERE clause holds the given filters only."""

from __future__ import annotations

from typing import LiteralString

import pytest

from postrail.views.where import where

Filter = tuple[LiteralString, object]


@pytest.mark.parametrize(
    ("filters", "clause", "values"),
    [
        ([], "", []),
        ([("a = %s", None), ("b = ANY(%s)", [])], "", []),
        ([("a = %s", "x"), ("b = %s", None)], " WHERE a = %s", ["x"]),
        ([("a = %s", "x"), ("b = ANY(%s)", ["y"])], " WHERE a = %s AND b = ANY(%s)", ["x", ["y"]]),
        # A blank text and a zero are values.
        ([("a = %s", ""), ("b = %s", 0)], " WHERE a = %s AND b = %s", ["", 0]),
    ],
)
def test_filters_without_a_value_are_left_out(
    filters: list[Filter], clause: str, values: list[object]
) -> None:
    assert where(*filters) == (clause, values)
