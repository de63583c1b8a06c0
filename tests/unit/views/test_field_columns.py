"""A field of an issue is one column, wherever it is read, written or searched for."""

from __future__ import annotations

import re

import pytest

from postrail.query import sql
from postrail.tracker.builtin.fields import COLUMNS
from postrail.views import issue_detail, issue_search

IN_QUERIES = {name: column.removeprefix("issue.") for name, column in sql._COLUMNS.items()}


def test_acts_write_the_columns_that_queries_read() -> None:
    shared = IN_QUERIES.keys() & COLUMNS.keys()
    assert {name: COLUMNS[name] for name in shared} == {name: IN_QUERIES[name] for name in shared}
    assert IN_QUERIES.keys() - COLUMNS.keys() == {"key", "project", "created", "updated"}


@pytest.mark.parametrize("statement", [issue_detail._HEAD, issue_search._LIST])
def test_views_show_the_columns_that_queries_read(statement: str) -> None:
    shown = selected(statement)
    assert {name: shown[name] for name in IN_QUERIES} == IN_QUERIES


def selected(statement: str) -> dict[str, str]:
    """Returns the columns of the table issue that a statement reads, by their names there."""
    listed = statement.partition("SELECT ")[2].partition("\nFROM ")[0]
    found = {}
    for one in re.split(r",\s+(?![^()]*\))", listed):
        column, _, name = one.removeprefix("issue.").partition(" AS ")
        found[name or column] = column
    return found
