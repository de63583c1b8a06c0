"""A person known to this installation, as operators configure them: the model, without its rows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from postrail.configuration.configured import Configured, LowerAddress, LowerCase

Group = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^\w[\w .-]*$"), LowerCase]


class Person(Configured):
    """A known person, who has a role in each project (see docs/rights.md)."""

    # Mail to the person goes there.
    address: LowerAddress
    # The person's other addresses: any of them is the person. In alphabetical order.
    addresses: list[LowerAddress] = Field(
        default_factory=list, description="a list of addresses such as help@example.org"
    )
    name: str = ""
    # In lower case and alphabetical order.
    groups: list[Group] = Field(
        default_factory=list, description="a list of names of letters, digits, ' ', '.', '_', '-'"
    )
    # A code of ISO 639-1, and a name of the time zone database; blank: not known.
    language: Annotated[
        str, Field(pattern="^([a-z]{2})?$", description="two letters, such as en")
    ] = ""
    time_zone: str = ""
    # How the person is told of issues: at_once, or once a day, at this hour of the time zone;
    # blank: as the project of the issue says.
    messages: Literal["", "at_once", "digest"] = ""
    digest_hour: Annotated[int, Field(ge=0, le=23)] = 7
    active: bool = True

    @property
    def all_addresses(self) -> list[str]:
        """Returns the address for mail, and then the others."""
        return [self.address, *self.addresses]

    @model_validator(mode="after")
    def _each_once(self) -> Person:
        object.__setattr__(self, "addresses", sorted({*self.addresses} - {self.address}))
        object.__setattr__(self, "groups", sorted(set(self.groups)))
        return self
