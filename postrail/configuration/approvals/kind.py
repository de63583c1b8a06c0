"""The kind of approval setups, and the checks that need other things too. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.configured import Configured
from postrail.configuration.entry import Entry, Fault, Proposal, unknown_name
from postrail.configuration.kind import Kind
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.project import Project

Problem = tuple[str, str]
NO_ANSWER_COUNTS = (
    "no answer would count: account {0!r} has no authserv_ids, by which senders are verified. Give"
    " them there, or set unverified_senders to decide"
)


def setups_can_work(proposal: Proposal) -> Iterator[Fault]:
    """Refuses enabled setups to which no answer could come, or whose answers could not count.

    The fault is the setup's, if the file gives it, and otherwise that of the account or connection
    which the file changes.
    """
    entries = proposal.entries_of(ApprovalSetup)
    for name, setup in proposal.all_of(ApprovalSetup).items():
        entry = entries.get(name)
        blamed = entry or _changed(setup, proposal)
        if not blamed:
            continue
        for field, problem in _problems(setup, proposal):
            if entry:
                yield entry.fault(field, problem)
            else:
                yield blamed.fault("", f"approval setup {name!r}, {field}: {problem}")


def _changed(setup: ApprovalSetup, proposal: Proposal) -> Entry | None:
    """Returns the entry of the setup's account or connection, or of one that takes its place."""
    accounts = proposal.entries_of(MailAccount)
    connections = proposal.entries_of(OutgoingConnection)
    first = next(iter([*accounts.values(), *connections.values()]), None)
    return accounts.get(setup.account) or connections.get(setup.connection) or first


def _problems(setup: ApprovalSetup, proposal: Proposal) -> Iterator[Problem]:
    accounts = proposal.all_of(MailAccount)
    connections = proposal.all_of(OutgoingConnection)
    if setup.connection not in {"", *connections}:
        yield "connection", unknown_name("connection", setup.connection, connections)
    if setup.account and setup.account not in accounts:
        yield "account", unknown_name("account", setup.account, accounts)
    elif setup.enabled:
        yield from _problems_of_account(setup, accounts[setup.account], proposal)
        yield from _problems_of_addresses(setup, accounts, connections)


def _problems_of_account(
    setup: ApprovalSetup, account: MailAccount, proposal: Proposal
) -> Iterator[Problem]:
    if account.purpose != "approvals":
        yield "account", f"{account.name!r} is for issues; set purpose: approvals on an account"
    if not account.authserv_ids and setup.unverified_senders == "refuse":
        yield "unverified_senders", NO_ANSWER_COUNTS.format(account.name)
    if account.after_download == "remove" and not setup.dedicated_mailbox:
        yield (
            "dedicated_mailbox",
            f"must be true, as account {account.name!r} removes every message from its mailbox (its"
            " after_download): it says that the mailbox has no other use",
        )
    for other in proposal.all_of(ApprovalSetup).values():
        if other.enabled and other.account == account.name and other.name != setup.name:
            yield "account", f"{account.name!r} is that of setup {other.name!r}; name another one"


def _problems_of_addresses(
    setup: ApprovalSetup,
    accounts: dict[str, MailAccount],
    connections: dict[str, OutgoingConnection],
) -> Iterator[Problem]:
    connection = connections.get(setup.connection) or _default(connections)
    if connection is None:
        yield "connection", "is missing: no outgoing connection is the default one"
        return
    if not connection.enabled:
        yield "connection", f"{connection.name!r} is disabled; enable it, or name another one"
    account = accounts[setup.account]
    address = (setup.reply_address or connection.from_address).lower()
    others = [one for one in accounts.values() if one.address.lower() == address and one.enabled]
    others = [one for one in others if one.name != account.name]
    if address != account.address.lower() and others:
        yield (
            "reply_address",
            f"{address} is the address of account {others[0].name!r}, where answers would arrive;"
            f" set it to {account.address}",
        )
    elif address != account.address.lower() and not setup.group_address:
        yield (
            "reply_address",
            f"{address} is not the address of account {account.name!r}; set it to"
            f" {account.address}; or, if that is a member of a group with this address, set"
            " group_address: true",
        )


def _default(connections: dict[str, OutgoingConnection]) -> OutgoingConnection | None:
    return next((one for one in connections.values() if one.is_default), None)


def addresses_of_approvals_are_their_own(proposal: Proposal) -> Iterator[Fault]:
    """Refuses a project whose address is that of an account for approvals: no issue comes of it."""
    accounts = proposal.all_of(MailAccount)
    watched = {
        one.address.lower(): name for name, one in accounts.items() if one.purpose == "approvals"
    }
    entries, in_file = proposal.entries_of(Project), proposal.entries_of(MailAccount)
    for key, project in proposal.all_of(Project).items():
        name = watched.get(project.address)
        if name is None:
            continue
        problem = f"{project.address} is watched by account {name!r}, which is for approvals"
        if entry := entries.get(key):
            yield entry.fault("address", f"{problem}; name another address")
        elif name in in_file:
            yield in_file[name].fault("address", f"is the address of project {key} already")


def setups_of_statuses_exist(proposal: Proposal) -> Iterator[Fault]:
    """Refuses statuses that name a setup which does not exist."""
    setups = proposal.all_of(ApprovalSetup)
    for entry in proposal.entries_of(Project).values():
        assert isinstance(entry.thing, Project)
        for status in entry.thing.statuses:
            if status.approval_setup not in {"", *setups}:
                missing = unknown_name("approval setup", status.approval_setup, setups)
                yield entry.fault("statuses", f"{status.name!r}: {missing}")


def _notes(entry: Entry, before: Configured | None) -> list[str]:
    setup = entry.thing
    assert isinstance(setup, ApprovalSetup)
    if setup.enabled or not setup.account:
        return []
    return [
        "is disabled (enabled: false): it takes no requests, and answers to open ones are"
        " quarantined"
    ]


APPROVAL_SETUP = Kind(
    model=ApprovalSetup,
    word="approval setup",
    section="approvals",
    title="How people are asked for approvals by mail, and where their answers arrive.",
    table="approval_setup",
    json=frozenset({"words"}),
    secrets=("callback_secret",),
    kept_here=frozenset({"callback_secret"}),
    checks=(setups_can_work, setups_of_statuses_exist, addresses_of_approvals_are_their_own),
    notes=_notes,
)
