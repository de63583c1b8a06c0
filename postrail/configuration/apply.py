"""Brings the tables to what a `postrail.yaml` says: plans, checks, and writes in one transaction.

Applying the same file again changes nothing. What the file does not name stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

from postrail.configuration import load, store
from postrail.configuration.configured import Configured
from postrail.configuration.credential import OAuthCredential
from postrail.configuration.javamail.properties import read_properties
from postrail.configuration.mail_account import TOKEN_PROVIDERS, MailAccount
from postrail.configuration.outgoing_connection import OutgoingConnection
from postrail.configuration.person import Person
from postrail.configuration.project import Project
from postrail.configuration.sealing import plain_secrets, resealed, sealed
from postrail.configuration.yaml_read import ConfigurationFileError, Entry, Fault
from postrail.database import Connection
from postrail.oauth import token_table as table
from postrail.secrets import Secrets

# Things that others refer to come first.
ORDER: tuple[type[Configured], ...] = (
    OutgoingConnection,
    Project,
    OAuthCredential,
    MailAccount,
    Person,
)


PLAIN = ("none", "starttls_if_available")
# What says which mailbox an account leads to.
LEADS_TO = ("host", "username", "path")

Thing = TypeVar("Thing", bound=Configured)
Action = Literal["created", "changed", "unchanged"]
Existing = Mapping[tuple[type[Configured], str], Configured]


@dataclass(frozen=True, kw_only=True)
class Change:
    """What applying the file does to one thing."""

    kind: str
    name: str
    action: Action
    # (field, value before, value after), secrets hidden.
    fields: tuple[tuple[str, Any, Any], ...]
    after: Configured
    before: Configured | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that applying the file does, and what it leaves alone."""

    changes: tuple[Change, ...]
    # Kind and name of what the database has and the file does not name.
    untouched: tuple[tuple[str, str], ...]
    # How many secrets the file itself holds, readable for whoever reads the file.
    plain_secrets: int
    # What works and is dangerous, in sentences.
    warnings: tuple[str, ...] = ()
    # What is worth a word, in sentences.
    notes: tuple[str, ...] = ()

    def count(self, action: Action) -> int:
        """How many things are created, changed or unchanged."""
        return sum(change.action == action for change in self.changes)


async def apply_entries(
    connection: Connection,
    entries: Sequence[Entry],
    secrets: Secrets,
    *,
    file: str,
    author: str,
    now: datetime,
    dry_run: bool = False,
) -> Plan:
    """Plans and, unless it is a dry run, writes, within the caller's transaction.

    Raises ConfigurationFileError that names each fault by line and field; then nothing is written.
    """
    if not dry_run:
        await store.lock_configuration(connection)
    plan = make_plan(entries, await existing_things(connection), secrets, file=file)
    if not dry_run:
        await _write(connection, plan, author, now)
    return plan


def make_plan(entries: Sequence[Entry], existing: Existing, secrets: Secrets, *, file: str) -> Plan:
    """Compares the file with what there is. Pure but for the random bytes of sealed secrets."""
    faults: list[Fault] = []
    entries = _only_connection_is_default(entries, existing)
    changes = [_change(entry, existing, secrets, faults) for entry in entries]
    faults += _faults_between(entries, existing)
    if faults:
        raise ConfigurationFileError(file, faults)
    named = {(type(entry.thing), entry.identity) for entry in entries}
    return Plan(
        changes=tuple(sorted(changes, key=lambda change: ORDER.index(type(change.after)))),
        untouched=tuple((store.KINDS[kind], name) for kind, name in existing.keys() - named),
        plain_secrets=sum(plain_secrets(entry.thing) for entry in entries),
        warnings=tuple(
            f"{entry.kind} {entry.identity}: {risk}"
            for entry in entries
            for risk in risks(entry.thing)
        ),
        notes=tuple(
            f"{entry.kind} {entry.identity}: {note}"
            for entry, change in zip(entries, changes, strict=True)
            for note in [*notes(entry), *_led_elsewhere(change)]
        ),
    )


def risks(thing: Configured) -> list[str]:
    """What of its settings works and is dangerous."""
    found = []
    if isinstance(thing, (MailAccount, OutgoingConnection)) and not thing.verify_certificate:
        found.append(
            "verify_certificate is false: whoever stands between here and"
            f" {thing.host} can take its place, and gets the password and the mails"
        )
    if isinstance(thing, MailAccount) and thing.allow_plain_login and thing.encryption in PLAIN:
        found.append(
            "allow_plain_login is true: the password may go to"
            f" {thing.host} readable for anybody on the way"
        )
    return found


