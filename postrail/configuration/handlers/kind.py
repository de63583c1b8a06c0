"""The kind of mail handlers, and checks of what they name: projects, their parts, persons. Pure.

What a handler sets has to exist in each project whose issues it makes: its own one, or else the
projects of the accounts that it serves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from postrail.configuration.approvals.named import faults_in_project, faults_of_setup
from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.configured import Configured, folded
from postrail.configuration.entry import Entry, Fault, Proposal, unknown_name
from postrail.configuration.handlers.addresses import messages_go_elsewhere
from postrail.configuration.handlers.project_words import query_fault
from postrail.configuration.handlers.unused import unused
from postrail.configuration.kind import Kind
from postrail.configuration.models.domain_patterns import open_ends
from postrail.configuration.models.jira_parameters import PARAMETERS
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.person import Person
from postrail.configuration.models.priority import Priority
from postrail.configuration.models.project import CustomField, Project

# The number of digits that a field of numbers takes.
NUMBER_DIGITS = 15
# The built-in fields that lines of a message may set, and those that follow from other things.
COMMANDED = ("status", "priority", "type", "assignee", "labels", "components", "due", "summary")
NOT_COMMANDED = ("description", "reporter", "resolution")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
# A field at fault, and what is wrong with it.
Problem = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Known:
    """Everything that a handler may name, as it will be once the file is applied."""

    accounts: Mapping[str, MailAccount]
    setups: Mapping[str, ApprovalSetup]
    projects: Mapping[str, Project]
    priorities: Mapping[int, str]
    # Active persons by each of their addresses.
    people: Mapping[str, Person]

    def projects_of(self, handler: MailHandler) -> list[Project]:
        """Returns the projects whose issues the handler makes."""
        if handler.routes_to:
            keys = [handler.routes_to]
        else:
            served = [one for one in self.accounts.values() if handler.serves(one.name)]
            keys = [one.project for one in served if one.purpose == "issues"]
        return [self.projects[key] for key in dict.fromkeys(keys) if key in self.projects]


def what_handlers_name_exists(proposal: Proposal) -> Iterator[Fault]:
    """Refuses handlers that name what does not exist, and changes that take away what they name.

    The fault is the handler's, if the file gives it, and otherwise that of the project, account or
    person which the file changes.
    """
    known = _known(proposal)
    entries = proposal.entries_of(MailHandler)
    for name, handler in proposal.all_of(MailHandler).items():
        entry = entries.get(name)
        blamed = entry or _changed(handler, proposal, known)
        if blamed is None:
            continue
        # Several projects may have the same problem.
        for field, problem in dict.fromkeys(_problems(handler, known)):
            if entry:
                yield entry.fault(field, problem)
            else:
                yield blamed.fault("", f"handler {name!r}, {field}: {problem}")


def _known(proposal: Proposal) -> Known:
    persons = proposal.all_of(Person).values()
    return Known(
        accounts=proposal.all_of(MailAccount),
        setups=proposal.all_of(ApprovalSetup),
        projects=proposal.all_of(Project),
        priorities={one.level: one.name for one in proposal.all_of(Priority).values()},
        people={address: one for one in persons if one.active for address in one.all_addresses},
    )


def _changed(handler: MailHandler, proposal: Proposal, known: Known) -> Entry | None:
    """Returns the entry of a project, account or person of the handler that the file changes."""
    projects, accounts = proposal.entries_of(Project), proposal.entries_of(MailAccount)
    keys = [one.key for one in known.projects_of(handler)]
    found = [projects[key] for key in keys if key in projects]
    found += [entry for name, entry in accounts.items() if handler.serves(name)]
    found += [
        entry
        for name, entry in proposal.entries_of(Person).items()
        if {handler.assignee, handler.reporter}.intersection(_addresses(name, proposal))
    ]
    return found[0] if found else None


def _addresses(name: str, proposal: Proposal) -> list[str]:
    """Returns the addresses that a person had before."""
    before = proposal.existing.get((Person, name))
    return before.all_addresses if isinstance(before, Person) else []


def _problems(handler: MailHandler, known: Known) -> Iterator[Problem]:
    """Yields each field that names what does not exist, once for each project that lacks it."""
    yield from _unknown_names(handler, known)
    for address in ("assignee", "reporter"):
        yield from ((address, one) for one in _person(getattr(handler, address), known))
    for text in handler.issue_queries:
        fault = query_fault(text, known.projects.values(), known.priorities, known.people.values())
        if fault:
            yield "when", f"issue matches: {fault}"
    yield from _commands(handler, known)
    for action in handler.then:
        if action.approval:
            yield from (("then", one) for one in faults_of_setup(action.approval, known.setups))
    yield from (("priority", one) for one in _priority(handler.priority, known))
    for project in known.projects_of(handler):
        yield from _values(handler, project, known)


def _unknown_names(handler: MailHandler, known: Known) -> Iterator[Problem]:
    for name in handler.tested_accounts:
        if name not in {one.casefold() for one in known.accounts}:
            yield "when", unknown_name("account", name, known.accounts)
    for name in handler.accounts:
        if name not in known.accounts:
            yield "accounts", unknown_name("account", name, known.accounts)
        elif known.accounts[name].purpose == "approvals":
            yield "accounts", f"{name!r} is for approvals, which no handler takes; leave it out"
    routed = [("then", one.project) for one in handler.then if one.project]
    for field, key in [("project", handler.project), *routed]:
        if key and key not in known.projects:
            yield field, unknown_name("project", key, known.projects)


def _commands(handler: MailHandler, known: Known) -> Iterator[Problem]:
    """Yields the names in field_commands that no line of a message may set, in any project."""
    own = {folded(one.name): one.name for each in known.projects.values() for one in each.fields}
    names = {**{name: name for name in COMMANDED}, **own}
    for name in handler.field_commands:
        if folded(name) in NOT_COMMANDED:
            yield "field_commands", f"{name}: no line of a message may set it; leave it out"
        elif folded(name) not in names:
            listed = ", ".join(names.values())
            yield "field_commands", f"there is no field {name!r}; use some of: {listed}"


def _values(handler: MailHandler, project: Project, known: Known) -> Iterator[Problem]:
    """Yields what is wrong with the values that the handler gives to issues of the project."""
    yield from (("issue_type", one) for one in _type(handler.issue_type, project))
    yield from (("components", one) for one in _components(handler.components, project))
    for name, given in handler.fields.items():
        value = given if isinstance(given, str) else None
        yield from (("fields", one) for one in _custom(name, value, project, known))
    for action in handler.then:
        if action.approval:
            yield from (("then", one) for one in faults_in_project(action.approval, project))
        for name, wanted in (action.set or {}).items():
            texts = wanted if isinstance(wanted, list) else [str(wanted)]
            yield from (("then", one) for one in _set(name, texts, project, known))


def _set(name: str, texts: Sequence[str], project: Project, known: Known) -> Iterable[str]:
    """Returns what is wrong with the value that the action `set` gives to a field."""
    match folded(name):
        case "type":
            return _type(texts[0], project)
        case "priority":
            return _priority(texts[0], known)
        case "components":
            return _components(texts, project)
        case "labels":
            return ()
        case "assignee":
            return _person(texts[0].lower(), known)
    return _custom(name, ", ".join(texts), project, known)


def _person(address: str, known: Known) -> Iterator[str]:
    if address and address not in known.people:
        yield f"there is no active person {address!r}; add one under people, or name another"


def _type(wanted: str, project: Project) -> Iterator[str]:
    names = [one.name for one in project.issue_types]
    numbers = {str(one.number) for one in project.issue_types}
    if wanted and wanted not in numbers and folded(wanted) not in map(folded, names):
        yield _unknown("issue type", wanted, project, names)


def _priority(wanted: str, known: Known) -> Iterator[str]:
    names = known.priorities.values()
    levels = map(str, known.priorities)
    if wanted and wanted not in levels and folded(wanted) not in map(folded, names):
        listed = ", ".join(f"{level} ({name})" for level, name in sorted(known.priorities.items()))
        yield f"there is no priority {wanted!r}; use one of: {listed}"


def _components(wanted: Sequence[str], project: Project) -> Iterator[str]:
    for name in wanted:
        if folded(name) not in map(folded, project.components):
            yield _unknown("component", name, project, project.components)


def _custom(name: str, value: str | None, project: Project, known: Known) -> Iterator[str]:
    """Yields what is wrong with a custom field; None: its value is taken from the message."""
    own = next((one for one in project.fields if folded(one.name) == folded(name)), None)
    if own is None:
        yield _unknown("custom field", name, project, [one.name for one in project.fields])
    elif value is not None and (takes := _takes(own, value, known)):
        yield f"{own.name} of project {project.key} takes {takes}, not {value!r}"


def _takes(own: CustomField, value: str, known: Known) -> str:
    """Returns what a field takes if the value does not fit, or ""."""
    choices = ", ".join(own.choices)
    match own.kind:
        case "number" if not _is_number(value):
            return f"a number of at most {NUMBER_DIGITS} digits, such as 12.5"
        case "date" if not _is_date(value):
            return "a date such as 2027-01-31"
        case "choice" if not _among(value, own.choices):
            return f"one of: {choices}"
        case "choices" if not all(_among(one, own.choices) for one in value.split(",")):
            return f"some of: {choices}"
        case "person" if value.lower() not in known.people:
            return "the address of an active person"
    return ""


def _is_number(value: str) -> bool:
    return bool(NUMBER.fullmatch(value)) and len(Decimal(value).as_tuple().digits) <= NUMBER_DIGITS


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _among(value: str, names: Iterable[str]) -> bool:
    return folded(value) in map(folded, names)


def _unknown(word: str, name: str, project: Project, names: Iterable[str]) -> str:
    listed = ", ".join(names) or "none"
    return (
        f"project {project.key} has no {word} {name!r}; it has: {listed}. Use one of these, add it"
        " to the project, or name another project"
    )


def _notes(entry: Entry, before: Configured | None) -> list[str]:
    assert isinstance(entry.thing, MailHandler)
    return [*open_ends("allowed_senders", entry.thing.allowed_senders), *unused(entry)]


MAIL_HANDLER = Kind(
    model=MailHandler,
    word="handler",
    long_word="mail handler",
    section="handlers",
    title="What the messages of the mailboxes become; handlers are asked in their order.",
    table="mail_handler",
    columns={"project": "project_key", "order": "place"},
    json=frozenset({"when", "then", "fields", "attachments", "sample_addresses"}),
    set_by={field: ("jira_parameters", name) for name, (field, _) in PARAMETERS.items()},
    checks=(what_handlers_name_exists, messages_go_elsewhere),
    notes=_notes,
)
