"""What is known about due mails before they are decided: looked up once for a whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from postrail.database import Connection, rows
from postrail.incoming.conversations import keys_in
from postrail.incoming.queue import DueMail
from postrail.tracker import issues
from postrail.tracker.issues import KeyInSubject


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlierMail:
    """A mail of the same content that has had its effect."""

    mail_id: str
    mailbox: str
    source: str
    issue_key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedIssue:
    """An issue whose key stands in the subject; may the sender comment on it by its key alone?"""

    issue_key: str
    project: str
    sender_belongs: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """All that a decision may use beside the mail itself."""

    earlier: tuple[EarlierMail, ...]
    # The issue of the mail's conversation, by project.
    conversation_issues: dict[str, str]
    named_issues: tuple[NamedIssue, ...]


async def gather(connection: Connection, mails: Sequence[DueMail]) -> dict[str, Facts]:
    """The facts of each mail, by mail_id. The caller holds the locks of `incoming.lock_work`."""
    earlier = await _earlier(connection, mails)
    by_conversation = await _conversation_issues(connection, mails)
    named = await _named_issues(connection, mails)
    return {
        due.mail.mail_id: Facts(
            earlier=tuple(earlier.get(due.mail.fingerprint, ())),
            conversation_issues=by_conversation.get(due.conversation, {}),
            named_issues=tuple(named.get(due.mail.mail_id, ())),
        )
        for due in mails
    }


async def _earlier(
    connection: Connection, mails: Sequence[DueMail]
) -> dict[str, list[EarlierMail]]:
    # The first of each listing of each mailbox says all; a machine may have sent thousands.
    found = await rows(
        connection,
        "SELECT fingerprint, mail_id, mailbox, source, issue_key FROM ("
        " SELECT DISTINCT ON (fingerprint, mailbox, regexp_replace(source, ';uid=[0-9]*$', ''))"
        "  fingerprint, mail_id::text, mailbox, source, issue_key, handled_at FROM incoming_mail"
        " WHERE fingerprint = ANY(%s) AND state = 'done' AND outcome IN ('issue', 'comment')"
        " AND mail_id <> ALL(%s) ORDER BY fingerprint, mailbox,"
        "  regexp_replace(source, ';uid=[0-9]*$', ''), handled_at) AS first ORDER BY handled_at",
        [
            [due.mail.fingerprint for due in mails],
            [due.mail.mail_id for due in mails],
        ],
    )
    earlier: dict[str, list[EarlierMail]] = {}
    for fingerprint, mail_id, mailbox, source, issue_key in found:
        same = EarlierMail(mail_id=mail_id, mailbox=mailbox, source=source, issue_key=issue_key)
        earlier.setdefault(fingerprint, []).append(same)
    return earlier


async def _conversation_issues(
    connection: Connection, mails: Sequence[DueMail]
) -> dict[str, dict[str, str]]:
    found = await rows(
        connection,
        "SELECT conversation::text, project_key, issue_key FROM conversation_issue"
        " WHERE conversation = ANY(%s)",
        [[due.conversation for due in mails]],
    )
    by_conversation: dict[str, dict[str, str]] = {}
    for conversation, project, issue_key in found:
        by_conversation.setdefault(conversation, {})[project] = issue_key
    return by_conversation


async def _named_issues(
    connection: Connection, mails: Sequence[DueMail]
) -> dict[str, list[NamedIssue]]:
    keys = [
        KeyInSubject(mail_id=due.mail.mail_id, issue_key=key, sender=_sender(due))
        for due in mails
        for key in keys_in(due.mail.subject)
    ]
    found = await issues.named_issues(connection, keys)
    if not found:
        return {}
    senders = {due.mail.mail_id: _sender(due) for due in mails}
    people = await _people(connection, {senders[one.mail_id] for one in found})
    named: dict[str, list[NamedIssue]] = {}
    for one in found:
        belongs = one.sender_participates or senders[one.mail_id] in people
        issue = NamedIssue(issue_key=one.issue_key, project=one.project, sender_belongs=belongs)
        named.setdefault(one.mail_id, []).append(issue)
    return named


async def _people(connection: Connection, addresses: set[str]) -> set[str]:
    found = await rows(
        connection,
        "SELECT address FROM person WHERE address = ANY(%s) AND enabled",
        [sorted(addresses)],
    )
    return {row[0] for row in found}


def _sender(due: DueMail) -> str:
    return due.mail.sender.address.lower() if due.mail.sender else ""
