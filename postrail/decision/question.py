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
    def muted(self) -> bool:
        """Tells whether the effects are muted: always for automatic mail (RFC 3834, section 2)."""
        return self.mail.kind != "human"
