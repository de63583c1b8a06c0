"""A person known to this installation, as operators configure them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import field_validator

from postrail import people
from postrail.configuration.configured import Configured, MailAddress
from postrail.configuration.kind import Kind
from postrail.database import Connection


class Person(Configured):
    """A known person, who may comment on any issue by naming its key in the subject."""

    address: MailAddress
    name: str = ""
    active: bool = True

    @field_validator("address")
    @classmethod
    def _lower_case(cls, address: str) -> str:
        return address.lower()


async def _read(connection: Connection) -> Sequence[Mapping[str, Any]]:
    return [
        {"address": one.address, "name": one.name, "active": one.active}
        for one in await people.everyone(connection)
    ]


async def _write(connection: Connection, person: Person) -> None:
    row = people.PersonRow(address=person.address, name=person.name, active=person.active)
    await people.save(connection, row)


PERSON = Kind(
    model=Person,
    word="person",
    identity="address",
    section="people",
    title="People who may comment on any issue by naming its key in the subject.",
    read=_read,
    write=_write,
)
