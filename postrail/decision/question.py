"""The question that each stage of a decision is asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Any

from postrail.conditions.evaluate import MessageValues
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.facts import Facts, IssueRef, NamedIssue
from postrail.decision.message_values import values_of
from postrail.decision.senders import Judged, Verdict, author, judge
from postrail.message_parts import without_extension
from postrail.records import MailParsed

# The choices of the settings of mail accounts, the strictest one first.
KEY_ALONE = ("never", "participants", "anybody")
WEAK_KEYS = ("quarantine", "new_issue", "comment")


class Participation(Enum):
    """Whether the sender of a message takes part in an issue, the best one first."""

    # Proven: the sender is verified, or answers a message that we sent to this very address.
    PROVEN = "proven"
    # The message only names somebody who takes part.
    CLAIMED = "claimed"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Question:
    """A message with everything that its decision may use."""

    mail: MailParsed
    snapshot: ConfigurationSnapshot
    facts: Facts
    # The key of the project that a mail handler gives the message; "": as its addresses say.
    routed_to: str = ""
    # Whether the mail handler takes bare numbers in the subject for issues.
    bare_numbers: bool = False
    # The name of the mail account that decides in the place of the one at which the message
    # arrived; "": that one.
    decides_as: str = ""

    @property
    def account(self) -> MailAccount:
        """Returns the message's mail account; the stage `account_removed` ensures it exists."""
        return self.snapshot.accounts[self.decides_as or self.mail.mailbox]

    @cached_property
    def sharing(self) -> list[MailAccount]:
        """Returns, by name, the accounts that make one issue of all copies of the message.

        They are the one at which it arrived, and those that the author has addressed. Accounts for
        approvals make none.
        """
        accounts = self.snapshot.accounts
        own = accounts[self.mail.mailbox]
        project = self.project_at(own)
        others = (
            one
            for one in accounts.values()
            if one.enabled
            and one.purpose == own.purpose == "issues"
            and one.fan_in == own.fan_in == "note"
            and one.project == project
        )
        together = {one.name for one in others if self.is_addressed_to(one)} | {own.name}
        return [accounts[name] for name in sorted(together)]

    @property
    def key_alone(self) -> str:
        """Returns the strictest `key_alone` of the accounts that share the message.

        Anyone may address a lenient one, so none gives a copy in another mailbox its rights.
        """
        return min((one.key_alone for one in self.sharing), key=KEY_ALONE.index)

    @property
    def weak_keys(self) -> str:
        """Returns the strictest `weak_keys` of the accounts that share the message."""
        return min((one.weak_keys for one in self.sharing), key=WEAK_KEYS.index)

    @property
    def project(self) -> str:
        """Returns the key of the project that the message is for."""
        return self.routed_to or self.project_at(self.account)

    def project_at(self, account: MailAccount) -> str:
        """Returns the key of the project that the message is for when it arrives at the account.

        A shared mailbox receives messages for the addresses of other projects, too. The account's
        own address comes first, but only where the author wrote it: servers name the mailbox in
        Delivered-To, however the message was addressed.
        """
        if self.is_addressed_to(account):
            return account.project
        delivered = _with_bases(self.mail.delivered_to)
        shared = self.snapshot.shared_addresses
        named = (shared[one] for one in [*delivered, *self._written] if one in shared)
        return next(named, account.project)

    def is_addressed_to(self, account: MailAccount) -> bool:
        """Tells whether the author has written the account's address into To, Cc or Bcc."""
        return account.address.lower() in self._written

    @property
    def _written(self) -> list[str]:
        return _with_bases(one.address for one in self.mail.recipients)

    @property
    def muted(self) -> bool:
        """Tells whether the effects are muted: always for automatic mail (RFC 3834, section 2)."""
        return self.mail.kind != "human"

    @property
    def is_auto_reply(self) -> bool:
        """Tells whether a program answers for its owner, such as out of office.

        Such a comment changes nothing else: nobody has read what it answers.
        """
        return self.mail.kind == "auto_reply"

    @property
    def sender_address(self) -> str:
        """Returns the address of the author in lower case, or ""."""
        written_by = author(self.mail, self.snapshot.accounts.get(self.mail.mailbox))
        return written_by.address.lower() if written_by else ""

    @cached_property
    def judged(self) -> Judged:
        """Returns the verdict about the sender, by the servers of the mailbox with this copy."""
        return judge(self.mail, self.snapshot.accounts[self.mail.mailbox])

    @cached_property
    def values(self) -> MessageValues:
        """Returns what conditions ask about the message itself."""
        mail = replace(self.mail, mailbox=self.account.name)
        return values_of(mail, authentication=self.judged.verdict)

    @property
    def verified(self) -> bool:
        """Tells whether the sender is proven to be who the message says."""
        return self.judged.verdict is Verdict.PASS

    def asked_with(self, **changes: Any) -> Question:
        """Returns the question with these changes; the verdict is about the message, and stays."""
        changed = replace(self, **changes)
        vars(changed)["judged"] = self.judged
        return changed

    def participation(self, issue: IssueRef) -> Participation:
        """Returns whether the sender takes part in the issue.

        Anyone may write anyone's address into From. For an agent, whose words the desk sends to
        customers, that proves nothing, even where the agent watches the issue.
        """
        facts, issue_id = self.facts, issue.issue_id
        takes_part, is_insider = issue_id in facts.taking_part, issue_id in facts.insider_in
        if issue_id in facts.answered_in or (self.verified and (takes_part or is_insider)):
            return Participation.PROVEN
        claimed = takes_part and not is_insider
        return Participation.CLAIMED if claimed else Participation.NONE

    def takes_part(self, issue: IssueRef) -> bool:
        """Tells whether the sender may write on the issue as one of its people."""
        return self.participation(issue) is not Participation.NONE

    def is_agent_of(self, project: str) -> bool:
        """Tells whether the sender is proven, and an agent of the project."""
        return self.verified and project in self.facts.agent_of

    def skips(self, name: str) -> bool:
        """Tells whether a person has released the message from what has this name."""
        release = self.facts.release
        return release is not None and name in release.skips

    @property
    def is_for_a_handler(self) -> bool:
        """Tells whether a person has chosen the mail handler that takes the message."""
        return self.facts.release is not None and bool(self.facts.release.as_handler)

    @cached_property
    def named_issues(self) -> list[NamedIssue]:
        """Returns the issues that the subject names, the most likely one first.

        Those in which the sender takes part come first, then those of the message's project.
        """
        named = [one for one in self.facts.named_issues if self.bare_numbers or not one.number]
        return sorted(
            named,
            key=lambda one: (
                bool(one.number),
                not self.takes_part(one.issue),
                not one.issue.receives_for(self.project),
            ),
        )

    @property
    def claims_to_belong(self) -> bool:
        """Tells whether the named sender is a person, or takes part in an issue of the message."""
        return self.facts.sender is not None or bool(self.facts.taking_part)

    def strips_quotations(self, handler: MailHandler) -> bool:
        """Tells whether a comment holds only what is new: the handler's setting goes first."""
        own = handler.strip_quotations
        return self.account.strip_quotations if own is None else own


def _with_bases(addresses: Iterable[str]) -> list[str]:
    """Returns the addresses in lower case, each with the one that it is an extension of."""
    each = (address.lower() for address in addresses)
    return [form for address in each for form in (address, without_extension(address))]
