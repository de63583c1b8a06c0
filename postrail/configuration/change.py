"""Changes single values of a stored thing, with its author, as `apply` would."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from postrail.configuration.apply import apply_entries
from postrail.configuration.entry import ConfigurationFileError, Entry
from postrail.configuration.kinds import identity, kind_of
from postrail.configuration.load import mail_accounts, mail_handlers
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.plan import Plan
from postrail.configuration.store import lock_configuration
from postrail.database import Connection
from postrail.errors import ConfigurationError, PermanentError
from postrail.secrets import Secrets

NAMES_SHOWN = 20
Named = TypeVar("Named", MailAccount, MailHandler)


async def change_account(
    connection: Connection,
    name: str,
    values: Mapping[str, Any],
    secrets: Secrets,
    *,
    author: str,
    now: datetime,
) -> Plan:
    """Sets these fields of one account in the caller's transaction.

    Raises PermanentError when no account has that name, ConfigurationError when the values
    contradict the rest of the configuration.
    """
    await lock_configuration(connection)
    account = account_named(name, await mail_accounts(connection))
    return await _change(connection, account, values, secrets, author=author, now=now)


async def change_handler(
    connection: Connection,
    name: str,
    values: Mapping[str, Any],
    secrets: Secrets,
    *,
    author: str,
    now: datetime,
) -> Plan:
    """Sets these fields of one mail handler, as `change_account` does of an account."""
    await lock_configuration(connection)
    handler = handler_named(name, await mail_handlers(connection))
    return await _change(connection, handler, values, secrets, author=author, now=now)


async def _change(
    connection: Connection,
    thing: MailAccount | MailHandler,
    values: Mapping[str, Any],
    secrets: Secrets,
    *,
    author: str,
    now: datetime,
) -> Plan:
    entry = Entry(
        thing=type(thing).model_validate({**thing.model_dump(), **values}),
        kind=kind_of(thing).word,
        identity=identity(thing),
        line=0,
        lines={},
        given=frozenset(values),
    )
    try:
        return await apply_entries(connection, [entry], secrets, file="", author=author, now=now)
    except ConfigurationFileError as error:
        faults = "; ".join(f"{fault.where}: {fault.problem}" for fault in error.faults)
        raise ConfigurationError(faults, remedy="Change it with postrail apply") from error


def account_named(name: str, accounts: Sequence[MailAccount]) -> MailAccount:
    """Returns the account of that name; raises PermanentError that lists the existing names."""
    return _named("account", name, accounts)


def handler_named(name: str, handlers: Sequence[MailHandler]) -> MailHandler:
    """Returns the handler of that name; raises PermanentError that lists the existing names."""
    return _named("handler", name, handlers)


def _named(kind: str, name: str, things: Sequence[Named]) -> Named:
    for thing in things:
        if thing.name == name:
            return thing
    names = [thing.name for thing in things]
    close = difflib.get_close_matches(name, names, n=1)
    there = ", ".join(names[:NAMES_SHOWN]) + (", …" if len(names) > NAMES_SHOWN else "")
    raise PermanentError(
        f"there is no mail {kind} {name!r}",
        remedy=f"Did you mean {close[0]!r}?" if close else f"There are: {there or 'none yet'}",
    )
