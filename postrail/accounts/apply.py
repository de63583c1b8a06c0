"""Brings the tables to what a `postrail.yaml` says: plans, checks, and writes in one transaction.

Applying the same file again changes nothing. What the file does not name stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

from postrail.accounts import store
from postrail.accounts.file import ConfigurationFileError, Entry, Fault
from postrail.accounts.models import Configured, MailAccount, OutgoingConnection, Person, Project
from postrail.database import Connection
from postrail.errors import ConfigurationError
from postrail.secrets import SEALED, Secrets, check_reference, is_reference

# Things that others refer to come first.
ORDER: tuple[type[Configured], ...] = (OutgoingConnection, Project, MailAccount, Person)

# Where a kept secret would be sent to: whoever changes one of them must know the secret.
GUARDED = (
    "protocol",
    "host",
    "port",
    "encryption",
    "allow_plain_login",
    "min_tls_version",
    "username",
    "ca_file",
    "verify_certificate",
)

PLAIN = ("none", "starttls_if_available")

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
    plan = make_plan(entries, await _existing(connection), secrets, file=file)
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
        plain_secrets=sum(_is_plain(_secret_of(entry.thing)) for entry in entries),
        warnings=tuple(
            f"{entry.kind} {entry.identity}: {risk}"
            for entry in entries
            for risk in risks(entry.thing)
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


async def reseal(connection: Connection, secrets: Secrets, *, author: str, now: datetime) -> int:
    """Seals with the first key what is sealed with older ones; returns how many secrets."""
    await store.lock_configuration(connection)
    count = 0
    for thing in (await _existing(connection)).values():
        stored = _secret_of(thing)
        if stored and secrets.sealed_with_old_key(stored):
            after = _with_secret(thing, secrets.seal(secrets.reveal(stored)))
            await store.save(connection, after, before=thing, author=author, now=now)
            count += 1
    return count


async def _existing(connection: Connection) -> Existing:
    things: list[Configured] = [
        *await store.outgoing_connections(connection),
        *await store.projects(connection),
        *await store.mail_accounts(connection),
        *await store.people(connection),
    ]
    return {(type(thing), store.identity(thing)): thing for thing in things}


async def _write(connection: Connection, plan: Plan, author: str, now: datetime) -> None:
    for change in plan.changes:
        if change.action != "unchanged":
            await store.save(connection, change.after, before=change.before, author=author, now=now)


def _change(entry: Entry, existing: Existing, secrets: Secrets, faults: list[Fault]) -> Change:
    before = existing.get((type(entry.thing), entry.identity))
    after = entry.thing
    if isinstance(after, (MailAccount, OutgoingConnection)):
        faults += _secret_faults(entry, after, before)
        try:
            after = _with_secret(after, _secret_to_store(entry, after, before, secrets))
        except ConfigurationError as error:
            if error.setting.startswith("POSTRAIL_SECRETS__KEY"):
                raise
            faults.append(entry.fault("password", str(error)))
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


def _secret_faults(
    entry: Entry, thing: MailAccount | OutgoingConnection, before: Configured | None
) -> list[Fault]:
    if isinstance(thing, OutgoingConnection) and not thing.username:
        problem = "is of no use without a username: give one, or leave the password out"
        return [entry.fault("password", problem)] if thing.password else []
    if thing.password or (isinstance(thing, MailAccount) and thing.protocol == "folder"):
        return []
    if "password" in entry.given or before is None or not _secret_of(before):
        return [entry.fault("password", "is missing: a text, env:POSTRAIL_SECRET_… or file:NAME")]
    changed = [
        name for name in GUARDED if getattr(before, name, None) != getattr(thing, name, None)
    ]
    if not changed:
        return []
    return [
        entry.fault(
            "password",
            f"must be given again, because {' and '.join(changed)}"
            f" change{'s' if len(changed) == 1 else ''}",
        )
    ]


def _secret_to_store(
    entry: Entry,
    thing: MailAccount | OutgoingConnection,
    before: Configured | None,
    secrets: Secrets,
) -> str:
    """The secret as the table keeps it; the one that is there when it says the same."""
    given, kept = thing.password, _secret_of(before)
    if not thing.username:
        return ""
    if "password" not in entry.given or given == kept:
        return kept
    if is_reference(given):
        check_reference(given)
        return given
    if given.startswith(SEALED):
        secrets.reveal(given)
        return given
    return kept if _reveals(secrets, kept, given) else secrets.seal(given)


def _reveals(secrets: Secrets, kept: str, given: str) -> bool:
    try:
        return kept.startswith(SEALED) and secrets.reveal(kept) == given
    except ConfigurationError:
        # Its key is gone, or it is damaged: sealing the given one mends that.
        return False


def _secret_of(thing: Configured | None) -> str:
    return thing.password if isinstance(thing, (MailAccount, OutgoingConnection)) else ""


def _is_plain(secret: str) -> bool:
    return bool(secret) and not is_reference(secret) and not secret.startswith(SEALED)


def _with_secret(thing: Configured, secret: str) -> Configured:
    return thing.model_copy(update={"password": secret})


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
        if isinstance(entry.thing, OutgoingConnection) and "is_default" not in entry.given
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
    for entry in entries:
        if isinstance(entry.thing, MailAccount) and entry.thing.project not in projects:
            yield entry.fault("project", _not_there("project", entry.thing.project, projects))
        if isinstance(entry.thing, Project) and entry.thing.connection not in {"", *connections}:
            yield entry.fault(
                "connection", _not_there("connection", entry.thing.connection, connections)
            )
    yield from _default_faults(entries, existing)
    yield from _watched_twice(entries, existing)


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
