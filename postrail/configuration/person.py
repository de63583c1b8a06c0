"""A person whom we know, as operators configure them."""

from __future__ import annotations

from pydantic import field_validator

from postrail.configuration.configured import Configured, MailAddress


class Person(Configured):
    """Somebody we know: may comment on any issue by naming its key."""

    address: MailAddress
    name: str = ""
    enabled: bool = True

    @field_validator("address")
    @classmethod
    def _lower_case(cls, address: str) -> str:
        return address.lower()
