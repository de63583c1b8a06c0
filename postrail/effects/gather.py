"""Gathers the facts about due messages before they are decided, once for a whole batch.

Calls functions of the packages that own the tables, and speaks no SQL itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from postrail import people
from postrail.database import Connection
from postrail.decision.facts import EarlierMail, Facts, IssueRef, NamedIssue
from postrail.effects.involvement import author_of
from postrail.incoming import conversations
from postrail.incoming import queue as incoming
from postrail.incoming.message_ids import keys_in
from postrail.incoming.queue import DueMail
from postrail.tracker import issues
from postrail.tracker.issues import KeyInSubject


async def gather(connection: Connection, mails: Sequence[DueMail]) -> dict[str, Facts]:
    """Returns the facts of each message by mail_id.

    The caller holds the locks of `incoming.queue.lock_work`.
    """
    earlier = await _earlier(connection, mails)
    by_conversation = await _conversation_issues(connection, mails)
    named = await _named_issues(connection, mails)
    return {
        due.mail.mail_id: Facts(
            earlier=tuple(earlier.get(due.mail.fingerprint, ())),
            conversation_issues=tuple(by_conversation.get(due.conversation, ())),
            named_issues=tuple(named.get(due.mail.mail_id, ())),
        )
        for due in mails
    }


async def _earlier(
    connection: Connection, mails: Sequence[DueMail]
) -> dict[str, list[EarlierMail]]:
    found = await incoming.earlier_mails(
        connection,
        [due.mail.fingerprint for due in mails],
        [due.mail.mail_id for due in mails],
    )
    projects = await issues.projects_of(connection, {mail.issue_key for mail in found})
    earlier: dict[str, list[EarlierMail]] = {}
    for mail in found:
        same = EarlierMail(
            mail_id=mail.mail_id,
            mailbox=mail.mailbox,
            source=mail.source,
            issue=IssueRef(issue_key=mail.issue_key, project=projects[mail.issue_key]),
        )
        earlier.setdefault(mail.fingerprint, []).append(same)
    return earlier


async def _conversation_issues(
    connection: Connection, mails: Sequence[DueMail]
) -> dict[str, list[IssueRef]]:
    found = await conversations.issues_of(connection, [due.conversation for due in mails])
    by_conversation: dict[str, list[IssueRef]] = {}
    for conversation, project, key in found:
        issue = IssueRef(issue_key=key, project=project)
        by_conversation.setdefault(conversation, []).append(issue)
    return by_conversation


async def _named_issues(
    connection: Connection, mails: Sequence[DueMail]
) -> dict[str, list[NamedIssue]]:
    senders = {due.mail.mail_id: author_of(due.mail).address for due in mails}
    keys = [
        KeyInSubject(mail_id=due.mail.mail_id, issue_key=key, sender=senders[due.mail.mail_id])
        for due in mails
        for key in keys_in(due.mail.subject)
    ]
    found = await issues.named_issues(connection, keys)
    strangers = {senders[one.mail_id] for one in found if not one.sender_participates}
    known = await people.known(connection, strangers)
    named: dict[str, list[NamedIssue]] = {}
    for one in found:
        issue = IssueRef(issue_key=one.issue_key, project=one.project)
        belongs = one.sender_participates or senders[one.mail_id] in known
        named.setdefault(one.mail_id, []).append(NamedIssue(issue=issue, sender_belongs=belongs))
    return named
