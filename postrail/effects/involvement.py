"""Determines whom a message involves in an issue: its author, the addressed, the mailbox."""

from __future__ import annotations

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.records import MailParsed
from postrail.tracker.issues import Involvement, Watcher


def author_of(mail: MailParsed) -> Watcher:
    """Returns the sender; the address is in lower case, and "" if it is missing."""
    if mail.sender is None:
        return Watcher(address="", name="")
    return Watcher(address=mail.sender.address.lower(), name=mail.sender.name)


def involvement(
    mail: MailParsed, issue_id: int, snapshot: ConfigurationSnapshot, *, muted: bool
) -> Involvement:
    """Returns the people and the watched address that the message brings to the issue."""
    author, own = author_of(mail), snapshot.own_addresses
    watches = author.address and author.address not in own and not muted
    addressed = [person.address.lower() for person in [*mail.to, *mail.cc]]
    people = dict.fromkeys([author.address, *addressed])
    return Involvement(
        issue_id=issue_id,
        watchers=(author,) if watches else (),
        participants=tuple(who for who in people if who and who not in own),
        arrived_at=snapshot.accounts[mail.mailbox].address,
    )
