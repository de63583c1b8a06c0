"""Checks the projects of a file: their lists, the people that they name, their addresses. Pure.

A row that breaks one of these rules stops no service, so they are no part of the model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from postrail.configuration.configured import folded
from postrail.configuration.entry import Fault, Proposal, unknown_name
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.person import Person
from postrail.configuration.models.project import (
    GROUP,
    ROLE_FIELDS,
    CustomField,
    Project,
    Status,
)
from postrail.query import fields as query

# Names that a custom field may not have: those of other fields, and the words of queries.
OTHER_NAMES = "comment, attachment, link, and, or, not, in, is, empty, null, order, by, asc, desc"
RESERVED_NAMES = query.RESERVED_NAMES | frozenset(OTHER_NAMES.split(", "))
NAME_CHARACTERS = 100
FIELD_NAME = re.compile(r"[^\W\d_][\w .-]*")


def _connection_exists(proposal: Proposal) -> Iterable[Fault]:
    connections, projects = proposal.all_of(OutgoingConnection), proposal.all_of(Project)
    for key, entry in proposal.entries_of(Project).items():
        if (name := projects[key].connection) not in {"", *connections}:
            yield entry.fault("connection", unknown_name("connection", name, connections))


def _one_connection_is_default(proposal: Proposal) -> Iterable[Fault]:
    """Refuses all but exactly one default connection, once a connection or a project is given."""
    given = list(proposal.entries_of(OutgoingConnection).values())
    needing = given or list(proposal.entries_of(Project).values())
    connections = proposal.all_of(OutgoingConnection)
    defaults = [name for name, connection in connections.items() if connection.is_default]
    if not needing or len(defaults) == 1:
        return
    if defaults:
        last = [entry for entry in given if entry.identity in defaults][-1:] or needing
        others = ", ".join(repr(name) for name in defaults if name != last[0].identity)
        problem = f"is true for {others} too; set is_default: false there"
        yield last[0].fault("is_default", problem)
    elif connections:
        yield needing[0].fault("is_default", "no connection is the default; set it to true on one")
    else:
        problem = "there is no outgoing connection: add one under connections"
        yield needing[0].fault("connection", problem)


def _lists_are_sound(proposal: Proposal) -> Iterator[Fault]:
    """Refuses lists of types, statuses, components and fields that contradict themselves."""
    for entry in proposal.entries_of(Project).values():
        assert isinstance(entry.thing, Project)
        for field, check in _LIST_CHECKS:
            for problem in check(entry.thing):
                yield entry.fault(field, problem)


def _names_are_short(proposal: Proposal) -> Iterator[Fault]:
    """Refuses new names that are too long; the project may have longer ones of earlier releases."""
    for key, entry in proposal.entries_of(Project).items():
        existing = proposal.existing.get((Project, key))
        assert isinstance(entry.thing, Project)
        known = set(_all_names(existing)) if isinstance(existing, Project) else set()
        for field, name in _all_names(entry.thing):
            if len(name) > NAME_CHARACTERS and (field, name) not in known:
                problem = f"{name[:20] + '…'!r} is longer than {NAME_CHARACTERS} characters"
                yield entry.fault(field, f"{problem}; shorten it")


def _all_names(project: Project) -> Iterator[tuple[str, str]]:
    """Yields the names of types, statuses, components, fields and choices, each with its list."""
    yield from (("issue_types", one.name) for one in project.issue_types)
    yield from (("statuses", one.name) for one in project.statuses)
    yield from (("components", name) for name in project.components)
    for one in project.fields:
        yield from (("fields", name) for name in (one.name, *one.choices))


def _types(project: Project) -> Iterator[str]:
    yield from _names(one.name for one in project.issue_types)
    numbers = [one.number for one in project.issue_types if one.number is not None]
    for number in _repeated(numbers):
        yield f"two types have the number {number}"


def _statuses(project: Project) -> Iterator[str]:
    names = [one.name for one in project.statuses]
    yield from _names(names)
    if project.statuses[0].category == "done":
        yield f"new issues have the first status, and {names[0]!r} is done; put another one first"
    if all(one.category != "done" for one in project.statuses):
        yield "no status has the category done; add one"
    known = {folded(name) for name in names}
    for status in project.statuses:
        for name in status.next_statuses or ():
            if folded(name) not in known:
                yield f"{status.name!r} is followed by {name!r}, which is not a status"
    yield from _approvals(project.statuses)


def _approvals(statuses: Iterable[Status]) -> Iterator[str]:
    """Yields the statuses whose settings of approvals contradict each other."""
    for status in statuses:
        people = [one for one in status.approvers if not one.startswith(GROUP)]
        if status.approval_setup and not status.needs_approval:
            yield f"{status.name!r} has an approval_setup; set needs_approval: true, too"
        if (status.approvers or status.approval_rule != "any") and not status.approval_setup:
            yield f"{status.name!r} has approvers or an approval_rule; give its approval_setup, too"
        for member in _repeated(status.approvers):
            yield f"the approvers of {status.name!r}: {member} is given twice"
        needed = int(status.approval_rule) if status.approval_rule.isdigit() else 1
        # Nobody knows yet how many a group has.
        if len(people) == len(status.approvers) and 0 < len(people) < needed:
            yield f"{status.name!r} needs {needed} approvals, and has {len(people)} approvers"


def _components(project: Project) -> Iterator[str]:
    yield from _names(project.components)


def _fields(project: Project) -> Iterator[str]:
    yield from _names(one.name for one in project.fields)
    for one in project.fields:
        if folded(one.name) in RESERVED_NAMES:
            yield f"{one.name!r} is the name of a built-in field or a word of queries"
        elif not FIELD_NAME.fullmatch(one.name):
            yield f"{one.name!r} must begin with a letter, and have letters, digits, ' _.-' only"
        yield from _choices(one)


def _choices(field: CustomField) -> Iterator[str]:
    takes_choices = field.kind in {"choice", "choices"}
    if takes_choices and not field.choices:
        yield f"{field.name!r} needs choices"
    if field.choices and not takes_choices:
        yield f"{field.name!r} is a {field.kind}, which has no choices"
    # Commands take the values of a list with commas between them.
    for name in field.choices:
        if "," in name:
            yield f"the choices of {field.name!r}: {name!r} has a comma; write it without"
    for problem in _names(field.choices):
        yield f"the choices of {field.name!r}: {problem}"


_LIST_CHECKS: tuple[tuple[str, Callable[[Project], Iterable[str]]], ...] = (
    ("issue_types", _types),
    ("statuses", _statuses),
    ("components", _components),
    ("fields", _fields),
)


def _names(given: Iterable[str]) -> Iterator[str]:
    for name in _repeated([folded(name) for name in given]):
        yield f"{name!r} is given twice; upper and lower case, and blanks, make no difference"


def _repeated(values: Sequence[str | int]) -> list[str | int]:
    return [value for value in dict.fromkeys(values) if values.count(value) > 1]


def _people_exist(proposal: Proposal) -> Iterator[Fault]:
    """Refuses a project that names a person who is not known or not active.

    The fault is the project's, if the file gives it, and otherwise the person's, if the file makes
    the person inactive or takes the address away.
    """
    persons = {
        address: one for one in proposal.all_of(Person).values() for address in one.all_addresses
    }
    projects, given = proposal.entries_of(Project), proposal.entries_of(Person)
    holders = {
        address: given[name]
        for (_, name), one in proposal.existing.items()
        if isinstance(one, Person) and name in given
        for address in one.all_addresses
    }
    for key, project in proposal.all_of(Project).items():
        for field, address in _people_of(project):
            person = persons.get(address)
            if person is not None and person.active:
                continue
            if entry := projects.get(key):
                yield entry.fault(field, _no_person(address, person))
            elif holder := holders.get(address):
                changed = "active" if person else "addresses"
                yield holder.fault(changed, f"{address} is in {field} of project {key}")


def _no_person(address: str, person: Person | None) -> str:
    if person is None:
        return f"there is no person {address!r} in the file or the database; add one under people"
    return f"{address} is not active; name another person"


def _people_of(project: Project) -> Iterator[tuple[str, str]]:
    """Yields the field and the address of each person that the project names."""
    if project.lead:
        yield "lead", project.lead
    if project.default_assignee not in {"", "lead"}:
        yield "default_assignee", project.default_assignee
    lists = [(field, getattr(project, field)) for field in ROLE_FIELDS]
    lists += [("statuses", status.approvers) for status in project.statuses]
    for field, members in lists:
        yield from ((field, member) for member in members if not member.startswith(GROUP))


def _roles_are_sound(proposal: Proposal) -> Iterator[Fault]:
    """Refuses groups without a name, members that are given twice, and a lead that is missing."""
    for entry in proposal.entries_of(Project).values():
        project = entry.thing
        assert isinstance(project, Project)
        if project.default_assignee == "lead" and not project.lead:
            yield entry.fault("default_assignee", "is lead, and the project has no lead")
        for field in ROLE_FIELDS:
            members = getattr(project, field)
            for member in _repeated(members):
                yield entry.fault(field, f"{member} is given twice")
            if GROUP in members:
                yield entry.fault(field, "group: needs a name, such as group:support")


def _addresses_are_free(proposal: Proposal) -> Iterator[Fault]:
    """Refuses an address of another project, or of an account of another project."""
    projects = proposal.all_of(Project)
    for key, entry in proposal.entries_of(Project).items():
        address = projects[key].address
        if not address:
            continue
        for other, project in projects.items():
            if other != key and project.address == address:
                yield entry.fault("address", f"is the address of project {other} already")
        for name, account in proposal.all_of(MailAccount).items():
            if account.address.lower() == address and account.project != key:
                problem = f"is watched by account {name}, which is for project {account.project}"
                yield entry.fault("address", problem)


PROJECT_CHECKS = (
    _connection_exists,
    _one_connection_is_default,
    _lists_are_sound,
    _names_are_short,
    _roles_are_sound,
    _people_exist,
    _addresses_are_free,
)
