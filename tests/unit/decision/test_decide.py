"""What a mail means, by the mail and what is known: a table of cases with a comment a row."""

from __future__ import annotations

import pytest

from postrail.configuration.mail_account import MailAccount
from postrail.decision.decide import Decision, decide
from postrail.effects.gather import EarlierMail, Facts, NamedIssue
from postrail.records import MailParsed
from tests.makers.records import mail_parsed


def account(name: str, project: str = "HELP") -> MailAccount:
    return MailAccount(
        name=name,
        host="imap.example.com",
        username="u",
        password="env:POSTRAIL_SECRET_X",
        address=f"{name}@example.com",
        project=project,
    )


ACCOUNTS = {a.name: a for a in (account("support"), account("info"), account("sales", "SALE"))}
NOTHING = Facts(earlier=(), conversation_issues={}, named_issues=())


def known(project: str = "HELP", issue_key: str = "HELP-1") -> Facts:
    return Facts(earlier=(), conversation_issues={project: issue_key}, named_issues=())


def named(*, belongs: bool) -> Facts:
    issue = NamedIssue(issue_key="HELP-7", project="HELP", sender_belongs=belongs)
    return Facts(earlier=(), conversation_issues={}, named_issues=(issue,))


def earlier(mailbox: str, source: str = "INBOX;uidvalidity=1;uid=1") -> Facts:
    mail = EarlierMail(mail_id="m0", mailbox=mailbox, source=source, issue_key="HELP-3")
    return Facts(earlier=(mail,), conversation_issues={}, named_issues=())


SAME_LISTING = "INBOX;uidvalidity=1;uid=9"
NEW_LISTING = "INBOX;uidvalidity=2;uid=1"

CASES = [
    # nothing is known: a new issue, and its reporter is told
    (mail_parsed(), NOTHING, ("issue", None, None, True)),
    # a robot's mail makes an issue too, but nobody is told
    (mail_parsed(kind="auto_generated"), NOTHING, ("issue", None, None, False)),
    # an answer by In-Reply-To or References
    (mail_parsed(), known(), ("comment", "HELP-1", None, True)),
    # an out-of-office answer is a comment that nobody is told of
    (mail_parsed(kind="auto_reply"), known(), ("comment", "HELP-1", None, False)),
    # the conversation has an issue in another project only
    (mail_parsed(), known(project="SALE", issue_key="SALE-1"), ("issue", None, None, True)),
    # the key of an issue that the sender takes part in
    (mail_parsed(subject="Re: HELP-7"), named(belongs=True), ("comment", "HELP-7", None, True)),
    # a stranger names a key: a new issue that links to it
    (mail_parsed(subject="Re: HELP-7"), named(belongs=False), ("issue", None, "HELP-7", True)),
    # the same mail twice in a mailbox
    (mail_parsed(source=SAME_LISTING), earlier("support"), ("duplicate", "HELP-3", None, False)),
    # two equal alarms without a Message-ID are two issues
    (
        mail_parsed(source=SAME_LISTING, message_id=None),
        earlier("support"),
        ("issue", None, None, True),
    ),
    # the same alarm, listed again with another UIDVALIDITY, is one
    (
        mail_parsed(source=NEW_LISTING, message_id=None),
        earlier("support"),
        ("duplicate", "HELP-3", None, False),
    ),
    # the same mail in another mailbox of the project: noted
    (mail_parsed(), earlier("info"), ("noted", "HELP-3", None, False)),
    # the same mail in a mailbox of another project: a mail of its own
    (mail_parsed(), earlier("sales"), ("issue", None, None, True)),
    # a mail that could not be parsed
    (mail_parsed(error="too deep"), NOTHING, ("failed", None, None, False)),
    # its account was removed meanwhile
    (mail_parsed(mailbox="gone"), NOTHING, ("failed", None, None, False)),
]


@pytest.mark.parametrize(("mail", "facts", "expected"), CASES)
def test_decision(
    mail: MailParsed, facts: Facts, expected: tuple[str, str | None, str | None, bool]
) -> None:
    decision: Decision = decide(mail, ACCOUNTS, facts)
    outcome = (decision.outcome, decision.issue_key, decision.linked_to, decision.answers)
    assert outcome == expected
    assert decision.reason
