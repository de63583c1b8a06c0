"""The people who are told of an event about an issue, as operators configure them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from postrail.configuration.configured import LowerCase
from postrail.message_parts import ADDRESS, ADDRESS_CHARACTERS

GROUP = "group:"
REPORTER, ASSIGNEE, WATCHERS, PARTICIPANTS = "reporter", "assignee", "watchers", "participants"
ROLES = (REPORTER, ASSIGNEE, WATCHERS, PARTICIPANTS)
# One of the roles, a group of persons, or an address.
Recipient = Annotated[
    str,
    Field(
        max_length=ADDRESS_CHARACTERS,
        pattern=f"^({'|'.join(ROLES)}|{GROUP}\\w.*|{ADDRESS})$",
        description=f"{', '.join(ROLES)}, {GROUP} and a name, or an address",
    ),
    LowerCase,
]
ToldEvent = Literal[
    "created",
    "opened",
    "assigned",
    "assignee_changed",
    "commented",
    "internally_commented",
    "outside_commented",
    "status_changed",
]
# Events whose words are for one person, and the event that tells the others.
OF_ONE = {"created": (REPORTER, "opened"), "assigned": (ASSIGNEE, "assignee_changed")}


def _checked(rules: dict[ToldEvent, list[Recipient]]) -> dict[ToldEvent, list[Recipient]]:
    for event, (role, others) in OF_ONE.items():
        further = [one for one in rules.get(event, ()) if one != role]  # type: ignore[call-overload]
        if further:
            why = f"{event} is for the {role} alone, not for {', '.join(further)}: use {others}"
            raise PydanticCustomError("recipients", "{why}", {"why": why})
    return rules


# By event; an event that is left out is told to those who are told by default, [] to nobody.
Recipients = Annotated[dict[ToldEvent, list[Recipient]], AfterValidator(_checked)]


def groups_of(rules: Mapping[ToldEvent, list[Recipient]]) -> Iterator[tuple[str, str]]:
    """Yields each event and group that the rules name."""
    for event, recipients in rules.items():
        for one in recipients:
            if one.startswith(GROUP):
                yield event, one.removeprefix(GROUP)
