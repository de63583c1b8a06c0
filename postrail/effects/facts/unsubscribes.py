"""Reads our tokens by which people leave issues, and whom they take off which issue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from postrail import people
from postrail.database import Connection
from postrail.decision.facts import IssueRef, Unsubscription
from postrail.incoming.queue import DueMail
from postrail.notifications.unsubscribe.token import UnsubscribeToken, is_for, token_in
from postrail.records import MailParsed
from postrail.tracker import issues
from postrail.tracker.watchers import watching

# By mail_id.
Tokens = Mapping[str, UnsubscribeToken]


def unsubscribe_tokens(mails: Sequence[DueMail]) -> Tokens:
    """Returns the token of each message that has one, by mail_id; a forged one is among them."""
    found = {due.mail.mail_id: _token_of(due.mail) for due in mails}
    return {mail_id: token for mail_id, token in found.items() if token}


def _token_of(mail: MailParsed) -> UnsubscribeToken | None:
    written = [one.address for one in mail.recipients]
    return token_in([*written, *mail.delivered_to], mail.subject)


async def unsubscriptions(
    connection: Connection, tokens: Tokens, refs: Mapping[int, IssueRef], key: bytes
) -> dict[str, Unsubscription]:
    """Returns what each token asks for, by mail_id; `key` signs them.

    `refs` are the issues by the ids that they had when the tokens were made.
    """
    began = await issues.conversations_of(connection, {one.issue_id for one in tokens.values()})
    return {
        mail_id: await _unsubscription(
            connection, token, refs.get(token.issue_id), began.get(token.issue_id, ""), key
        )
        for mail_id, token in tokens.items()
    }


async def _unsubscription(
    connection: Connection,
    token: UnsubscribeToken,
    issue: IssueRef | None,
    conversation: str,
    key: bytes,
) -> Unsubscription:
    if issue is None:
        return Unsubscription()
    watchers = await watching(connection, issue.issue_id)
    persons = await people.by_address(connection, watchers)
    # A person may watch by one address, and get mail at another.
    leaving = tuple(
        watcher
        for watcher in watchers
        if any(
            is_for(token, key, conversation, address)
            for address in {watcher, *(persons[watcher].addresses if watcher in persons else ())}
        )
    )
    return Unsubscription(issue=issue, addresses=leaving) if leaving else Unsubscription()
