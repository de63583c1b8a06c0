"""Determines whom a message involves in an issue: its author, the addressed, the mailbox."""

from __future__ import annotations

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.decision import Brings
from postrail.decision.senders import author
from postrail.records import MailParsed
from postrail.tracker.issues import Involvement, Watcher


def author_of(mail: MailParsed, snapshot: ConfigurationSnapshot) -> Watcher:
    """Returns the author; the address is in lower case, and "" if it is missing."""
    found = author(mail, snapshot.accounts.get(mail.mailbox))
    if found is None:
        return Watcher(address="", name="")
    return Watcher(address=found.address.lower(), name=found.name)


def involvement(
    mail: MailParsed,
    issue_id: int,
    snapshot: ConfigurationSnapshot,
    *,
    muted: bool,
    brings: Brings = Brings.ALL,
) -> Involvement:
    """Returns the people and the watched address that the message brings to the issue."""
    arrived_at = snapshot.accounts[mail.mailbox].address
    if brings is Brings.NOBODY:
        return Involvement(issue_id=issue_id, watchers=(), participants=(), arrived_at=arrived_at)
    writer = author_of(mail, snapshot)
    watches = writer.address and not snapshot.is_own(writer.address) and not muted
    others = [*mail.to, *mail.cc] if brings is Brings.ALL else []
    people = dict.fromkeys([writer.address, *(person.address.lower() for person in others)])
    return Involvement(
        issue_id=issue_id,
        watchers=(writer,) if watches else (),
        participants=tuple(who for who in people if who and not snapshot.is_own(who)),
        robot=writer.address if muted else "",
        arrived_at=arrived_at,
    )
