"""Reads the tokens of ours that messages have, and the issues that they prove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from postrail.database import Connection
from postrail.decision.facts import IssueRef
from postrail.incoming.message_ids import all_answered_ids
from postrail.notifications.issue_token import IssueToken, is_genuine, tokens_in
from postrail.records import MailParsed
from postrail.tracker import issues

# The tokens of a message, each with whether it proves its issue.
TokensOfMail = Sequence[tuple[IssueToken, bool]]
# By mail_id.
Tokens = Mapping[str, TokensOfMail]


async def read_tokens(connection: Connection, mails: Sequence[MailParsed], key: bytes) -> Tokens:
    """Returns the tokens of each message, by mail_id; a forged one proves nothing."""
    found = {mail.mail_id: tokens_of(mail) for mail in mails}
    named = {token.issue_id for tokens in found.values() for token in tokens}
    began = await issues.conversations_of(connection, named)
    return {
        mail_id: [
            (token, token.issue_id in began and is_genuine(token, key, began[token.issue_id]))
            for token in tokens
        ]
        for mail_id, tokens in found.items()
    }


def tokens_of(mail: MailParsed) -> list[IssueToken]:
    """Returns the tokens of the messages that are answered, the nearest first, and of addresses."""
    written = [one.address for one in mail.recipients]
    return tokens_in(all_answered_ids(mail), [*written, *mail.delivered_to])


def proven(tokens: Tokens) -> set[int]:
    """Returns the ids of all issues that a token proves, as they were when it was made."""
    return {token.issue_id for found in tokens.values() for token, genuine in found if genuine}


def issues_of(tokens: TokensOfMail, refs: Mapping[int, IssueRef]) -> tuple[IssueRef, ...]:
    """Returns the issues that tokens of a message prove, as they are now, each once."""
    found = (token.issue_id for token, genuine in tokens if genuine)
    return tuple(dict.fromkeys(refs[issue_id] for issue_id in found if issue_id in refs))
