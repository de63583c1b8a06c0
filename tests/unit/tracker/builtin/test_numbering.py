"""The numbers of a batch of issues, in the order of their drafts."""

from __future__ import annotations

import pytest

from postrail.tracker.builtin.numbering import numbers_in_order


@pytest.mark.parametrize(
    ("projects", "next_numbers", "numbers"),
    [
        ([], {}, []),
        # The first issue of a project.
        (["HELP"], {"HELP": 2}, [1]),
        (["HELP", "HELP", "HELP"], {"HELP": 10}, [7, 8, 9]),
        # Projects that take turns.
        (["HELP", "SALE", "HELP", "SALE"], {"HELP": 3, "SALE": 9}, [1, 7, 2, 8]),
    ],
)
def test_each_project_counts_for_itself(
    projects: list[str], next_numbers: dict[str, int], numbers: list[int]
) -> None:
    assert numbers_in_order(projects, next_numbers) == numbers
