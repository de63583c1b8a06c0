"""A level of urgency of issues, whose name operators may choose."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from postrail.configuration.configured import Configured
from postrail.configuration.kind import Kind


class Priority(Configured):
    """One of the five levels; 1 is the most urgent. Every installation has all five."""

    level: Annotated[int, Field(ge=1, le=5)]
    name: Annotated[str, Field(min_length=1, max_length=100)]


PRIORITY = Kind(
    model=Priority,
    word="priority",
    identity="level",
    section="priorities",
    title="The names of the five priorities; 1 is the most urgent.",
    table="priority",
)
