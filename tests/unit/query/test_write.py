"""Parts of queries are written as text that means the same."""

from __future__ import annotations

import pytest

from postrail.query.parse import parse
from postrail.query.write import written


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("project=HELP", "project = HELP"),
        ("project = HELP and (status != Done OR due is empty)", None),
        ('not summary ~ "paper jam"', 'NOT summary ~ "paper jam"'),
        ("NOT (a = 1 AND b = 2)", "NOT (a = 1 AND b = 2)"),
        (r"labels IN ('a\'b', \"and\", c) AND due = null", None),
        ('assignee in membersOf("the desk") and created > -7d', None),
        ("assignee != EMPTY", "assignee IS NOT EMPTY"),
        (r'"Customer tier" = "a \"b\" \\ c"', r'"Customer tier" = "a \"b\" \\ c"'),
    ],
)
def test_writing(query: str, text: str | None) -> None:
    query = query.replace('\\"and\\"', '"and"')
    node = parse(query).condition
    assert node is not None
    found = written(node)
    if text:
        assert found == text
    again = parse(found).condition
    assert again is not None
    assert written(again) == found
    assert sorted(parse(found).words()) == sorted(parse(query).words())
