"""The kind of outgoing connections, and the checks that need other things too. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.configured import Configured
from postrail.configuration.connections.defaults import (
    DEFAULT_TIMEOUT_MS,
    default_host,
    is_this_machine,
)
from postrail.configuration.connections.dkim_key import dkim_key_faults
from postrail.configuration.connections.microsoft_clouds import cloud_for
from postrail.configuration.connections.uses import User, in_use, remedy_for, uses_of
from postrail.configuration.contexts.context import MessageContext
from postrail.configuration.entry import Entry, Fault, Proposal, unknown_name
from postrail.configuration.javamail.smtp_properties import read_smtp_properties
from postrail.configuration.kind import Kind
from postrail.configuration.models.credential import OAuthCredential, misfits
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.project import Project

# The fields that decide which server is the right one.
SERVER = ("mode", "host", "credential")


def _filled_in(proposal: Proposal) -> Sequence[Entry]:
    """Fills in the default connection, and the servers that credentials imply."""
    credentials = proposal.all_of(OAuthCredential)
    existing = proposal.all_stored(OutgoingConnection)
    entries = [
        _with_host(entry, credentials, existing.get(entry.identity)) for entry in proposal.entries
    ]
    return _only_one_is_default(replace(proposal, entries=entries))


def _with_host(
    entry: Entry, credentials: Mapping[str, OAuthCredential], before: OutgoingConnection | None
) -> Entry:
    """Returns the entry with the server of its credential's provider, unless it has one."""
    connection = entry.thing
    if not isinstance(connection, OutgoingConnection):
        return entry
    credential = credentials.get(connection.credential)
    if credential is None or "host" in entry.given or connection.microsoft_host:
        return entry
    if before and all(getattr(before, name) == getattr(connection, name) for name in SERVER):
        return entry
    cloud = cloud_for("", credential.authority).name
    host = default_host(connection.mode, cloud, credential.provider)
    return replace(entry, thing=connection.model_copy(update={"host": host}))


def _credential_fits(proposal: Proposal) -> Iterable[Fault]:
    credentials = proposal.all_of(OAuthCredential)
    for entry in proposal.entries_of(OutgoingConnection).values():
        connection = entry.thing
        assert isinstance(connection, OutgoingConnection)
        if not connection.credential:
            continue
        credential = credentials.get(connection.credential)
        if credential and not connection.host:
            problem = f"is missing: credential {credential.name!r} does not imply a server"
            yield entry.fault("host", problem)
            continue
        if credential and connection.microsoft_host and credential.provider != "microsoft":
            problem = f"is for Microsoft, and credential {credential.name!r} is not; give a host"
            yield entry.fault("microsoft_host", problem)
        if credential and connection.shared_mailbox and credential.provider != "microsoft":
            problem = f"is for Microsoft, and credential {credential.name!r} is not; give username"
            yield entry.fault("shared_mailbox", problem)
        provider = "microsoft" if connection.mode == "graph" else ""
        wanted = (provider, "mode graph needs", "mode")
        yield from misfits(entry, connection, credentials, wanted)


def _only_one_is_default(proposal: Proposal) -> Sequence[Entry]:
    """Makes the only enabled connection the default, unless the file says otherwise."""
    connections = proposal.all_of(OutgoingConnection).values()
    if sum(connection.enabled or connection.is_default for connection in connections) != 1:
        return proposal.entries
    return [
        replace(entry, thing=entry.thing.model_copy(update={"is_default": True}))
        if isinstance(entry.thing, OutgoingConnection)
        and entry.thing.enabled
        and "is_default" not in entry.given
        else entry
        for entry in proposal.entries
    ]


def _fallbacks_end(proposal: Proposal) -> Iterable[Fault]:
    """Refuses a fallback that does not exist, and fallbacks that lead back to where they began."""
    connections = proposal.all_of(OutgoingConnection)
    for name, entry in proposal.entries_of(OutgoingConnection).items():
        fallback = connections[name].fallback
        if fallback and fallback not in connections:
            yield entry.fault("fallback", unknown_name("connection", fallback, connections))
        elif circle := _circle(name, connections):
            yield entry.fault(
                "fallback",
                f"leads back to this connection ({' → '.join(circle)}); leave one of them out",
            )


