"""Reads the clues to the issues that messages concern: copies, conversations, keys, tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.facts.sent_mails import named_deliveries
from postrail.effects.facts.tokens import Tokens, proven, read_tokens
from postrail.effects.facts.unsubscribes import unsubscribe_tokens
from postrail.incoming import conversations, copies
from postrail.incoming.copies import HandledMail
from postrail.incoming.message_ids import all_answered_ids, keys_in, numbers_in
from postrail.incoming.queue import DueMail
from postrail.notifications.unsubscribe.token import UnsubscribeToken
from postrail.outgoing.reports import NamedDelivery
from postrail.records import MailParsed
from postrail.tracker import issues

# The keys in a subject, and those that its bare numbers stand for: each with its number, or "".
Keys = Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Clues:
    """What the messages of a batch say about their issues, with the ids of these at that moment.

    Until the issues are locked, they may be moved or merged.
    """

    # Messages with the same content.
    earlier: Sequence[HandledMail]
    # The issues of conversations, and those of the conversations of answered Message-IDs.
    by_conversation: Mapping[str, Sequence[int]]
    by_message: Mapping[str, Sequence[int]]
    by_key: Mapping[str, int]
    # By mail_id.
    keys: Mapping[str, Keys]
    tokens: Tokens
    deliveries: Mapping[str, Sequence[NamedDelivery]]
    # By mail_id; a forged one is among them.
    unsubscribes: Mapping[str, UnsubscribeToken]

    @property
    def issue_ids(self) -> set[int]:
        """Returns the ids of all issues to which there is a clue."""
        deliveries = chain.from_iterable(self.deliveries.values())
        return {
            *(one.issue_id for one in self.earlier),
            *chain.from_iterable(self.by_conversation.values()),
            *chain.from_iterable(self.by_message.values()),
            *self.by_key.values(),
            *proven(self.tokens),
            *(one.issue_id for one in deliveries if one.issue_id),
            *(one.issue_id for one in self.unsubscribes.values()),
        }


async def read_clues(
    connection: Connection,
    mails: Sequence[DueMail],
    snapshot: ConfigurationSnapshot,
    message_id_key: bytes,
) -> Clues:
    """Returns the clues in these messages; `message_id_key` signs our tokens."""
    claims = [due.claimed_by for due in mails if due.claimed_by]
    answered = {one for due in mails for one in all_answered_ids(due.mail)}
    keys = {due.mail.mail_id: _keys(due.mail, snapshot) for due in mails}
    by_key = await issues.by_key(connection, {key for named in keys.values() for key, _ in named})
    return Clues(
        earlier=await copies.earlier_mails(
            connection,
            [due.mail.fingerprint for due in mails],
            [due.mail.mail_id for due in mails],
        ),
        by_conversation=await conversations.issues_of(
            connection, [*(due.conversation for due in mails), *claims], answered
        ),
        by_message=await conversations.issues_by_message(connection, answered),
        by_key={key: issue.issue_id for key, issue in by_key.items()},
        keys=keys,
        tokens=await read_tokens(connection, [due.mail for due in mails], message_id_key),
        deliveries=await named_deliveries(connection, mails, snapshot),
        unsubscribes=unsubscribe_tokens(mails),
    )


def _keys(mail: MailParsed, snapshot: ConfigurationSnapshot) -> Keys:
    """Returns the keys in the subject, then those of its bare numbers.

    These mean nothing unless a mail handler of the account asks for them.
    """
    keys = [(key, "") for key in keys_in(mail.subject)]
    account = snapshot.accounts.get(mail.mailbox)
    handlers = snapshot.enabled_handlers_of(mail.mailbox)
    if account is None or not any(one.bare_numbers for one in handlers):
        return keys
    numbers = numbers_in(mail.subject)
    return [*keys, *((f"{account.project}-{number}", number) for number in numbers)]
