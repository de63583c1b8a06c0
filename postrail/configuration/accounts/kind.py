"""The kind of mail accounts, and the checks that need other things too. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from postrail.configuration.accounts.login import logins_are_there, with_login
from postrail.configuration.configured import Configured
from postrail.configuration.entry import Entry, Fault, Proposal, unknown_name
from postrail.configuration.javamail.properties import read_properties
from postrail.configuration.kind import Kind
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.project import Project

# The fields that decide which mailbox the account reads.
LOCATION = ("path", "host", "username")


def _project_exists(proposal: Proposal) -> Iterable[Fault]:
    projects = proposal.all_of(Project)
    accounts = proposal.all_of(MailAccount)
    for name, entry in proposal.entries_of(MailAccount).items():
        if (project := accounts[name].project) not in projects:
            yield entry.fault("project", unknown_name("project", project, projects))


def _read_by_one_account(proposal: Proposal) -> Iterable[Fault]:
    """Refuses a second account for the same folder: each of its messages would be handled twice."""
    entries, connections = proposal.entries_of(MailAccount), proposal.all_of(OutgoingConnection)
    accounts = {
        name: with_login(account, connections)
        for name, account in proposal.all_of(MailAccount).items()
    }
    watched: dict[tuple[str, ...], str] = {}
    # Those of the database come first, so that the fault is at a line of the file.
    for name in sorted(accounts, key=lambda name: (name in entries, name)):
        account = accounts[name]
        if not account.enabled:
            continue
        place = (account.host.lower(), account.username, account.folder, account.path.rstrip("/"))
        other = watched.setdefault(place, name)
        if other != name and name in entries:
            yield entries[name].fault(
                "path" if account.path else "folder",
                f"is watched by account {other!r} already; disable one of them (enabled: false)",
            )


def _bounces_go_elsewhere(proposal: Proposal) -> Iterable[Fault]:
    """Refuses to send bounces on to an account, whose bounces they would be."""
    accounts = proposal.all_of(MailAccount)
    watched = {account.address.lower(): name for name, account in accounts.items()}
    for name, entry in proposal.entries_of(MailAccount).items():
        if (address := accounts[name].forward_bounces) in watched:
            problem = (
                f"{address} is the address of account {watched[address]!r}, so the message would"
                " come back: name a mailbox that is not watched"
            )
            yield entry.fault("forward_bounces", problem)


def _notes(entry: Entry, before: Configured | None) -> list[str]:
    account = entry.thing
    assert isinstance(account, MailAccount)
    given = {name: getattr(account, name) for name in entry.given}
    found = read_properties(account.properties, given).notes
    if account.debug:
        found.append("debug is true: the server's dialogue is logged, without secrets and bodies")
    if isinstance(before, MailAccount):
        found += _relocation_note(account, before)
    return found


def _relocation_note(account: MailAccount, before: MailAccount) -> list[str]:
    # Another mailbox may give its messages the UIDs that count as read under this name.
    changed = [name for name in LOCATION if getattr(account, name) != getattr(before, name)]
    if not changed:
        return []
    return [
        f"{' and '.join(changed)} changed: do this only if the same mailbox has moved."
        " Another mailbox needs an account with another name, because messages whose UIDs were"
        " read under this name are skipped"
    ]


MAIL_ACCOUNT = Kind(
    model=MailAccount,
    word="account",
    long_word="mail account",
    section="accounts",
    title="The mailboxes that are watched.",
    table="mail_account",
    columns={"project": "project_key"},
    secrets=("password",),
    guarded=(
        "protocol",
        "host",
        "port",
        "encryption",
        "allow_plain_login",
        "min_tls_version",
        "username",
        "ca_file",
        "verify_certificate",
    ),
    unused="is not used with a credential: leave it out",
    checks=(_project_exists, logins_are_there, _read_by_one_account, _bounces_go_elsewhere),
    notes=_notes,
)
