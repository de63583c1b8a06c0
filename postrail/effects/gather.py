"""What is known about due mails before they are decided: looked up once for a whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from postrail.database import Connection, rows
from postrail.incoming.conversations import keys_in
from postrail.incoming.queue import DueMail


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
    issues = await _conversation_issues(connection, mails)
    named = await _named_issues(connection, mails)
    return {
        due.mail.mail_id: Facts(
            earlier=tuple(earlier.get(due.mail.fingerprint, ())),
            conversation_issues=issues.get(due.conversation, {}),
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
    issues: dict[str, dict[str, str]] = {}
    for conversation, project, issue_key in found:
        issues.setdefault(conversation, {})[project] = issue_key
    return issues


async def _named_issues(
    connection: Connection, mails: Sequence[DueMail]
) -> dict[str, list[NamedIssue]]:
    pairs = [
        (due.mail.mail_id, key, due.mail.sender.address.lower() if due.mail.sender else "")
        for due in mails
        for key in keys_in(due.mail.subject)
    ]
    if not pairs:
        return {}
    found = await rows(
        connection,
        "SELECT named.mail_id, issue.issue_key, issue.project_key,"
        "  EXISTS (SELECT 1 FROM participant WHERE participant.issue_key = issue.issue_key"
        "   AND participant.address = named.sender)"
        "  OR EXISTS (SELECT 1 FROM person WHERE person.address = named.sender AND enabled)"
        " FROM unnest(%b::text[], %b::text[], %b::text[]) WITH ORDINALITY"
        "  AS named(mail_id, issue_key, sender, place)"
        " JOIN issue ON issue.issue_key = named.issue_key ORDER BY place",
        [
            [mail_id for mail_id, _, _ in pairs],
            [key for _, key, _ in pairs],
            [sender for _, _, sender in pairs],
        ],
    )
    named: dict[str, list[NamedIssue]] = {}
    for mail_id, issue_key, project, belongs in found:
        issue = NamedIssue(issue_key=issue_key, project=project, sender_belongs=belongs)
        named.setdefault(mail_id, []).append(issue)
    return named
