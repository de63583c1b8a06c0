"""The kind of contexts, and the checks of what they name. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from postrail.configuration.configured import Configured
from postrail.configuration.contexts.context import MessageContext
from postrail.configuration.contexts.recipients import groups_of
from postrail.configuration.entry import Entry, Fault, Proposal, unknown_name
from postrail.configuration.handlers.project_words import query_fault
from postrail.configuration.kind import Kind
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.person import Person
from postrail.configuration.models.priority import Priority
from postrail.configuration.models.project import Project
from postrail.configuration.templates.message_template import MessageTemplate

# What the file changes may take away names that a scope has.
NAMING = (Project, Person, Priority)
Problem = tuple[str, str]


def what_contexts_name_exists(proposal: Proposal) -> Iterator[Fault]:
    """Refuses contexts that name what does not exist, and changes that take away what they name.

    The fault is the context's, if the file gives it, and otherwise that of the first thing in the
    file that scopes may name.
    """
    entries = proposal.entries_of(MessageContext)
    changed = [entry for entry in proposal.entries if isinstance(entry.thing, NAMING)]
    for name, context in proposal.all_of(MessageContext).items():
        if entry := entries.get(name):
            yield from (entry.fault(*problem) for problem in _problems(context, proposal))
        elif changed and (fault := _scope_fault(context, proposal)):
            # One that was at fault before has no part in what the file changes.
            before = Proposal(entries=(), existing=proposal.existing)
            if not _scope_fault(context, before):
                yield changed[0].fault("", f"context {name!r}, scope: {fault}")


def templates_keep_their_events(proposal: Proposal) -> Iterator[Fault]:
    """Refuses another event for a template that a context names, which would then do nothing."""
    in_file = proposal.entries_of(MessageContext)
    contexts = proposal.all_of(MessageContext).items()
    others = [context for name, context in contexts if name not in in_file]
    for entry in proposal.entries:
        if isinstance(template := entry.thing, MessageTemplate):
            for context in others:
                for event, names in context.templates.items():
                    if template.name in names and template.event != event:
                        yield entry.fault("event", f"context {context.name!r} has it for {event}")


def groups_have_members(proposal: Proposal) -> Iterator[Fault]:
    """Refuses recipients in groups that nobody is in."""
    persons = proposal.all_of(Person).values()
    known = {name.lower() for person in persons for name in person.groups}
    for entry in proposal.entries:
        if isinstance(entry.thing, Project | MessageContext):
            for event, name in groups_of(entry.thing.recipients):
                if name not in known:
                    listed = ", ".join(sorted(known)) or "none"
                    problem = f"{event}: nobody is in a group {name!r}; groups are: {listed}"
                    yield entry.fault("recipients", problem)


def _problems(context: MessageContext, proposal: Proposal) -> Iterator[Problem]:
    if fault := _scope_fault(context, proposal):
        yield "scope", fault
    connections = proposal.all_of(OutgoingConnection)
    if context.connection not in {"", *connections}:
        yield "connection", unknown_name("connection", context.connection, connections)
    elif context.enabled and context.connection and not connections[context.connection].enabled:
        yield (
            "connection",
            f"connection {context.connection!r} is disabled; enable it, or leave it out",
        )
    templates = proposal.all_of(MessageTemplate)
    for event, names in context.templates.items():
        for name in names:
            if name not in templates:
                yield "templates", f"{event}: {unknown_name('template', name, templates)}"
            elif templates[name].event != event:
                problem = f"template {name!r} is for the event {templates[name].event}"
                yield "templates", f"{event}: {problem}; name it there"


def _scope_fault(context: MessageContext, proposal: Proposal) -> str:
    if not context.scope:
        return ""
    priorities = proposal.all_of(Priority).values()
    return query_fault(
        context.scope,
        proposal.all_of(Project).values(),
        {one.level: one.name for one in priorities},
        proposal.all_of(Person).values(),
    )


def _notes(entry: Entry, before: Configured | None) -> list[str]:
    context = entry.thing
    assert isinstance(context, MessageContext)
    if not context.enabled or context.scope or context == before:
        return []
    return [
        f"has no scope, so it takes every issue, and contexts of a later order than {context.order}"
        " take none"
    ]


CONTEXT = Kind(
    model=MessageContext,
    word="context",
    section="contexts",
    title="How messages about some issues are sent, where that differs from their project's; the"
    " first context whose scope has the issue decides (docs/contexts.md).",
    table="message_context",
    columns={"order": "place"},
    json=frozenset({"templates", "recipients"}),
    checks=(what_contexts_name_exists, templates_keep_their_events, groups_have_members),
    notes=_notes,
)
