"""Messages made to be slow: parsing time is about linear in the size."""

from __future__ import annotations

import pytest

from bench.hostile import FAMILIES, RATIO_MAX, ratio_of

ATTEMPTS = 3
# Each takes a different path through the parser; `python -m bench.hostile` measures all families.
CHOSEN = (
    "one long line",
    "quote marks",
    "attribution lines",
    "lines like fields",
    "uuencode that never ends",
    "references",
    "openings of encoded words",
    "nested comments in addresses",
    "numbered sections of a parameter",
    "header lines that are not fields",
    "nested parts",
    "the same boundary within",
    "pictures",
    "nested elements",
    "ampersands",
    "entities",
    "a tall cell",
    "a wide cell",
    "texts in tables",
    "cards in links",
    "a bounce without line ends",
    "a delivery report on many",
    "quotes deeper and deeper",
    "the signature in text and HTML",
)


@pytest.mark.parametrize("name", CHOSEN)
def test_the_time_grows_with_the_size(name: str) -> None:
    """Uses the best CPU time of three, so that other load on the machine counts little."""
    ratios = []
    for _ in range(ATTEMPTS):
        ratios.append(ratio_of(FAMILIES[name])[2])
        if ratios[-1] < RATIO_MAX:
            return
    pytest.fail(f"{name}: ratios {ratios}")
