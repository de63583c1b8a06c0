"""Checks that what comes back, and what people are told, reaches somebody."""

from __future__ import annotations

from postrail.configuration.load import load_snapshot
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection, one_connection
from postrail.doctor import Finding, fine, warning, wrong
from postrail.effects.forwarding.notice import people_told
from postrail.errors import PipelineError
from postrail.settings import Settings


async def check_routes(settings: Settings) -> list[Finding]:
    """Returns a finding for the bounces of each connection, and for projects that tell nobody."""
    try:
        async with one_connection(settings.database) as connection:
            snapshot = await load_snapshot(connection)
            silent = await _silent_projects(connection, snapshot)
    except PipelineError as error:
        return [wrong("bounces", error)]
    enabled = (one for one in snapshot.connections.values() if one.enabled)
    return [*(bounces_of(one, snapshot) for one in enabled), *silent]


def bounces_of(connection: OutgoingConnection, snapshot: ConfigurationSnapshot) -> Finding:
    """Tells whether bounces of a connection's messages come to an account, as far as we know.

    An alias, or the server's own rules, may lead them to an account of another address.
    """
    part = f"bounces {connection.name}"
    given, sender = connection.bounce_address.lower(), connection.from_address.lower()
    address = given or sender
    setting = f"outgoing connection {connection.name}: bounce_address"
    reader = _reader_of(address, snapshot)
    if not reader:
        local, _, domain = address.rpartition("@")
        route = f"{local}+…@{domain}" if given else address
        return warning(
            part,
            f"they go to {address}, which is the address of no enabled mail account",
            setting=setting,
            remedy=f"Have the server deliver {route} to a mailbox that an account reads, or set"
            " bounce_address to the address of one",
        )
    if not given:
        tied = "without bounce_address those that return nothing of the message fit no delivery"
        return fine(part, f"they go to {address}, which {reader}; {tied}")
    if _domain(given) != _domain(sender):
        return warning(
            part,
            f"they go to {given}, in another domain than {sender}: SPF does not count for DMARC",
            setting=setting,
            remedy=f"Use an address in {_domain(sender)}, or see that the server signs with its"
            " DKIM key",
        )
    return fine(part, f"they go to {given}, which {reader}")


def _reader_of(address: str, snapshot: ConfigurationSnapshot) -> str:
    """Returns what an address is known for, or ""."""
    accounts = (one for one in snapshot.accounts.values() if one.enabled)
    account = next((one for one in accounts if one.address.lower() == address), None)
    if account:
        return f"account {account.name} reads"
    project = snapshot.shared_addresses.get(address)
    return f"is project {project}'s in a shared mailbox" if project else ""


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


async def _silent_projects(
    connection: Connection, snapshot: ConfigurationSnapshot
) -> list[Finding]:
    """Returns a warning for each project with an account whose limits would tell nobody."""
    accounts = [one for one in snapshot.accounts.values() if one.enabled]
    silent = {
        one.project: one.name
        for one in accounts
        if not await people_told(connection, snapshot, one.project, one.name)
    }
    return [
        warning(
            f"project {project}",
            "nobody is told when a limit holds its messages",
            setting=f"project {project}: lead, leads, administrators",
            remedy=f"Name a person there, or give a mail handler of account {account} a"
            " forward_address",
        )
        for project, account in silent.items()
    ]
