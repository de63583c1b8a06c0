"""A level of urgency of issues, whose name operators may choose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from postrail.configuration.configured import Configured, folded
from postrail.configuration.entry import Fault, Proposal
from postrail.configuration.kind import Kind


class Priority(Configured):
    """One of the five levels; 1 is the most urgent. Every installation has all five."""

    level: Annotated[int, Field(ge=1, le=5)]
    name: Annotated[str, Field(min_length=1, max_length=100)]


def _names_differ(proposal: Proposal) -> Iterator[Fault]:
    """Refuses a name that two levels have, and one that reads as a level."""
    names = {level: folded(one.name) for level, one in proposal.all_of(Priority).items()}
    for level, entry in proposal.entries_of(Priority).items():
        for other, name in names.items():
            if other != level and name == names[level]:
                yield entry.fault("name", f"is the name of level {other} too")
        if names[level].isdecimal():
            yield entry.fault("name", "is a number, which would be read as a level")


# As every installation has them from the start.
STANDARD = tuple(
    Priority(level=level, name=name)
    for level, name in enumerate(("Highest", "High", "Medium", "Low", "Lowest"), 1)
)

PRIORITY = Kind(
    model=Priority,
    word="priority",
    identity="level",
    section="priorities",
    title="The names of the five priorities; 1 is the most urgent.",
    table="priority",
    checks=(_names_differ,),
    always_there=True,
)
