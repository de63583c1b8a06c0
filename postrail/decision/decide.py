"""What a parsed mail means: the mail and what is known about it in, a Decision out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from postrail.configuration.mail_account import MailAccount
from postrail.effects.gather import EarlierMail, Facts
from postrail.records import MailParsed


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What is to be done with a mail, and why."""

    # issue, comment, duplicate, noted or failed
    outcome: str
    reason: str
    issue_key: str | None = None
    # A new issue whose subject named another one, without a right to comment on it.
    linked_to: str | None = None
    # Was the key in the subject the only proof?
    by_key: bool = False
    # May anybody be told by mail? Never because of automatic mail (RFC 3834, section 2).
    answers: bool = False


def decide(mail: MailParsed, accounts: Mapping[str, MailAccount], facts: Facts) -> Decision:
    """The decision about one mail; the same input always gives the same decision."""
    if mail.error:
        return Decision(outcome="failed", reason=f"the mail could not be parsed: {mail.error}")
    account = accounts.get(mail.mailbox)
    if account is None:
        reason = f"there is no mail account {mail.mailbox} any more: add it and retry the mail"
        return Decision(outcome="failed", reason=reason)
    return (
        _same_mail(mail, account, accounts, facts)
        or _answer(mail, account, facts)
        or _by_key(mail, facts)
        or _new_issue(mail, "no known conversation")
    )


def _same_mail(
    mail: MailParsed,
    account: MailAccount,
    accounts: Mapping[str, MailAccount],
    facts: Facts,
) -> Decision | None:
    """The same content was handled before, under another mail_id."""
    for earlier in facts.earlier:
        if earlier.mailbox == mail.mailbox:
            if mail.message_id or _listed_again(mail, earlier):
                reason = f"same mail as {earlier.mail_id} in this mailbox"
                return Decision(outcome="duplicate", reason=reason, issue_key=earlier.issue_key)
        elif mail.message_id and _same_project(account, accounts, earlier):
            reason = f"same mail as {earlier.mail_id} in mailbox {earlier.mailbox}"
            return Decision(outcome="noted", reason=reason, issue_key=earlier.issue_key)
    return None


def _listed_again(mail: MailParsed, earlier: EarlierMail) -> bool:
    """Without a Message-ID only a new listing tells a repeated mail from an equal one.

    A machine may send the same alarm each night: those have one UIDVALIDITY and different UIDs.
    """
    return mail.source.rpartition(";uid=")[0] != earlier.source.rpartition(";uid=")[0]


def _same_project(
    account: MailAccount, accounts: Mapping[str, MailAccount], earlier: EarlierMail
) -> bool:
    other = accounts.get(earlier.mailbox)
    return other is not None and other.project == account.project


def _answer(mail: MailParsed, account: MailAccount, facts: Facts) -> Decision | None:
    """In-Reply-To or References name a mail of a conversation that has an issue here."""
    issue_key = facts.conversation_issues.get(account.project)
    if issue_key is None:
        return None
    reason = "it belongs to the conversation of this issue"
    return Decision(
        outcome="comment", reason=reason, issue_key=issue_key, answers=mail.kind == "human"
    )


def _by_key(mail: MailParsed, facts: Facts) -> Decision | None:
    """The subject names an issue: a weak proof, since anybody can write a key."""
    if not facts.named_issues:
        return None
    named = facts.named_issues[0]
    if named.sender_belongs:
        reason = f"the subject names {named.issue_key}, and the sender takes part in it or is known"
        return Decision(
            outcome="comment",
            reason=reason,
            issue_key=named.issue_key,
            by_key=True,
            answers=mail.kind == "human",
        )
    reason = f"the subject names {named.issue_key}, but the sender has no part in it"
    return _new_issue(mail, reason, linked_to=named.issue_key)


def _new_issue(mail: MailParsed, reason: str, linked_to: str | None = None) -> Decision:
    return Decision(
        outcome="issue", reason=reason, linked_to=linked_to, answers=mail.kind == "human"
    )
