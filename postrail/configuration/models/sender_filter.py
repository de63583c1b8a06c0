"""A sender filter, as operators configure it: whose messages no mail handler is asked about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from postrail.configuration.configured import Configured, LowerAddress, Name, faulty
from postrail.configuration.entry import Entry, Fault, Proposal, unknown_name
from postrail.configuration.kind import Kind
from postrail.configuration.models.domain_patterns import DomainPattern, open_ends
from postrail.configuration.models.mail_account import MailAccount


class SenderFilter(Configured):
    """Holds off the messages of some senders, before any mail handler is asked."""

    name: Name
    description: str = ""
    enabled: bool = True
    # The whole addresses, and patterns that are searched for in addresses (see domain_patterns).
    addresses: list[LowerAddress] = Field(default_factory=list)
    domains: list[DomainPattern] = Field(default_factory=list)
    # None: all accounts.
    accounts: list[Name] = Field(default_factory=list)
    # push_back: ignored, and the sender is told that the message was not accepted.
    then: Literal["ignore", "quarantine", "push_back"] = "ignore"

    @field_validator("addresses")
    @classmethod
    def _are_whole(cls, given: list[str]) -> list[str]:
        for address in given:
            if "*" in address:
                why = f"{address}: * is a character here: use domains, such as @example\\.org$"
                raise PydanticCustomError("address", "{why}", {"why": why})
        return given

    @model_validator(mode="after")
    def _names_somebody(self) -> SenderFilter:
        if not self.addresses and not self.domains:
            raise faulty([("addresses", "is missing, and so is domains: give one of them")])
        return self

    def serves(self, account: str) -> bool:
        """Tells whether messages of the account are filtered."""
        return self.enabled and (not self.accounts or account in self.accounts)


def _accounts_exist(proposal: Proposal) -> Iterator[Fault]:
    accounts = proposal.all_of(MailAccount)
    for entry in proposal.entries_of(SenderFilter).values():
        assert isinstance(entry.thing, SenderFilter)
        for name in entry.thing.accounts:
            if name not in accounts:
                yield entry.fault("accounts", unknown_name("account", name, accounts))


def _notes(entry: Entry, before: Configured | None) -> list[str]:
    assert isinstance(entry.thing, SenderFilter)
    return list(open_ends("domains", entry.thing.domains))


SENDER_FILTER = Kind(
    model=SenderFilter,
    word="sender filter",
    section="sender_filters",
    title="Senders whose messages are held off before any handler is asked.",
    table="sender_filter",
    checks=(_accounts_exist,),
    notes=_notes,
)
