"""Changes single values of a stored mail account, with its author, as `apply` would."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from postrail.configuration.apply import apply_entries
from postrail.configuration.entry import ConfigurationFileError, Entry
from postrail.configuration.load import mail_accounts
from postrail.configuration.models.mail_account import MAIL_ACCOUNT, MailAccount
from postrail.configuration.plan import Plan
from postrail.configuration.store import lock_configuration
from postrail.database import Connection
from postrail.errors import ConfigurationError, PermanentError
from postrail.secrets import Secrets

NAMES_SHOWN = 20


async def change_account(
    connection: Connection,
    name: str,
    values: dict[str, Any],
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
    after = MailAccount.model_validate(account.model_dump() | values)
    entry = Entry(
        thing=after,
        kind=MAIL_ACCOUNT.word,
        identity=name,
        line=0,
        lines={},
        given=frozenset(MailAccount.model_fields),
    )
    try:
        return await apply_entries(connection, [entry], secrets, file="", author=author, now=now)
    except ConfigurationFileError as error:
        faults = "; ".join(f"{fault.where}: {fault.problem}" for fault in error.faults)
        raise ConfigurationError(faults, remedy="Change it with postrail apply") from error


def account_named(name: str, accounts: Sequence[MailAccount]) -> MailAccount:
    """Returns the account of that name; raises PermanentError that lists the existing names."""
    for account in accounts:
        if account.name == name:
            return account
    names = [account.name for account in accounts]
    close = difflib.get_close_matches(name, names, n=1)
    there = ", ".join(names[:NAMES_SHOWN]) + (", …" if len(names) > NAMES_SHOWN else "")
    raise PermanentError(
        f"there is no mail account {name!r}",
        remedy=f"Did you mean {close[0]!r}?" if close else f"There are: {there or 'none yet'}",
    )
