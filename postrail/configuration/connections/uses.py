"""Finds what uses an outgoing connection: it is neither disabled nor deleted then. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.contexts.context import MessageContext
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.project import Project

# What may name a connection, beside projects and other connections.
User = MessageContext | ApprovalSetup | MailAccount


def uses_of(
    name: str,
    connections: Mapping[str, OutgoingConnection],
    projects: Mapping[str, Project],
    others: Iterable[User],
) -> list[str]:
    """Returns what uses the connection, in words; messages that wait for it do not count."""
    found = [f"project {key}" for key, project in projects.items() if project.connection == name]
    found += [_in_words(one) for one in others if _connection_of(one) == name]
    found += [
        f"connection {other.name}, whose fallback it is"
        for other in connections.values()
        if other.fallback == name
    ]
    connection = connections[name]
    if connection.is_default and (len(connections) > 1 or projects):
        found.append("everything that names no connection, as the default one")
    return found


def _connection_of(thing: User) -> str:
    """Returns the name of the connection that the thing names."""
    return thing.login_of if isinstance(thing, MailAccount) else thing.connection


def _in_words(thing: User) -> str:
    if isinstance(thing, MailAccount):
        return f"account {thing.name}, which logs in as it does"
    word = "context" if isinstance(thing, MessageContext) else "approval setup"
    return f"{word} {thing.name}"


def in_use(name: str, uses: Sequence[str]) -> str:
    """Returns the problem of a connection that is to go."""
    return f"connection {name!r} is used by {', '.join(uses)}"


def remedy_for(name: str, connections: Mapping[str, OutgoingConnection]) -> str:
    """Returns how to take a connection out of use."""
    others = sorted(one.name for one in connections.values() if one.enabled and one.name != name)
    if connections[name].is_default and others:
        return (
            f"Make another one the default (postrail connections default {others[0]}), and change"
            " what names it with postrail apply"
        )
    return "Change what names it with postrail apply"
