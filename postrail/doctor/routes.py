"""Checks that what comes back, and what people are told, reaches somebody."""

from __future__ import annotations

from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.load import load_snapshot
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection, one_connection
from postrail.doctor import Finding, fine, warning, wrong
from postrail.effects.forwarding.notice import people_told
from postrail.errors import PipelineError
from postrail.settings import Settings


async def check_routes(settings: Settings) -> list[Finding]:
    """Returns findings for bounces, for answers to approvals, and for projects that tell nobody."""
    try:
        async with one_connection(settings.database) as connection:
            snapshot = await load_snapshot(connection)
            silent = await _silent_projects(connection, snapshot)
    except PipelineError as error:
        return [wrong("bounces", error)]
    enabled = (one for one in snapshot.connections.values() if one.enabled)
    bounces = [bounces_of(one, snapshot) for one in enabled]
    return [*bounces, *approvals_of(snapshot), *silent]


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


def approvals_of(snapshot: ConfigurationSnapshot) -> list[Finding]:
    """Returns a finding for each enabled approval setup, and for accounts that have none."""
    setups = [one for one in snapshot.approval_setups.values() if one.enabled]
    unused = [
        warning(
            f"account {one.name}",
            "it is for approvals, and no enabled approval setup names it: all its messages are"
            " ignored",
            setting=f"account {one.name}: purpose",
            remedy=f"Add a setup with account: {one.name} under approvals, or disable the account",
        )
        for one in snapshot.accounts.values()
        if one.enabled and one.purpose == "approvals" and not snapshot.approval_setup_of(one.name)
    ]
    return [*(_answers_of(one, snapshot) for one in setups), *unused]


def _answers_of(setup: ApprovalSetup, snapshot: ConfigurationSnapshot) -> Finding:
    part = f"approvals {setup.name}"
    account = snapshot.accounts.get(setup.account)
    if account and not account.enabled:
        return warning(
            part,
            f"nobody reads the answers: account {account.name} is disabled",
            setting=f"account {account.name}: enabled",
            remedy=f"postrail accounts enable {account.name}, or disable the setup",
        )
    if account and not account.authserv_ids:
        return warning(
            part,
            "senders are not verified: a message with an approver's address and token decides",
            setting=f"account {account.name}: authserv_ids",
            remedy="Name your own mail server as its Authentication-Results fields do; see"
            " docs/approvals.md",
        )
    return fine(
        part,
        f"answers go to {snapshot.reply_address_of(setup)}, which account {setup.account} reads",
    )


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
