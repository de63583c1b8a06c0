"""Gathers what the senders of messages have to do with the issues that these may belong to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.decision.facts import IssueRef
from postrail.effects.involvement import author_of
from postrail.effects.mentions import is_insider
from postrail.incoming.message_ids import answered_ids
from postrail.incoming.queue import DueMail
from postrail.outgoing.issues import answered_by_recipient
from postrail.people import PersonRow
from postrail.records import MailParsed
from postrail.tracker.taking_part import taking_part
from postrail.workflow.roles import role_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Belonging:
    """The ids of the issues in which a sender takes part, and in whose projects is an insider."""

    taking_part: tuple[int, ...] = ()
    insider_in: tuple[int, ...] = ()


async def belonging(
    connection: Connection,
    mails: Sequence[DueMail],
    candidates: Mapping[str, Collection[IssueRef]],
    persons: Mapping[str, PersonRow],
    snapshot: ConfigurationSnapshot,
) -> dict[str, Belonging]:
    """Returns this for each message, by mail_id; `candidates` are the issues of each."""
    asked = {
        (issue.issue_id, address)
        for due in mails
        for issue in candidates[due.mail.mail_id]
        for address in _addresses(due, persons, snapshot)
    }
    found = await taking_part(connection, asked)
    answered = await _answered(connection, mails, candidates, persons, snapshot)
    result = {}
    for due in mails:
        issues = candidates[due.mail.mail_id]
        addresses = _addresses(due, persons, snapshot)
        result[due.mail.mail_id] = Belonging(
            taking_part=tuple(
                issue.issue_id
                for issue in issues
                if any((issue.issue_id, one) in found | answered for one in addresses)
            ),
            insider_in=tuple(
                issue.issue_id
                for issue in issues
                if _is_insider(issue, persons.get(author_of(due.mail, snapshot).address), snapshot)
            ),
        )
    return result


async def _answered(
    connection: Connection,
    mails: Sequence[DueMail],
    candidates: Mapping[str, Collection[IssueRef]],
    persons: Mapping[str, PersonRow],
    snapshot: ConfigurationSnapshot,
) -> set[tuple[int, str]]:
    """Returns issue id and address of those who answer a message that we sent to them."""
    ids = {issue.issue_id for found in candidates.values() for issue in found}
    answers = {
        (message_id, address)
        for due in mails
        if candidates[due.mail.mail_id]
        for message_id in answered_ids(due.mail)
        for address in _addresses(due, persons, snapshot)
    }
    return await answered_by_recipient(connection, ids, answers)


def _addresses(
    due: DueMail, persons: Mapping[str, PersonRow], snapshot: ConfigurationSnapshot
) -> tuple[str, ...]:
    """Returns all addresses of an active person, and the own one of anyone else."""
    sender = author_of(due.mail, snapshot).address
    person = persons.get(sender)
    known = person.addresses if person and person.active else (sender,)
    return tuple(address for address in known if address)


def agent_of(
    mail: MailParsed, persons: Mapping[str, PersonRow], snapshot: ConfigurationSnapshot
) -> tuple[str, ...]:
    """Returns the projects in which the sender is an insider, if a mail handler asks for them."""
    asked = any(
        one.enabled and (one.forwards != "as_sent" or one.field_commands)
        for one in snapshot.handlers
    )
    person = persons.get(author_of(mail, snapshot).address) if asked else None
    if person is None:
        return ()
    return tuple(
        key for key, project in snapshot.projects.items() if is_insider(role_of(project, person))
    )


def _is_insider(issue: IssueRef, person: PersonRow | None, snapshot: ConfigurationSnapshot) -> bool:
    project = snapshot.projects.get(issue.project)
    return project is not None and is_insider(role_of(project, person))
