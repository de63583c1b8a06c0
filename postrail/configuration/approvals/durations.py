"""Reads durations as people write them, such as 30m, 4h or 2d, and writes them so. Pure."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer
from pydantic_core import PydanticCustomError

# The seconds of each unit, the longest first.
UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
WRITTEN = re.compile(r"\s*(\d{1,9})\s*([dhms]?)\s*", re.I)
FORM = "a duration such as 30m, 4h or 2d, or a number of seconds"


def seconds_of(text: str) -> int:
    """Returns the seconds of a duration; raises ValueError for a text that is none."""
    found = WRITTEN.fullmatch(text)
    if not found:
        raise ValueError(f"must be {FORM}")
    return int(found[1]) * UNITS[found[2].lower() or "s"]


def written(seconds: int) -> str:
    """Returns a duration in the longest unit that it is a whole number of."""
    unit = next(unit for unit, size in UNITS.items() if seconds % size == 0)
    return f"{seconds // UNITS[unit]}{unit}" if seconds else "0"


def _read(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return seconds_of(given)
    except ValueError as error:
        raise PydanticCustomError("duration", "{why}", {"why": str(error)}) from error


# In seconds; 0: none.
Duration = Annotated[
    int, BeforeValidator(_read), Field(ge=0, le=366 * 86400), PlainSerializer(written)
]
