"""Credentials, accounts and transactions for tests of OAuth2 on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from pydantic import SecretStr

from postrail.clock import SettableClock
from postrail.configuration import store
from postrail.configuration.models.credential import OAuthCredential
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.project import Project
from postrail.database import Connection, one_connection
from postrail.oauth import TokenSource
from postrail.oauth.authorize import Authorization
from postrail.oauth.tokens import AccessTokens
from postrail.secrets import Secrets, generate_key
from postrail.settings import DatabaseSettings, SecretSettings
from tests.servers.certificates import Certificates
from tests.servers.oauth_provider import TENANT, OAuthProvider

ADDRESS = "help@example.org"


def source_of(*given: str) -> TokenSource:
    """Returns a source that gives these tokens, and the last one again and again."""
    left = list(given)

    async def ask(refused: str) -> str:
        return left.pop(0) if len(left) > 1 else left[0]

    return ask


class Desk:
    """One account that logs in with tokens, a database, and a clock that the test sets."""

    def __init__(self, certificates: Certificates, database_url: str) -> None:
        self.certificates = certificates
        self.database = DatabaseSettings(url=SecretStr(database_url))
        self.key = generate_key()
        self.secrets = Secrets(SecretSettings(keys=SecretStr(self.key)))
        # The fake checks the lifetime of assertions by the machine's clock.
        self.clock = SettableClock(datetime.now(UTC))
        self.account = account()

    def credential_of(self, provider: str, **values: Any) -> OAuthCredential:
        """Returns a credential whose tokens may be sent to this machine."""
        given = {
            "name": "desk",
            "provider": provider,
            "client_id": "app",
            "client_secret": self.secrets.seal("client-s3cret"),
            "hosts": ["localhost"],
            "ca_file": str(self.certificates.ca_file),
        }
        return OAuthCredential.model_validate(given | values)

    async def store(self, given: OAuthCredential, **changes: Any) -> None:
        """Writes the credential and the account, as `postrail apply` does."""
        self.account = account(**changes)
        project = Project(key="HELP", name="Help")
        async with self.transaction() as connection:
            for thing in (project, given, self.account):
                await store.save(
                    connection, thing, before=None, author="test", now=self.clock.now()
                )

    def transaction(self) -> AbstractAsyncContextManager[Connection]:
        """Returns a transaction on a new connection."""
        return one_connection(self.database)

    def tokens(self) -> AccessTokens:
        """Returns the tokens of one more replica."""
        return AccessTokens(self.transaction, self.secrets, self.clock)

    def authorization(self) -> Authorization:
        """Returns a new authorization of the account."""
        return Authorization(self.account, self.transaction, self.secrets, self.clock)

    async def row(self) -> tuple[Any, ...]:
        """Returns state, reason and the revealed tokens of the account."""
        async with self.transaction() as connection:
            cursor = await connection.execute(
                "SELECT state, reason, refresh_token, access_token FROM oauth_token"
                " WHERE mail_account = %s",
                [self.account.name],
            )
            found = await cursor.fetchone()
        assert found is not None
        return (*found[:2], self.secrets.reveal(found[2]), self.secrets.reveal(found[3]))


class Scene(Desk):
    """A desk with a stateful fake provider that can be told to fail."""

    def __init__(
        self, provider: OAuthProvider, certificates: Certificates, database_url: str
    ) -> None:
        super().__init__(certificates, database_url)
        self.provider = provider

    def custom(self, **values: Any) -> OAuthCredential:
        """Returns a credential of a provider that publishes its addresses."""
        return self.credential_of("custom", authority=self.provider.authority, **values)

    def microsoft(self, **values: Any) -> OAuthCredential:
        """Returns a credential of a Microsoft cloud on this machine."""
        given = {"tenant": TENANT, **values}
        return self.credential_of("microsoft", authority=self.provider.authority, **given)

    def google(self, **values: Any) -> OAuthCredential:
        """Returns a credential of Google with overridden addresses."""
        known = self.provider.configuration()
        return self.credential_of(
            "google",
            authorization_url=known["authorization_endpoint"],
            token_url=known["token_endpoint"],
            **values,
        )

    async def authorize(self) -> None:
        """Signs a person in."""
        begun = await self.authorization().begin()
        answer = await asyncio.to_thread(self.browse, begun.address)
        await self.authorization().finish(answer, begun.state)

    def browse(self, address: str) -> str:
        """Returns the redirect address with the answer, at which a browser ends."""
        with httpx.Client(verify=self.certificates.client_context()) as client:
            response = client.get(address)
        return response.headers.get("Location", "") or response.text

    def query(self, address: str) -> dict[str, str]:
        """Returns the parameters of an address."""
        return dict(parse_qsl(urlsplit(address).query))


def account(**changes: Any) -> MailAccount:
    """Returns a mail account that logs in with tokens."""
    values = {
        "name": "support",
        "host": "localhost",
        "credential": "desk",
        "address": ADDRESS,
        "project": "HELP",
    }
    return MailAccount.model_validate(values | changes)
