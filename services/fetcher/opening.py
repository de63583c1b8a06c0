"""Makes the Mailbox that an account's protocol asks for."""

from __future__ import annotations

import asyncio

from postrail.accounts.models import MailAccount
from postrail.clock import Clock
from postrail.errors import ConfigurationError
from postrail.mailbox import Mailbox
from postrail.mailbox.faults import setting_of
from postrail.mailbox.graph import GraphMailbox
from postrail.mailbox.graph_http import BearerToken
from postrail.mailbox.imap import ImapMailbox
from postrail.mailbox.ledger import Ledger
from postrail.secrets import Secrets
from services.fetcher.deltas import PostgresDeltas
from services.fetcher.ledger import PostgresLedger
from services.fetcher.store import PostgresStore


class Mailboxes:
    """Mailboxes for accounts, not opened yet."""

    def __init__(
        self, store: PostgresStore, secrets: Secrets, clock: Clock, full_listing_seconds: float
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._clock = clock
        self._full_listing_seconds = full_listing_seconds

    def mailbox_for(self, account: MailAccount) -> Mailbox:
        """Raises ConfigurationError when the account's secret cannot be revealed."""
        if account.protocol == "microsoft_graph":
            return self._graph(account)
        password = self._secrets.reveal(account.password)
        return ImapMailbox(account, password)

    def _graph(self, account: MailAccount) -> Mailbox:
        return GraphMailbox(
            account,
            self._bearer(account),
            ledger=self._ledger(account),
            deltas=PostgresDeltas(
                self._store, asyncio.get_running_loop(), account.name, account.folder
            ),
            clock=self._clock,
            full_listing_seconds=self._full_listing_seconds,
        )

    def _bearer(self, account: MailAccount) -> BearerToken:
        """The account's access tokens."""
        raise ConfigurationError(
            f"mail account {account.name} has no OAuth2 credential",
            setting=setting_of(account, "credential"),
            remedy="Name the credential whose tokens open the mailbox",
        )

    def _ledger(self, account: MailAccount) -> Ledger:
        loop = asyncio.get_running_loop()
        return PostgresLedger(self._store, loop, account.name, account.folder)
