"""Gathers what the senders of messages have to do with the issues that these may belong to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from postrail.configuration.models.project import Project
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
    """The ids of the issues with which a sender has to do (see `Facts`)."""

    taking_part: tuple[int, ...] = ()
    answered_in: tuple[int, ...] = ()
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
        for address in addresses_of(due, persons, snapshot)
    }
    found = await taking_part(connection, asked)
    answered = await _answered(connection, mails, candidates, persons, snapshot)
    result = {}
    for due in mails:
        issues = candidates[due.mail.mail_id]
        addresses = addresses_of(due, persons, snapshot)
        result[due.mail.mail_id] = Belonging(
            taking_part=_of_one(issues, addresses, found | answered),
            answered_in=_of_one(issues, addresses, answered),
            insider_in=tuple(
                issue.issue_id
                for issue in issues
                if _is_insider(issue, persons.get(author_of(due.mail, snapshot).address), snapshot)
            ),
        )
    return result


def _of_one(
    issues: Collection[IssueRef], addresses: Collection[str], found: Collection[tuple[int, str]]
) -> tuple[int, ...]:
    """Returns the ids of the issues that were found with one of the addresses."""
    ids = (issue.issue_id for issue in issues)
    return tuple(one for one in ids if any((one, address) in found for address in addresses))


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
        for address in addresses_of(due, persons, snapshot)
    }
    return await answered_by_recipient(connection, ids, answers)


def addresses_of(
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
        one.forwards != "as_sent" or one.field_commands for one in snapshot.enabled_handlers
    )
    person = persons.get(author_of(mail, snapshot).address) if asked else None
    if person is None:
        return ()
    return insider_in(person, list(snapshot.projects.values()))


def insider_in(person: PersonRow, projects: Sequence[Project]) -> tuple[str, ...]:
    """Returns the keys of those of the projects in which the person is an insider."""
    return tuple(one.key for one in projects if is_insider(role_of(one, person)))


def _is_insider(issue: IssueRef, person: PersonRow | None, snapshot: ConfigurationSnapshot) -> bool:
    project = snapshot.projects.get(issue.project)
    return project is not None and is_insider(role_of(project, person))
