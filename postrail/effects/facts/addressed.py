"""Gathers the facts about the people of a message: its sender, and those in To, Cc and Bcc."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from postrail.configuration.models.project import Project
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.facts import Facts, IssueRef, PersonFact
from postrail.decision.question import Question
from postrail.effects.facts.belonging import insider_in
from postrail.people import PersonRow
from postrail.records import MailParsed


def addressed_people(
    mail: MailParsed,
    candidates: Collection[IssueRef],
    persons: Mapping[str, PersonRow],
    snapshot: ConfigurationSnapshot,
) -> tuple[PersonFact, ...]:
    """Returns the active persons in To, Cc and Bcc, in this order, without ourselves.

    `candidates` are the issues that the message may belong to.
    """
    projects = _asked_projects(mail, candidates, snapshot)
    others = (one for one in recipients_of(mail) if not snapshot.is_own(one))
    found = (person_fact(persons.get(one), projects) for one in others)
    return tuple(dict.fromkeys(person for person in found if person))


def person_fact(person: PersonRow | None, projects: Sequence[Project] = ()) -> PersonFact | None:
    """Returns the fact about an active person, with the role in these projects."""
    if person is None or not person.active:
        return None
    return PersonFact(
        address=person.address,
        name=person.name,
        made_by_mail=person.origin == "mail",
        agent_of=insider_in(person, projects),
    )


def recipients_of(mail: MailParsed) -> list[str]:
    """Returns the addresses of To, Cc and Bcc in lower case."""
    return [one.address.lower() for one in mail.recipients]


def _asked_projects(
    mail: MailParsed, candidates: Collection[IssueRef], snapshot: ConfigurationSnapshot
) -> list[Project]:
    """Returns the projects whose people a mail handler looks for in To, Cc and Bcc.

    They are those of the issues that the message may become or belong to.
    """
    handlers = snapshot.enabled_handlers_of(mail.mailbox)
    asking = [one for one in handlers if one.cc_assignee or one.cc_watchers]
    if not asking or mail.mailbox not in snapshot.accounts:
        return []
    keys = {Question(mail=mail, snapshot=snapshot, facts=Facts()).project}
    keys |= {one.routes_to for one in asking} | {issue.project for issue in candidates}
    return [snapshot.projects[key] for key in sorted(keys) if key in snapshot.projects]
