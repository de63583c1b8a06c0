"""Makes the Mailbox that an account's protocol asks for."""

from __future__ import annotations

import asyncio

from postrail.accounts.models import MailAccount
from postrail.clock import SystemClock
from postrail.mailbox import Mailbox
from postrail.mailbox.folder.mailbox import FolderMailbox
from postrail.mailbox.imap import ImapMailbox
from postrail.mailbox.ledger import Ledger
from postrail.secrets import Secrets
from services.fetcher.ledger import PostgresLedger
from services.fetcher.store import PostgresStore


class Mailboxes:
    """Mailboxes for accounts, not opened yet."""

    def __init__(self, store: PostgresStore, secrets: Secrets) -> None:
        self._store = store
        self._secrets = secrets

    def mailbox_for(self, account: MailAccount) -> Mailbox:
        """Raises ConfigurationError when the account's secret cannot be revealed."""
        password = self._secrets.reveal(account.password)
        if account.protocol == "folder":
            return FolderMailbox(account, self._ledger(account), SystemClock())
        return ImapMailbox(account, password)

    def _ledger(self, account: MailAccount) -> Ledger:
        loop = asyncio.get_running_loop()
        return PostgresLedger(self._store, loop, account.name, account.folder)
