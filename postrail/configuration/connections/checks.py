"""Checks which fields of an outgoing connection contradict each other or are missing. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from postrail.configuration.connections.defaults import PLAIN, default_host
from postrail.configuration.connections.microsoft_clouds import CLOUDS, cloud_named

if TYPE_CHECKING:
    from postrail.configuration.models.outgoing_connection import OutgoingConnection

# RFC 5321, 4.5.3.1.1: 64 characters before the @, without the extension of 40.
BOUNCE_LOCAL_CHARACTERS = 24
# Microsoft Graph serves at most four requests for a mailbox at once.
GRAPH_CHANNELS = 4
# A field at fault, and what is wrong with it.
Problem = tuple[str, str]

# Fields that a mode has no use for, each with the reason and the remedy.
UNUSED: dict[str, dict[str, str]] = {
    "smtp": {
        "credential": "is used in the modes oauth2 and graph; set the mode, or leave it out",
        "microsoft_host": "is used in the modes oauth2 and graph; give the server as host",
        "shared_mailbox": "is used in the modes oauth2 and graph; give the mailbox as from_address"
        " and the login as username",
    },
    "oauth2": {
        "password": "is not used with tokens; leave it out",
        "allow_plain_login": "has no effect: tokens are never sent unencrypted",
    },
    "graph": {
        "password": "is not used with tokens; leave it out",
        "allow_plain_login": "has no effect: tokens are never sent unencrypted",
        "bounce_address": "is not used: Microsoft Graph chooses the return path; leave it out, or"
        " set mode to oauth2",
        "ehlo_name": "is for SMTP; leave it out in mode graph",
        "properties": "are for SMTP; leave them out in mode graph",
        "dkim_domain": "is not used: Microsoft signs what it sends; leave it out, or set mode to"
        " oauth2",
        "dkim_selector": "is not used: Microsoft signs what it sends; leave it out, or set mode"
        " to oauth2",
    },
}


def connection_faults(connection: OutgoingConnection) -> Iterator[Problem]:
    """Yields each field that contradicts another or is missing, with what to do about it."""
    for field, problem in UNUSED[connection.mode].items():
        if getattr(connection, field):
            yield field, problem
    if not connection.host:
        yield "host", "is missing"
    if connection.mode == "smtp":
        yield from _password_faults(connection)
    else:
        yield from _token_faults(connection)
    if connection.mode == "graph":
        yield from _graph_faults(connection)
    yield from _bounce_faults(connection)
    yield from _dkim_faults(connection)


def _password_faults(connection: OutgoingConnection) -> Iterator[Problem]:
    if connection.encryption != "none" or not connection.username:
        return
    if not connection.may_send_password_unencrypted:
        yield (
            "encryption",
            "none would send the password unencrypted; set it to ssl or starttls, or set"
            " allow_plain_login: true",
        )


def _token_faults(connection: OutgoingConnection) -> Iterator[Problem]:
    if not connection.credential:
        yield (
            "credential",
            f"is missing: mode {connection.mode} needs tokens; name one of the credentials",
        )
    if connection.encryption in PLAIN and not connection.is_on_this_machine:
        yield "encryption", "must be ssl or starttls: tokens are never sent unencrypted"
    if not connection.verify_certificate and not connection.is_on_this_machine:
        yield (
            "verify_certificate",
            "must be true: tokens are sent to verified servers only; name the authority that signed"
            " its certificate in ca_file",
        )
    yield from _microsoft_host_faults(connection)


def _microsoft_host_faults(connection: OutgoingConnection) -> Iterator[Problem]:
    given = connection.microsoft_host
    if not given:
        return
    if cloud_named(given) is None and "." not in given:
        names = ", ".join(cloud.name for cloud in CLOUDS)
        yield "microsoft_host", f"must be one of {names}, or the name of a server"
    elif connection.host.lower() != default_host(connection.mode, given):
        yield "microsoft_host", "is given beside another host; leave one of them out"


def _graph_faults(connection: OutgoingConnection) -> Iterator[Problem]:
    if connection.encryption != "ssl":
        yield "encryption", "must be ssl, or left out: Microsoft Graph is HTTPS"
    if connection.channels is not None and connection.channels > GRAPH_CHANNELS:
        yield (
            "channels",
            f"must be at most {GRAPH_CHANNELS}: Microsoft Graph serves no more for a mailbox",
        )


def _bounce_faults(connection: OutgoingConnection) -> Iterator[Problem]:
    local = connection.bounce_address.rpartition("@")[0]
    if len(local) > BOUNCE_LOCAL_CHARACTERS:
        yield (
            "bounce_address",
            f"has {len(local)} characters before the @, and room for {BOUNCE_LOCAL_CHARACTERS}"
            " beside the extension: choose a shorter address, such as bounces@desk.example",
        )


def _dkim_faults(connection: OutgoingConnection) -> Iterator[Problem]:
    if connection.dkim_domain and not connection.dkim_selector:
        yield (
            "dkim_selector",
            f"is missing: SELECTOR of the record SELECTOR._domainkey.{connection.dkim_domain}",
        )
    if connection.dkim_selector and not connection.dkim_domain:
        yield "dkim_domain", "is missing: the domain that the signature stands for"
