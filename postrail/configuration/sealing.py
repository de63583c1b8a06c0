"""Checks the secrets of configured things, and seals them for the database.

A thing's `secret_fields` say which secrets it uses and which of them are required.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from postrail.configuration.configured import Configured
from postrail.configuration.entry import ConfigurationFileError, Entry, Fault
from postrail.configuration.kinds import kind_of
from postrail.errors import ConfigurationError
from postrail.secrets import SEALED, Secrets, check_reference, is_reference


@dataclass(frozen=True)
class Sealed:
    """A thing with its secrets as the table keeps them, and the faults of those secrets."""

    thing: Configured
    faults: list[Fault]


def sealed(entry: Entry, before: Configured | None, secrets: Secrets) -> Sealed:
    """Checks and seals the secrets that the file gives; keeps those that it leaves out.

    Raises ConfigurationError when no key is configured.
    """
    thing, faults = entry.thing, list(_faults(entry, before))
    if faults:
        return Sealed(thing, faults)
    stored = {}
    for field in kind_of(thing).secrets:
        try:
            stored[field] = _to_store(entry, field, before, secrets)
        except ConfigurationError as error:
            if error.setting.startswith("POSTRAIL_SECRETS__KEY"):
                raise
            faults.append(entry.fault(field, str(error)))
    return Sealed(thing.model_copy(update=stored), faults)


def check_secrets(entry: Entry, before: Configured | None, file: str) -> None:
    """Raises ConfigurationFileError when applying would ask for a secret."""
    if faults := list(_faults(entry, before)):
        raise ConfigurationFileError(file, faults)


def secret_if_applied(entry: Entry, field: str, before: Configured | None, secrets: Secrets) -> str:
    """Returns the plain secret that the thing would have once applied; stores nothing."""
    text = str(getattr(entry.thing if field in entry.given else before, field, ""))
    stored = is_reference(text) or _is_sealed(text)
    return secrets.reveal(text) if stored else text


def plain_secrets(thing: Configured) -> int:
    """Returns the number of its secrets that anyone who reads the file can read."""
    values = [str(getattr(thing, name)) for name in kind_of(thing).secrets]
    return sum(bool(text) and not is_reference(text) and not _is_sealed(text) for text in values)


def resealed(thing: Configured, secrets: Secrets) -> dict[str, str]:
    """Returns those of its secrets that use older keys, sealed with the first key."""
    stored = {name: str(getattr(thing, name)) for name in kind_of(thing).secrets}
    return {
        name: secrets.seal(secrets.reveal(text))
        for name, text in stored.items()
        if text and secrets.sealed_with_old_key(text)
    }


def _faults(entry: Entry, before: Configured | None) -> Iterator[Fault]:
    thing, wanted = entry.thing, entry.thing.secret_fields
    for field in kind_of(thing).secrets:
        given, kept = getattr(thing, field), getattr(before, field, "")
        if field not in wanted:
            if given:
                kind = kind_of(thing)
                yield entry.fault(field, kind.unused_secrets.get(field, kind.unused))
        elif given:
            yield from _form_faults(entry, field)
        elif wanted[field] and (field in entry.given or not kept):
            yield entry.fault(field, "is missing: give a text, env:POSTRAIL_SECRET_… or file:NAME")
        elif kept and field not in entry.given and field not in kind_of(thing).kept_here:
            yield from _guarded_faults(entry, field, before)


def _form_faults(entry: Entry, field: str) -> Iterator[Fault]:
    text = str(getattr(entry.thing, field))
    check = kind_of(entry.thing).secret_checks.get(field)
    if check and not is_reference(text) and not _is_sealed(text):
        for problem in check(text):
            yield entry.fault(field, problem)


def _guarded_faults(entry: Entry, field: str, before: Configured | None) -> Iterator[Fault]:
    changed = [
        name
        for name in kind_of(entry.thing).guarded
        if getattr(before, name) != getattr(entry.thing, name)
    ]
    if changed:
        verb = f"change{'s' if len(changed) == 1 else ''}"
        yield entry.fault(field, f"must be given again, because {' and '.join(changed)} {verb}")


def _to_store(entry: Entry, field: str, before: Configured | None, secrets: Secrets) -> str:
    """Returns the secret as the table keeps it: the stored one if the plain text is the same."""
    given, kept = str(getattr(entry.thing, field)), str(getattr(before, field, ""))
    if field not in entry.thing.secret_fields:
        return ""
    if field not in entry.given or given == kept:
        return kept
    if is_reference(given):
        check_reference(given)
        return given
    if _is_sealed(given):
        secrets.reveal(given)
        return given
    return kept if not given or _reveals(secrets, kept, given) else secrets.seal(given)


def _reveals(secrets: Secrets, kept: str, given: str) -> bool:
    try:
        return _is_sealed(kept) and secrets.reveal(kept) == given
    except ConfigurationError:
        # Its key is gone, or it is damaged: sealing the given one again repairs it.
        return False


def _is_sealed(text: str) -> bool:
    return text.startswith(SEALED)
