"""The question that each stage of a decision is asked."""

from __future__ import annotations

from dataclasses import dataclass

from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.facts import Facts
from postrail.records import MailParsed


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A message with everything that its decision may use."""

    mail: MailParsed
    snapshot: ConfigurationSnapshot
    facts: Facts

    @property
    def account(self) -> MailAccount:
        """Returns the message's mail account; the stage `account_removed` ensures it exists."""
        return self.snapshot.accounts[self.mail.mailbox]

    @property
    def project(self) -> str:
        """Returns the key of the project that the message is for."""
        return self.project_at(self.account)

    def project_at(self, account: MailAccount) -> str:
        """Returns the key of the project that the message is for when it arrives at the account.

        A shared mailbox receives messages for the addresses of other projects, too. The account's
        own address comes first, but only where the author wrote it: servers name the mailbox in
        Delivered-To, however the message was addressed.
        """
        written = [one.address.lower() for one in [*self.mail.to, *self.mail.cc, *self.mail.bcc]]
        delivered = [address.lower() for address in self.mail.delivered_to]
        if account.address.lower() in written:
            return account.project
        shared = self.snapshot.shared_addresses
        named = (shared[address] for address in [*delivered, *written] if address in shared)
        return next(named, account.project)

    @property
    def muted(self) -> bool:
        """Tells whether the effects are muted: always for automatic mail (RFC 3834, section 2)."""
        return self.mail.kind != "human"
