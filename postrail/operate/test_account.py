"""Tests mail accounts step by step, as they are stored or as a file describes them.

Nothing is stored, and no mailbox is changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from postrail.configuration import store
from postrail.configuration.accounts.kind import MAIL_ACCOUNT
from postrail.configuration.accounts.login import with_login
from postrail.configuration.change import account_named
from postrail.configuration.entry import Entry, Proposal
from postrail.configuration.load import mail_accounts
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.plan import make_plan
from postrail.configuration.sealing import check_secrets, secret_if_applied
from postrail.database import Connection, Transactions
from postrail.errors import ConfigurationError, PipelineError
from postrail.mailbox.trial import try_account
from postrail.oauth.tokens import AccessTokens
from postrail.secrets import Secrets
from postrail.views.mailboxes import folders
from postrail.wire.timed_steps import ReadSoFar, Step


@dataclass(frozen=True)
class Candidate:
    """An account to test, with its password and the position up to which it was read."""

    account: MailAccount
    # Returns the password; raises PipelineError when it cannot be read.
    password: Callable[[], str]
    so_far: ReadSoFar | None


async def stored_candidate(transactions: Transactions, secrets: Secrets, name: str) -> Candidate:
    """Returns the account as it is stored; raises PermanentError for an unknown name."""
    async with transactions() as connection:
        account = account_named(name, await mail_accounts(connection))
        so_far = await _read_so_far(connection, account)
    return Candidate(account, lambda: secrets.reveal(account.password), so_far)


async def file_candidates(
    transactions: Transactions,
    secrets: Secrets,
    entries: Sequence[Entry],
    name: str,
    *,
    file: str,
) -> list[Candidate]:
    """Returns the accounts of a file, or the named one, with the passwords they would have.

    The database is only required for what the file leaves out. Raises ConfigurationError for an
    unknown name, and for a file that apply would refuse.
    """
    chosen = _accounts(entries, name, file)
    try:
        async with transactions() as connection:
            await _check_token_hosts(connection, secrets, chosen, entries, file)
            return [await _candidate(entry, entries, secrets, file, connection) for entry in chosen]
    except PipelineError:
        if all(_is_complete(entry) for entry in chosen):
            return [await _candidate(entry, entries, secrets, file, None) for entry in chosen]
        raise


async def test_account(candidate: Candidate, tokens: AccessTokens) -> AsyncIterator[Step]:
    """Yields the steps as they are done, up to the first that fails.

    They run in a thread; access tokens are fetched in this event loop meanwhile.
    """
    account = candidate.account
    bearer = tokens.bearer(account) if account.credential else None
    steps = try_account(account, lambda: bearer or candidate.password(), candidate.so_far)
    while step := await asyncio.to_thread(next, steps, None):
        yield step


def _accounts(entries: Sequence[Entry], name: str, file: str) -> list[Entry]:
    found = [
        entry
        for entry in entries
        if isinstance(entry.thing, MailAccount) and name in ("", entry.identity)
    ]
    if not found:
        what = f"mail account {name!r}" if name else "mail account"
        raise ConfigurationError(f"there is no {what} in {file}", remedy="Name another one")
    return found


def _is_complete(entry: Entry) -> bool:
    assert isinstance(entry.thing, MailAccount)
    # A folder of this machine is opened without a login.
    return "password" in entry.given or entry.thing.protocol == "folder"


async def _check_token_hosts(
    connection: Connection,
    secrets: Secrets,
    chosen: Sequence[Entry],
    entries: Sequence[Entry],
    file: str,
) -> None:
    """Refuses what apply would refuse: tokens are only sent to the hosts of their credential."""
    if any(getattr(entry.thing, "credential", "") for entry in chosen):
        make_plan(entries, await store.read_all(connection), secrets, file=file)


async def _candidate(
    entry: Entry,
    entries: Sequence[Entry],
    secrets: Secrets,
    file: str,
    connection: Connection | None,
) -> Candidate:
    account = entry.thing
    assert isinstance(account, MailAccount)
    if account.login_of and connection:
        return await _candidate_of_connection(account, entries, secrets, file, connection)
    stored = await store.read(connection, MAIL_ACCOUNT) if connection else []
    before = next((one for one in stored if one.name == account.name), None)
    check_secrets(entry, before, file)
    return Candidate(
        account,
        lambda: secret_if_applied(entry, "password", before, secrets),
        await _read_so_far(connection, account) if connection else None,
    )


async def _candidate_of_connection(
    account: MailAccount,
    entries: Sequence[Entry],
    secrets: Secrets,
    file: str,
    connection: Connection,
) -> Candidate:
    """Returns the account with the login of its connection, as both are once applied."""
    existing = await store.read_all(connection)
    plan = make_plan(entries, existing, secrets, file=file)
    after = [one.after for one in plan.changes]
    connections = Proposal(entries=(), existing=existing).all_stored(OutgoingConnection)
    connections |= {one.name: one for one in after if isinstance(one, OutgoingConnection)}
    own = next(one for one in after if isinstance(one, MailAccount) and one.name == account.name)
    used = with_login(own, connections)
    so_far = await _read_so_far(connection, used)
    return Candidate(used, lambda: secrets.reveal(used.password), so_far)


async def _read_so_far(connection: Connection, account: MailAccount) -> ReadSoFar | None:
    for one in await folders(connection, account.name):
        if one.folder == account.folder:
            return ReadSoFar(one.uid_validity, one.last_uid)
    return None
