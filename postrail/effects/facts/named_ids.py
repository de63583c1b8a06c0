"""Reads what places messages in conversations: their ids, their tokens, and their senders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.decision.senders import is_proven
from postrail.effects.facts.tokens import proven, read_tokens
from postrail.incoming.message_ids import Named, named_by
from postrail.records import MailParsed
from postrail.tracker import issues


async def named_ids(
    connection: Connection,
    mails: Sequence[MailParsed],
    snapshot: ConfigurationSnapshot,
    message_id_key: bytes,
) -> list[Named]:
    """Returns the ids that each message carries and names, with what is proven about it."""
    tokens = await read_tokens(connection, mails, message_id_key)
    present = await issues.by_id(connection, proven(tokens))
    found = []
    for mail in mails:
        named = (token.issue_id for token, genuine in tokens[mail.mail_id] if genuine)
        queue = next((present[one].conversation for one in named if one in present), "")
        is_proven = _is_proven(mail, snapshot)
        found.append(replace(named_by(mail), token_queue=queue, proven=is_proven))
    return found


def _is_proven(mail: MailParsed, snapshot: ConfigurationSnapshot) -> bool | None:
    """Tells whether the sender is proven; None where the server of the mailbox proves nobody."""
    account = snapshot.accounts.get(mail.mailbox)
    if account is None or not account.authserv_ids:
        return None
    return is_proven(mail, account)
