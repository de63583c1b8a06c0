"""Makes the Mailbox that an account's protocol asks for."""

from __future__ import annotations

import asyncio

from postrail.clock import Clock
from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox import Mailbox
from postrail.mailbox.folder.mailbox import FolderMailbox
from postrail.mailbox.graph.mailbox import GraphMailbox
from postrail.mailbox.imap.mailbox import ImapMailbox
from postrail.mailbox.ledger import Ledger
from postrail.mailbox.login import login_for
from postrail.mailbox.pop3.mailbox import Pop3Mailbox
from postrail.oauth.tokens import AccessTokens
from postrail.secrets import Secrets
from services.fetcher.deltas import PostgresDeltas
from services.fetcher.ledger import PostgresLedger
from services.fetcher.store import PostgresStore


class Mailboxes:
    """Mailboxes for accounts, not opened yet."""

    def __init__(
        self,
        store: PostgresStore,
        secrets: Secrets,
        tokens: AccessTokens,
        clock: Clock,
        full_listing_seconds: float,
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._tokens = tokens
        self._clock = clock
        self._full_listing_seconds = full_listing_seconds

    def mailbox_for(self, account: MailAccount) -> Mailbox:
        """Raises ConfigurationError when the account's secret cannot be revealed."""
        # First of all: an observer is given none, and must not get a mailbox that needs none.
        login = login_for(account, self._secrets, self._tokens)
        match account.protocol:
            case "folder":
                return FolderMailbox(account, self._ledger(account), self._clock)
            case "microsoft_graph":
                return self._graph(account)
            case "pop3":
                return Pop3Mailbox(account, login, self._ledger(account))
            case _:
                return ImapMailbox(account, login)

    def _graph(self, account: MailAccount) -> Mailbox:
        return GraphMailbox(
            account,
            self._tokens.bearer(account),
            ledger=self._ledger(account),
            deltas=PostgresDeltas(
                self._store, asyncio.get_running_loop(), account.name, account.folder
            ),
            clock=self._clock,
            full_listing_seconds=self._full_listing_seconds,
        )

    def _ledger(self, account: MailAccount) -> Ledger:
        loop = asyncio.get_running_loop()
        return PostgresLedger(self._store, loop, account.name, account.folder)