def _what_is_used_stays_enabled(proposal: Proposal) -> Iterable[Fault]:
    """Refuses to disable a connection that something uses."""
    connections, by_key = proposal.all_of(OutgoingConnection), proposal.all_of(Project)
    others: tuple[User, ...] = (
        *proposal.all_of(MessageContext).values(),
        *proposal.all_of(ApprovalSetup).values(),
        *proposal.all_of(MailAccount).values(),
    )
    for name, entry in proposal.entries_of(OutgoingConnection).items():
        before = proposal.existing.get((OutgoingConnection, name))
        was_enabled = isinstance(before, OutgoingConnection) and before.enabled
        uses = uses_of(name, connections, by_key, others)
        if uses and was_enabled and not connections[name].enabled:
            remedy = remedy_for(name, connections)
            yield entry.fault("enabled", f"{in_use(name, uses)}. {remedy}")


def _the_default_is_enabled(proposal: Proposal) -> Iterable[Fault]:
    """Refuses to make a disabled connection the default."""
    for name, entry in proposal.entries_of(OutgoingConnection).items():
        before = proposal.existing.get((OutgoingConnection, name))
        was_default = isinstance(before, OutgoingConnection) and before.is_default
        one = proposal.all_of(OutgoingConnection)[name]
        if one.is_default and not one.enabled and not was_default:
            problem = "is true, and enabled is false; set it to true on an enabled connection"
            yield entry.fault("is_default", problem)


def _circle(name: str, connections: Mapping[str, OutgoingConnection]) -> list[str]:
    """Returns the names from a connection over its fallbacks back to itself; [] if they end."""
    path = [name]
    while (following := connections[path[-1]].fallback) in connections:
        if following == name:
            return [*path, name]
        if following in path:
            return []
        path.append(following)
    return []


def _notes(entry: Entry, before: Configured | None) -> list[str]:
    connection = entry.thing
    assert isinstance(connection, OutgoingConnection)
    given = {name: getattr(connection, name) for name in entry.given}
    found = read_smtp_properties(connection.properties, given).notes
    if connection.debug:
        found.append("debug is true: the server's dialogue is logged, without secrets and texts")
    domain = connection.from_address.rpartition("@")[2].lower()
    if connection.dkim_domain and not f".{domain}".endswith(f".{connection.dkim_domain}"):
        found.append(
            f"dkim_domain {connection.dkim_domain} is not that of {connection.from_address}, so"
            " DMARC does not count its signature"
        )
    return found


def _of_earlier_release(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns recorded values as this release has them."""
    if "timeout_seconds" not in values:
        return values
    fewer = {name: value for name, value in values.items() if name != "timeout_seconds"}
    # Without encryption, that release sent the password as it was told.
    plain = bool(
        values.get("username")
        and values.get("encryption") == "none"
        and not is_this_machine(str(values.get("host", "")))
    )
    timeout = milliseconds(values["timeout_seconds"])
    return {"timeout_ms": timeout, "allow_plain_login": plain, **fewer}


def milliseconds(seconds: Any) -> Any:
    """Returns a timeout of an earlier release in milliseconds, within the bounds of this one."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds <= 0:
        return seconds
    return max(1, min(DEFAULT_TIMEOUT_MS, round(seconds * 1000)))


OUTGOING_CONNECTION = Kind(
    model=OutgoingConnection,
    word="connection",
    long_word="outgoing connection",
    section="connections",
    title="The mail servers that send our messages.",
    table="outgoing_connection",
    former_fields={"timeout_seconds": "timeout_ms"},
    former_values={"timeout_seconds": milliseconds},
    of_earlier_release=_of_earlier_release,
    secrets=("password", "dkim_key"),
    guarded=(
        "mode",
        "host",
        "port",
        "encryption",
        "allow_plain_login",
        "min_tls_version",
        "username",
        "ca_file",
        "verify_certificate",
    ),
    kept_here=frozenset({"dkim_key"}),
    unused="is not used without a username: give one, or leave the password out",
    unused_secrets={"dkim_key": "is not used without dkim_domain and dkim_selector: give both"},
    secret_checks={"dkim_key": dkim_key_faults},
    checks=(
        _credential_fits,
        _fallbacks_end,
        _what_is_used_stays_enabled,
        _the_default_is_enabled,
    ),
    fill_in=_filled_in,
    notes=_notes,
)
