"""Changes single values of stored things, with their author, as `apply` would."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from postrail.configuration import store
from postrail.configuration.accounts.kind import MAIL_ACCOUNT
from postrail.configuration.apply import apply_entries
from postrail.configuration.entry import ConfigurationFileError, Entry, Thing
from postrail.configuration.handlers.kind import MAIL_HANDLER
from postrail.configuration.kind import Kind
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.plan import Plan
from postrail.database import Connection
from postrail.errors import ConfigurationError, PermanentError
from postrail.secrets import Secrets

NAMES_SHOWN = 20


async def change_things(
    connection: Connection,
    kind: Kind[Thing],
    changes: Mapping[str, Mapping[str, Any]],
    secrets: Secrets,
    *,
    author: str,
    now: datetime,
) -> Plan:
    """Sets fields of things, by their names, in the caller's transaction.

    Raises PermanentError for an unknown name, ConfigurationError when the values contradict the
    rest of the configuration.
    """
    await store.lock_configuration(connection)
    stored = await store.read(connection, kind)
    entries = [
        _entry(kind, thing_named(kind, name, stored), values) for name, values in changes.items()
    ]
    try:
        return await apply_entries(connection, entries, secrets, file="", author=author, now=now)
    except ConfigurationFileError as error:
        faults = "; ".join(f"{fault.where}: {fault.problem}" for fault in error.faults)
        raise ConfigurationError(faults, remedy="Change it with postrail apply") from error


def _entry(kind: Kind[Thing], thing: Thing, values: Mapping[str, Any]) -> Entry:
    return Entry(
        thing=kind.model.model_validate(thing.model_dump() | dict(values)),
        kind=kind.word,
        identity=kind.identity_of(thing),
        line=0,
        lines={},
        given=frozenset(values),
    )


def account_named(name: str, accounts: Sequence[MailAccount]) -> MailAccount:
    """Returns the account of that name; raises PermanentError that lists the existing names."""
    return thing_named(MAIL_ACCOUNT, name, accounts)


def handler_named(name: str, handlers: Sequence[MailHandler]) -> MailHandler:
    """Returns the handler of that name; raises PermanentError that lists the existing names."""
    return thing_named(MAIL_HANDLER, name, handlers)


def thing_named(kind: Kind[Thing], name: str, things: Sequence[Thing]) -> Thing:
    """Returns the thing of that name; raises PermanentError that lists the existing names."""
    by_name = {kind.identity_of(thing): thing for thing in things}
    if name in by_name:
        return by_name[name]
    names = list(by_name)
    close = difflib.get_close_matches(name, names, n=1)
    there = ", ".join(names[:NAMES_SHOWN]) + (", …" if len(names) > NAMES_SHOWN else "")
    raise PermanentError(
        f"there is no {kind.full_word} {name!r}",
        remedy=f"Did you mean {close[0]!r}?" if close else f"There are: {there or 'none yet'}",
    )
