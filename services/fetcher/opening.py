"""Makes the Mailbox that an account's protocol asks for."""

from __future__ import annotations

import asyncio

from postrail.accounts.models import MailAccount
from postrail.accounts.oauth.tokens import AccessTokens
from postrail.clock import SystemClock
from postrail.mailbox import Mailbox
from postrail.mailbox.folder.mailbox import FolderMailbox
from postrail.mailbox.imap import ImapMailbox
from postrail.mailbox.ledger import Ledger
from postrail.mailbox.login import login_for
from postrail.mailbox.pop3 import Pop3Mailbox
from postrail.secrets import Secrets
from services.fetcher.ledger import PostgresLedger
from services.fetcher.store import PostgresStore


class Mailboxes:
    """Mailboxes for accounts, not opened yet."""

    def __init__(self, store: PostgresStore, secrets: Secrets, tokens: AccessTokens) -> None:
        self._store = store
        self._secrets = secrets
        self._tokens = tokens

    def mailbox_for(self, account: MailAccount) -> Mailbox:
        """Raises ConfigurationError when the account's secret cannot be revealed."""
        # First of all: an observer is given none, and must not get a mailbox that needs none.
        login = login_for(account, self._secrets, self._tokens)
        if account.protocol == "folder":
            return FolderMailbox(account, self._ledger(account), SystemClock())
        if account.protocol == "pop3":
            return Pop3Mailbox(account, login, self._ledger(account))
        return ImapMailbox(account, login)

    def _ledger(self, account: MailAccount) -> Ledger:
        loop = asyncio.get_running_loop()
        return PostgresLedger(self._store, loop, account.name, account.folder)