def notes(entry: Entry) -> list[str]:
    """What of its settings is worth a word, and no danger."""
    account = entry.thing
    if not isinstance(account, MailAccount):
        return []
    given = {name: getattr(account, name) for name in entry.given}
    found = read_properties(account.properties, given).notes
    if account.debug:
        found.append(
            "debug is true: all that its server says goes to the log, but secrets and bodies"
        )
    return found


def _led_elsewhere(change: Change) -> list[str]:
    """A server may number the mails of another mailbox as those that were read."""
    changed = [name for name, *_ in change.fields if name in LEADS_TO]
    if not changed or not isinstance(change.after, MailAccount):
        return []
    return [
        f"{' and '.join(changed)} changed: that is for the same mailbox at another place only."
        " Another mailbox needs an account with another name, as mails that have the numbers of"
        " those that were read here count as read"
    ]


async def reseal(connection: Connection, secrets: Secrets, *, author: str, now: datetime) -> int:
    """Seals with the first key what is sealed with older ones; returns how many secrets."""
    await store.lock_configuration(connection)
    count = 0
    for thing in (await existing_things(connection)).values():
        if fresh := resealed(thing, secrets):
            after = thing.model_copy(update=fresh)
            await store.save(connection, after, before=thing, author=author, now=now)
            count += len(fresh)
    return count + await table.reseal(connection, secrets)


async def existing_things(connection: Connection) -> Existing:
    """Everything that is configured, by what it is known by."""
    things: list[Configured] = [
        *await load.outgoing_connections(connection),
        *await load.projects(connection),
        *await load.oauth_credentials(connection),
        *await load.mail_accounts(connection),
        *await load.people(connection),
    ]
    return {(type(thing), store.identity(thing)): thing for thing in things}


async def _write(connection: Connection, plan: Plan, author: str, now: datetime) -> None:
    for change in plan.changes:
        if change.action != "unchanged":
            await store.save(connection, change.after, before=change.before, author=author, now=now)


def _change(entry: Entry, existing: Existing, secrets: Secrets, faults: list[Fault]) -> Change:
    before = existing.get((type(entry.thing), entry.identity))
    found = sealed(entry, before, secrets)
    faults += found.faults
    after = found.thing
    fields = _differences(before, after)
    action: Action = "created" if before is None else "changed" if fields else "unchanged"
    return Change(
        kind=entry.kind,
        name=entry.identity,
        action=action,
        fields=fields,
        after=after,
        before=before,
    )


def _differences(before: Configured | None, after: Configured) -> tuple[tuple[str, Any, Any], ...]:
    """The fields that differ, with values that may be shown; none for a new thing."""
    if before is None:
        return ()
    old, new = store.shown(before), store.shown(after, before)
    return tuple(
        (name, old[name], new[name])
        for name in new
        if _comparable(old[name]) != _comparable(new[name])
    )


def _comparable(value: Any) -> Any:
    # The tables keep issue types as a set.
    return sorted(value) if isinstance(value, list) else value


def _only_connection_is_default(entries: Sequence[Entry], existing: Existing) -> list[Entry]:
    """The only connection there is needs no `is_default: true`; those turned off do not count."""
    connections = _all_of(OutgoingConnection, entries, existing).values()
    if sum(connection.enabled or connection.is_default for connection in connections) != 1:
        return list(entries)
    return [
        Entry(
            thing=entry.thing.model_copy(update={"is_default": True}),
            line=entry.line,
            lines=entry.lines,
            given=entry.given,
        )
        if isinstance(entry.thing, OutgoingConnection)
        and entry.thing.enabled
        and "is_default" not in entry.given
        else entry
        for entry in entries
    ]


def _all_of(kind: type[Thing], entries: Sequence[Entry], existing: Existing) -> dict[str, Thing]:
    """What there will be of a kind: the database's, with the file's over them."""
    things = [*existing.values(), *(entry.thing for entry in entries)]
    return {store.identity(thing): thing for thing in things if isinstance(thing, kind)}


