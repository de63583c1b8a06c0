"""Checks the mail servers: each account's mailbox and each outgoing connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from postrail.clock import Clock, SystemClock
from postrail.configuration.load import mail_accounts, outgoing_connections
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import TimeLimit
from postrail.courier.make import courier_for, login_of
from postrail.database import one_connection
from postrail.doctor import Finding, fine, warning, wrong
from postrail.errors import PipelineError
from postrail.mailbox import Mailbox
from postrail.mailbox.folder.mailbox import path_fault, place_of
from postrail.mailbox.graph import folders as graph_folders
from postrail.mailbox.imap.mailbox import ImapMailbox
from postrail.mailbox.ledger import PassingLedger
from postrail.mailbox.pop3.mailbox import Pop3Mailbox
from postrail.oauth.tokens import AccessTokens
from postrail.secrets import Secrets
from postrail.settings import Settings
from postrail.wire.login import Login, login_for

AT_ONCE = 8
DIALOGUE_SECONDS = 30.0


async def check_mail_servers(settings: Settings, clock: Clock) -> list[Finding]:
    """Returns a finding for each enabled account and connection."""
    try:
        secrets = Secrets(settings.secrets)
        async with one_connection(settings.database) as connection:
            accounts = await mail_accounts(connection)
            connections = await outgoing_connections(connection)
    except PipelineError as error:
        return [wrong("accounts", error)]
    tokens = AccessTokens(lambda: one_connection(settings.database), secrets, clock)
    checks = [
        *(check_account(account, secrets, tokens) for account in accounts if account.enabled),
        *(check_connection(one, secrets, tokens, clock) for one in connections if one.enabled),
    ]
    return await _a_few_at_once(checks) or [fine("accounts", "none is configured yet")]


async def check_account(account: MailAccount, secrets: Secrets, tokens: AccessTokens) -> Finding:
    """Logs in and opens the folder; renews an expired token for that."""
    part = f"account {account.name}"
    if account.protocol == "folder":
        return await asyncio.to_thread(check_folder, account)
    try:
        await _in_own_thread(_open, account, login_for(account, secrets, tokens))
    except PipelineError as error:
        setting = f"mail account {account.name}: host, port, username"
        return wrong(part, error, setting=setting, remedy="Try again, and read the server's log")
    says = f"{account.username} can open {account.folder} at {account.host}"
    return _works(part, says, f"mail account {account.name}", account)


async def _in_own_thread(function: Callable[..., None], *arguments: object) -> None:
    """Runs what may wait for a token in a thread of its own.

    Renewing a token takes one of the event loop's threads, all of which may be waiting else.
    """
    thread = ThreadPoolExecutor(1)
    try:
        await asyncio.get_running_loop().run_in_executor(thread, function, *arguments)
    finally:
        thread.shutdown(wait=False)


def check_folder(account: MailAccount) -> Finding:
    """Lists the messages in a folder of this machine."""
    part = f"account {account.name}"
    try:
        with path_fault(account):
            place = place_of(account, SystemClock())
            count = len(place.list_messages())
            place.close()
    except PipelineError as error:
        return wrong(part, error)
    messages = "1 message" if count == 1 else f"{count} messages"
    return fine(part, f"{account.path} can be read and holds {messages}")


def _open(account: MailAccount, login: Login) -> None:
    if account.protocol == "microsoft_graph" and not isinstance(login, str):
        graph_folders.check_folder(account, login)
        return
    # The dialogue goes to a service's log, which a command does not have.
    account = account.model_copy(update={"debug": False})
    mailbox: Mailbox = ImapMailbox(account, login)
    if account.protocol == "pop3":
        mailbox = Pop3Mailbox(account, login, PassingLedger())
    mailbox.open()
    mailbox.close()


async def check_connection(
    connection: OutgoingConnection, secrets: Secrets, tokens: AccessTokens, clock: Clock
) -> Finding:
    """Connects, logs in and names the sender, without sending a message."""
    part = f"connection {connection.name}"
    try:
        # The dialogue goes to a service's log, which a command does not have.
        silent = connection.model_copy(update={"debug": False})
        courier = courier_for(silent, login_of(silent, secrets, tokens), clock)
        end = clock.steady() + DIALOGUE_SECONDS
        await courier.check(TimeLimit(dot_before=end, end_before=end))
        await courier.close()
    except PipelineError as error:
        setting = f"outgoing connection {connection.name}: host, port, username"
        return wrong(part, error, setting=setting, remedy="Try again, and read the server's log")
    says = f"{connection.host} accepts messages from {connection.from_address}"
    return _works(part, says, f"outgoing connection {connection.name}", connection)


def _works(part: str, says: str, setting: str, thing: MailAccount | OutgoingConnection) -> Finding:
    found = thing.risks()
    if not found:
        return fine(part, says)
    return warning(
        part,
        f"{says}, but {'; '.join(found)}",
        setting=f"{setting}: verify_certificate, ca_file, encryption",
        remedy="Name the server's certificate authority in ca_file, and use ssl or starttls",
    )


async def _a_few_at_once(checks: Sequence[Awaitable[Finding]]) -> list[Finding]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def run(check: Awaitable[Finding]) -> Finding:
        async with slots:
            return await check

    return await asyncio.gather(*map(run, checks))
