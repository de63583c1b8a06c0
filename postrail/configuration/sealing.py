"""The secrets of configured things: which must be given, which are kept, and how they are stored.

Which a thing has, and which of them it must have, is said by its `secret_fields`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from postrail.configuration.configured import Configured
from postrail.configuration.credential import OAuthCredential, service_account_faults
from postrail.configuration.mail_account import MailAccount
from postrail.configuration.outgoing_connection import OutgoingConnection
from postrail.configuration.store import SECRET_FIELDS
from postrail.configuration.yaml_read import ConfigurationFileError, Entry, Fault
from postrail.errors import ConfigurationError
from postrail.secrets import SEALED, Secrets, check_reference, is_reference

SERVER = (
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
# Where a kept secret would be sent to: whoever changes one of them must know the secret.
GUARDED: dict[type[Configured], tuple[str, ...]] = {
    MailAccount: SERVER,
    OutgoingConnection: SERVER,
    OAuthCredential: (
        "provider",
        "flow",
        "client_id",
        "tenant",
        "authority",
        "authorization_url",
        "token_url",
        "device_url",
        "hosts",
        "ca_file",
    ),
}
USELESS = {
    MailAccount: "is of no use with a credential: leave it out",
    OutgoingConnection: "is of no use without a username: give one, or leave the password out",
    OAuthCredential: "is of no use with this flow and certificate: leave it out",
}


@dataclass(frozen=True)
class Sealed:
    """A thing with its secrets as the table keeps them, and what is wrong with them."""

    thing: Configured
    faults: list[Fault]


def sealed(entry: Entry, before: Configured | None, secrets: Secrets) -> Sealed:
    """Checks the secrets that the file gives and seals them; keeps those that it leaves out.

    Raises ConfigurationError when there is no key to seal with.
    """
    thing, faults = entry.thing, list(_faults(entry, before))
    if faults:
        return Sealed(thing, faults)
    stored = {}
    for field in secret_names(thing):
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
    """The secret in plain text that the thing would have once it is applied; nothing is stored."""
    text = str(getattr(entry.thing if field in entry.given else before, field, ""))
    stored = is_reference(text) or _is_sealed(text)
    return secrets.reveal(text) if stored else text


def secret_names(thing: Configured) -> list[str]:
    """The fields of the thing that hold secrets, in their order."""
    return [name for name in type(thing).model_fields if name in SECRET_FIELDS]


def plain_secrets(thing: Configured) -> int:
    """How many of its secrets are readable for whoever reads the file."""
    values = [str(getattr(thing, name)) for name in secret_names(thing)]
    return sum(bool(text) and not is_reference(text) and not _is_sealed(text) for text in values)


def resealed(thing: Configured, secrets: Secrets) -> dict[str, str]:
    """Its secrets that are sealed with older keys, sealed with the first one."""
    stored = {name: str(getattr(thing, name)) for name in secret_names(thing)}
    return {
        name: secrets.seal(secrets.reveal(text))
        for name, text in stored.items()
        if text and secrets.sealed_with_old_key(text)
    }


def _faults(entry: Entry, before: Configured | None) -> Iterator[Fault]:
    thing, wanted = entry.thing, entry.thing.secret_fields
    for field in secret_names(thing):
        given, kept = getattr(thing, field), getattr(before, field, "")
        if field not in wanted:
            if given:
                yield entry.fault(field, USELESS[type(thing)])
        elif given:
            yield from _form_faults(entry, field)
        elif wanted[field] and (field in entry.given or not kept):
            yield entry.fault(field, "is missing: a text, env:POSTRAIL_SECRET_… or file:NAME")
        elif kept and field not in entry.given:
            yield from _guarded_faults(entry, field, before)


def _form_faults(entry: Entry, field: str) -> Iterator[Fault]:
    text = str(getattr(entry.thing, field))
    if field == "service_account_key" and not is_reference(text) and not _is_sealed(text):
        for problem in service_account_faults(text):
            yield entry.fault(field, problem)


def _guarded_faults(entry: Entry, field: str, before: Configured | None) -> Iterator[Fault]:
    changed = [
        name
        for name in GUARDED[type(entry.thing)]
        if getattr(before, name, None) != getattr(entry.thing, name, None)
    ]
    if changed:
        verb = f"change{'s' if len(changed) == 1 else ''}"
        yield entry.fault(field, f"must be given again, because {' and '.join(changed)} {verb}")


def _to_store(entry: Entry, field: str, before: Configured | None, secrets: Secrets) -> str:
    """The secret as the table keeps it; the one that is there when it says the same."""
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
        # Its key is gone, or it is damaged: sealing the given one mends that.
        return False


def _is_sealed(text: str) -> bool:
    return text.startswith(SEALED)
