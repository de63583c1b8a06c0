"""Tells who may be concerned by a conversation that has no issue: its first message may be held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.effects.facts.belonging import addresses_of
from postrail.effects.facts.clues import Clues
from postrail.effects.involvement import author_of
from postrail.incoming.queue import DueMail, parsed_mails
from postrail.people import PersonRow
from postrail.records import MailParsed


async def beginnings(
    connection: Connection,
    mails: Sequence[DueMail],
    clues: Clues,
    persons: Mapping[str, PersonRow],
    snapshot: ConfigurationSnapshot,
) -> dict[str, str]:
    """Returns what the senders have to do with what they answer, by mail_id (see `Facts`)."""
    joined = [
        due
        for due in mails
        if due.conversation != due.mail.mail_id and not clues.by_conversation.get(due.conversation)
    ]
    # A conversation has the id of the message that began it.
    first = await parsed_mails(connection, [due.conversation for due in joined])
    return {
        due.mail.mail_id: (
            "known"
            if _people(first[due.conversation], snapshot).intersection(
                addresses_of(due, persons, snapshot)
            )
            else "stranger"
        )
        for due in joined
        if due.conversation in first
    }


def _people(mail: MailParsed, snapshot: ConfigurationSnapshot) -> set[str]:
    """Returns the author of a message and whom it addresses, in lower case, without ourselves."""
    addressed = {one.address.lower() for one in [*mail.to, *mail.cc]}
    return {author_of(mail, snapshot).address, *addressed} - {""} - snapshot.own_addresses
