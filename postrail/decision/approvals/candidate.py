"""A message that may answer an approval request, with what its checks ask. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.decision.approvals.fact import ApprovalFact
from postrail.decision.approvals.refused import RefusedWhy
from postrail.decision.question import Question
from postrail.notifications.addresses import compared_address

# What a group adds to the messages that it sends on to its members.
OF_GROUPS = ("list-", "precedence: list", "mailing-list", "x-mailing-list", "x-beenthere")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message is no answer that counts, for programs and in words."""

    why: RefusedWhy
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A message at the account of a setup, and the part of a request that its token names."""

    question: Question
    setup: ApprovalSetup
    fact: ApprovalFact

    @property
    def sender(self) -> str:
        """Returns the address in From, in its one form; Reply-To and web forms name nobody here."""
        sender = self.question.mail.sender
        return compared_address(sender.address) if sender else ""

    @property
    def arrived_at(self) -> datetime:
        """Returns when the mail server had the message, however late we read it."""
        mail = self.question.mail
        return mail.received_at or mail.fetched_at

    @property
    def is_from_approver(self) -> bool:
        """Tells whether the sender has one of the addresses of the approver."""
        return self.is_of_approver(self.sender)

    def is_of_approver(self, address: str) -> bool:
        """Tells whether the address is one of the approver's."""
        return address in {compared_address(one) for one in self.fact.addresses}

    @property
    def is_by_person(self) -> bool:
        """Tells whether a person wrote the message: a group that sends it on marks it as bulk."""
        mail = self.question.mail
        if mail.kind == "bulk" and self.setup.group_address:
            return mail.kind_reason.lower().startswith(OF_GROUPS)
        return mail.kind == "human"

    @property
    def decides_unverified(self) -> bool:
        """Tells whether unverified senders may decide: it is allowed, and nothing can verify."""
        account = self.question.account
        return self.setup.unverified_senders == "decide" and not account.authserv_ids

    @property
    def is_trusted(self) -> bool:
        """Tells whether the sender counts as the person whom From names."""
        return self.question.verified or self.decides_unverified

    @property
    def is_to_reply_address(self) -> bool:
        """Tells whether its author has written the reply address into To or Cc."""
        mail = self.question.mail
        base = self.question.snapshot.reply_address_of(self.setup)
        return any(is_form_of(one.address, base) for one in (*mail.to, *mail.cc))


def is_form_of(written: str, base: str) -> bool:
    """Tells whether an address is this one, as it is or with an extension."""
    (local, _, domain), (own, _, own_domain) = (
        compared_address(one).rpartition("@") for one in (written, base)
    )
    return bool(own) and domain == own_domain and (local == own or local.startswith(f"{own}+"))