def _faults_between(entries: Sequence[Entry], existing: Existing) -> Iterable[Fault]:
    projects = _all_of(Project, entries, existing)
    connections = _all_of(OutgoingConnection, entries, existing)
    credentials = _all_of(OAuthCredential, entries, existing)
    accounts = _all_of(MailAccount, entries, existing)
    named = {entry.identity for entry in entries if isinstance(entry.thing, MailAccount)}
    others = [account for name, account in accounts.items() if name not in named]
    for entry in entries:
        if isinstance(entry.thing, MailAccount) and entry.thing.project not in projects:
            yield entry.fault("project", _not_there("project", entry.thing.project, projects))
        if isinstance(entry.thing, MailAccount) and entry.thing.credential:
            yield from _credential_faults(entry, entry.thing, credentials)
        if isinstance(entry.thing, OAuthCredential):
            yield from _host_faults(entry, entry.thing, others)
        if isinstance(entry.thing, Project) and entry.thing.connection not in {"", *connections}:
            yield entry.fault(
                "connection", _not_there("connection", entry.thing.connection, connections)
            )
    yield from _default_faults(entries, existing)
    yield from _watched_twice(entries, existing)


def _credential_faults(
    entry: Entry, account: MailAccount, credentials: Mapping[str, OAuthCredential]
) -> Iterable[Fault]:
    credential = credentials.get(account.credential)
    if credential is None:
        yield entry.fault("credential", _not_there("credential", account.credential, credentials))
        return
    wanted = TOKEN_PROVIDERS.get(account.protocol, credential.provider)
    if credential.provider != wanted:
        yield entry.fault(
            "credential",
            f"{credential.name!r} is of provider {credential.provider}, and {account.protocol}"
            f" takes tokens of {wanted}; name another credential or protocol",
        )
    if account.host.lower() not in credential.hosts:
        yield entry.fault(
            "host",
            f"{account.host} is not given tokens of credential {credential.name!r}, only"
            f" {', '.join(credential.hosts)}; add it to the hosts of that credential",
        )


def _host_faults(
    entry: Entry, credential: OAuthCredential, accounts: Iterable[MailAccount]
) -> Iterable[Fault]:
    """Accounts that the file does not name must not lose their server unseen."""
    for account in accounts:
        uses = account.credential == credential.name and account.enabled
        if uses and account.host.lower() not in credential.hosts:
            problem = f"lack {account.host}, which account {account.name!r} uses; add it"
            yield entry.fault("hosts", problem)


def _not_there(kind: str, name: str, known: Iterable[str]) -> str:
    there = ", ".join(sorted(known)) or "none"
    return f"there is no {kind} {name!r} in the file or the database; there are: {there}"


def _default_faults(entries: Sequence[Entry], existing: Existing) -> Iterable[Fault]:
    """Exactly one connection is the default, as soon as anything needs one."""
    given = [entry for entry in entries if isinstance(entry.thing, OutgoingConnection)]
    needing = given or [entry for entry in entries if isinstance(entry.thing, Project)]
    connections = _all_of(OutgoingConnection, entries, existing)
    defaults = [name for name, thing in connections.items() if thing.is_default]
    if not needing or len(defaults) == 1:
        return
    if defaults:
        last = [entry for entry in given if entry.identity in defaults][-1:] or needing
        others = ", ".join(repr(name) for name in defaults if name != last[0].identity)
        problem = f"is true for {others} too; give that one with is_default: false"
        yield last[0].fault("is_default", problem)
    elif connections:
        yield needing[0].fault("is_default", "no connection is the default; set it to true on one")
    else:
        problem = "there is no outgoing connection: give one under connections"
        yield needing[0].fault("connection", problem)


def _watched_twice(entries: Sequence[Entry], existing: Existing) -> Iterable[Fault]:
    """Two names for one folder would make two mailboxes of it, and two effects of each mail."""
    watched: dict[tuple[str, ...], str] = {}
    accounts = _all_of(MailAccount, entries, existing)
    by_name = {entry.identity: entry for entry in entries if isinstance(entry.thing, MailAccount)}
    # The database's come first, so that the fault stands at a line of the file.
    for name in sorted(accounts, key=lambda name: (name in by_name, name)):
        account = accounts[name]
        if not account.enabled:
            continue
        place = (account.host.lower(), account.username, account.folder, account.path.rstrip("/"))
        other = watched.setdefault(place, name)
        if other != name and name in by_name:
            yield by_name[name].fault(
                "path" if account.path else "folder",
                f"is watched by account {other!r} already; disable one of them (enabled: false)",
            )
