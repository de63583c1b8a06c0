"""Compares a `postrail.yaml` with what is configured: checks it and plans the changes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Literal

from postrail.configuration import kinds
from postrail.configuration.configured import Configured
from postrail.configuration.entry import ConfigurationFileError, Entry, Existing, Fault, Proposal
from postrail.configuration.kinds import kind_of, shown
from postrail.configuration.sealing import plain_secrets, sealed
from postrail.secrets import Secrets

Action = Literal["created", "changed", "unchanged"]


@dataclass(frozen=True, kw_only=True)
class Change:
    """The effect of applying the file on one thing."""

    kind: str
    name: str
    action: Action
    # (field, value before, value after), secrets hidden.
    fields: tuple[tuple[str, Any, Any], ...]
    after: Configured
    before: Configured | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that applying the file changes, and what it leaves as it is."""

    changes: tuple[Change, ...]
    # Kind and name of the things in the database that the file does not name.
    untouched: tuple[tuple[str, str], ...]
    # The number of secrets in the file that anyone who reads it can read.
    plain_secrets: int
    # Sentences about settings that work but are dangerous.
    warnings: tuple[str, ...] = ()
    # Sentences about settings that are safe but unusual.
    notes: tuple[str, ...] = ()

    def count(self, action: Action) -> int:
        """Returns the number of things that are created, changed or unchanged."""
        return sum(change.action == action for change in self.changes)


def make_plan(entries: Sequence[Entry], existing: Existing, secrets: Secrets, *, file: str) -> Plan:
    """Compares the file with what is configured.

    Pure but for the random bytes of sealed secrets. Raises ConfigurationFileError that names each
    fault by line and field.
    """
    existing = _by_new_identities(entries, existing)
    proposal = _filled_in(Proposal(entries=entries, existing=existing))
    faults: list[Fault] = []
    changes = [_change(entry, existing, secrets, faults) for entry in proposal.entries]
    faults += _faults(proposal)
    if faults:
        raise ConfigurationFileError(file, faults)
    named = {(type(change.after), change.name) for change in changes}
    order = [kind.model for kind in kinds.KINDS]
    return Plan(
        changes=tuple(sorted(changes, key=lambda change: order.index(type(change.after)))),
        untouched=tuple(_untouched(existing, named)),
        plain_secrets=sum(plain_secrets(entry.thing) for entry in proposal.entries),
        warnings=tuple(_warnings(proposal)),
        notes=tuple(_notes(proposal)),
    )


def drafted(entries: Sequence[Entry], existing: Existing, *, file: str) -> list[Configured]:
    """Returns all things as they will be once the file is applied; their secrets do not matter.

    Raises ConfigurationFileError that names each fault by line and field.
    """
    existing = _by_new_identities(entries, existing)
    proposal = _filled_in(Proposal(entries=entries, existing=existing))
    if faults := _faults(proposal):
        raise ConfigurationFileError(file, faults)
    given = {(type(entry.thing), entry.identity): entry.thing for entry in proposal.entries}
    return list({**existing, **given}.values())


def _faults(proposal: Proposal) -> list[Fault]:
    return [fault for kind in kinds.KINDS for check in kind.checks for fault in check(proposal)]


def _untouched(
    existing: Existing, named: AbstractSet[tuple[type[Configured], str]]
) -> Iterator[tuple[str, str]]:
    for model, identity in existing.keys() - named:
        kind = kind_of(existing[model, identity])
        if not kind.always_there:
            yield kind.word, identity


def _by_new_identities(entries: Sequence[Entry], existing: Existing) -> Existing:
    """Returns what is configured, with the things that the file renames by their new identities."""
    renamed = {
        (kind.model, name): (kind.model, after)
        for kind in kinds.KINDS
        if kind.renamed
        for name, after in kind.renamed(entries, existing).items()
    }
    return {renamed.get(key, key): thing for key, thing in existing.items()}


def _filled_in(proposal: Proposal) -> Proposal:
    for kind in kinds.KINDS:
        if kind.fill_in:
            proposal = replace(proposal, entries=kind.fill_in(proposal))
    return proposal


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
    """Returns the fields that differ, with values that may be shown; () for a new thing."""
    if before is None:
        return ()
    old, new = shown(before), shown(after, before)
    return tuple((name, old[name], new[name]) for name in new if old[name] != new[name])


def _warnings(proposal: Proposal) -> Iterator[str]:
    for entry in proposal.entries:
        for risk in entry.thing.risks():
            yield f"{entry.kind} {entry.identity}: {risk}"


def _notes(proposal: Proposal) -> Iterator[str]:
    for entry in proposal.entries:
        notes = kind_of(entry.thing).notes
        before = proposal.existing.get((type(entry.thing), entry.identity))
        for note in notes(entry, before) if notes else ():
            yield f"{entry.kind} {entry.identity}: {note}"
