"""How what is listed is divided into what is read at once."""

from __future__ import annotations

import pytest

from postrail.mailbox import ListedMail
from services.fetcher.batches import batches

CASES = [
    # Nothing listed, nothing read.
    ([], set(), []),
    # By count.
    ([10, 10, 10, 10, 10], set(), [[1, 2, 3], [4, 5]]),
    # By bytes.
    ([60, 30, 30, 90], set(), [[1, 2], [3], [4]]),
    # A mail larger than a batch still gets one.
    ([10, 5000, 10], set(), [[1], [2], [3]]),
    # Unknown size: alone.
    ([10, None, 10, 10], set(), [[1], [2], [3, 4]]),
    # Suspects: alone.
    ([10, 10, 10], {2}, [[1], [2], [3]]),
    ([10, 10, 10], {1, 2, 3}, [[1], [2], [3]]),
]


@pytest.mark.parametrize(("sizes", "alone", "expected"), CASES)
def test_batches(sizes: list[int | None], alone: set[int], expected: list[list[int]]) -> None:
    listed = [ListedMail(number, size) for number, size in enumerate(sizes, start=1)]
    found = batches(listed, max_mails=3, max_bytes=100, alone=alone)
    assert [[mail.uid for mail in batch] for batch in found] == expected
