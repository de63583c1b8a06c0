"""Provides valid access tokens for accounts and connections, safely over replicas and commands.

A refresh token may be valid for one use only, and each use may return the next one. So the
owner's row is locked during the use, and the new refresh token is committed before the access
token that came with it is used. See docs/adr/0014.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from postrail.clock import Clock
from postrail.configuration import load
from postrail.configuration.configured import TokenOwner
from postrail.configuration.models.credential import OAuthCredential
from postrail.database import Connection, Transactions
from postrail.errors import ConfigurationError, TransientError
from postrail.oauth import (
    BearerToken,
    NeedsAuthorization,
    Provider,
    ProviderUnavailable,
    TokenSource,
)
from postrail.oauth import token_table as table
from postrail.oauth.providers import ProviderFor, provider_for
from postrail.oauth.token_rows import awaits_a_person, blank_row, bound_to, explained, with_tokens
from postrail.oauth.token_table import TokenRow
from postrail.retry import backoff_seconds
from postrail.secrets import Secrets

# A token must stay valid this long, because it is used for some time after the call.
LEFT_SECONDS = 300.0
# A refused token that is younger is not renewed: the server would refuse the next one too.
JUST_OBTAINED_SECONDS = 60.0
# A refresh holds a connection to PostgreSQL for as long as the provider takes.
REFRESHES_AT_ONCE = 2
UNAVAILABLE_BASE_SECONDS = 2.0
UNAVAILABLE_MAX_SECONDS = 300.0
# A caller waits this long for its turn and for the provider together.
ASK_SECONDS = 60.0
CLOSE_SECONDS = 20.0
# Back-off for saving new tokens when PostgreSQL became unavailable after they were issued.
SAVE_BASE_SECONDS = 0.5
SAVE_MAX_SECONDS = 5.0


@dataclass
class _Pause:
    """A provider that was unavailable is not asked again by each of its owners."""

    failures: int
    until: datetime
    error: ProviderUnavailable


class AccessTokens:
    """Provides access tokens and renews them in time; safe over replicas."""

    def __init__(
        self,
        transactions: Transactions,
        secrets: Secrets,
        clock: Clock,
        provider_for: ProviderFor = provider_for,
    ) -> None:
        self._transactions = transactions
        self._secrets = secrets
        self._clock = clock
        self._provider_for = provider_for
        self._gate = asyncio.Semaphore(REFRESHES_AT_ONCE)
        self._pauses: dict[str, _Pause] = {}
        self._running: set[asyncio.Task[str]] = set()

    async def token(self, owner: TokenOwner, *, refused: str = "") -> str:
        """Returns a token that stays valid for minutes; not `refused`, unless that is new.

        Raises NeedsAuthorization, ConfigurationError, or TransientError (ProviderUnavailable).
        """
        async with self._transactions() as connection:
            credential = await credential_of(connection, owner)
            row = await table.find(connection, owner)
        bound = bound_to(credential, owner)
        if row and (found := self._usable(row, bound, refused)):
            return found
        if row and row.state != "authorized" and awaits_a_person(row, credential, bound):
            raise NeedsAuthorization(owner, row.reason)
        if error := self._still_unavailable(credential):
            raise error
        # A refresh runs to its end even if the caller is cancelled: a refresh token that was used
        # and whose successor is lost may end the authorization.
        task = asyncio.create_task(self._refresh(owner, credential, refused))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def source(self, owner: TokenOwner) -> TokenSource:
        """Returns a function that fetches a token, for the tasks of this event loop.

        They must not wait for `bearer` in a thread: renewing a token takes a thread too, and all
        of them may be waiting.
        """

        async def ask(refused: str) -> str:
            try:
                async with asyncio.timeout(ASK_SECONDS):
                    return await self.token(owner, refused=refused)
            except TimeoutError as error:
                raise _no_token_in_time(owner) from error

        return ask

    def bearer(self, owner: TokenOwner) -> BearerToken:
        """Returns a function that fetches a token on this event loop, for threads of their own."""
        loop = asyncio.get_running_loop()

        def ask(refused: str) -> str:
            asked = asyncio.run_coroutine_threadsafe(self.token(owner, refused=refused), loop)
            try:
                return asked.result(ASK_SECONDS)
            except TimeoutError as error:
                asked.cancel()
                raise _no_token_in_time(owner) from error

        return ask

    async def close(self) -> None:
        """Waits for running refreshes, at most CLOSE_SECONDS."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=CLOSE_SECONDS)

    def _ended(self, task: asyncio.Task[str]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            # Retrieved here, because the caller may have been cancelled.
            task.exception()

    async def _refresh(self, owner: TokenOwner, credential: OAuthCredential, refused: str) -> str:
        async with self._gate:
            # It may have become unavailable while we waited for our turn.
            if error := self._still_unavailable(credential):
                raise error
            try:
                provider = await asyncio.to_thread(
                    self._provider_for, credential, owner, self._secrets, self._clock
                )
                row = await self._refresh_row(owner, credential, refused, provider)
            except ProviderUnavailable as unavailable:
                self._pause(credential, unavailable)
                raise
        self._pauses.pop(credential.name, None)
        if row.state == "needs_authorization":
            raise NeedsAuthorization(owner, row.reason)
        return self._secrets.reveal(row.access_token)

    async def _refresh_row(
        self, owner: TokenOwner, credential: OAuthCredential, refused: str, provider: Provider
    ) -> TokenRow:
        """Refreshes under the lock of the owner's row; returns the row as committed."""
        bound, renewed = bound_to(credential, owner), None
        try:
            async with self._transactions() as connection:
                row = await table.lock(connection, blank_row(owner, credential, self._clock.now()))
                if self._usable(row, bound, refused):
                    return row
                if awaits_a_person(row, credential, bound):
                    renewed = explained(row)
                else:
                    renewed = await self._renewed(row, bound, credential, provider)
                await table.save(connection, renewed)
        except TransientError:
            if renewed is None:
                raise
            # PostgreSQL became unavailable in between; the new tokens must not be lost.
            return await self._save_at_last(renewed, row)
        return renewed

    async def _save_at_last(self, renewed: TokenRow, used: TokenRow) -> TokenRow:
        """Saves once PostgreSQL is available again, unless a person has signed in meanwhile."""
        attempt = 0
        while True:
            attempt += 1
            seconds = backoff_seconds(attempt, SAVE_BASE_SECONDS, SAVE_MAX_SECONDS)
            await self._clock.sleep(seconds)
            with contextlib.suppress(TransientError):
                async with self._transactions() as connection:
                    row = await table.lock(connection, used)
                    if row.refresh_token != used.refresh_token:
                        # It was committed after all, or a newer one was stored.
                        return row
                    await table.save(connection, renewed)
                return renewed

    async def _renewed(
        self, row: TokenRow, bound: str, credential: OAuthCredential, provider: Provider
    ) -> TokenRow:
        try:
            if credential.interactive:
                refresh_token = self._secrets.reveal(row.refresh_token)
                tokens = await asyncio.to_thread(provider.refresh, refresh_token)
            else:
                tokens = await asyncio.to_thread(provider.own_token)
        except NeedsAuthorization as error:
            return replace(
                row,
                state="needs_authorization",
                reason=error.reason,
                access_token="",
                changed_at=self._clock.now(),
            )
        return with_tokens(row, tokens, bound, self._secrets, self._clock.now())

    def _usable(self, row: TokenRow, bound: str, refused: str) -> str:
        """Returns the row's access token if it may be used, else a blank text."""
        if not row.access_token or row.bound_to != bound or row.state != "authorized":
            return ""
        assert row.expires_at is not None
        assert row.obtained_at is not None
        now = self._clock.now()
        lifetime = row.expires_at - row.obtained_at
        if row.expires_at - now <= min(timedelta(seconds=LEFT_SECONDS), lifetime / 2):
            return ""
        found = self._secrets.reveal(row.access_token)
        if found == refused and now - row.obtained_at > timedelta(seconds=JUST_OBTAINED_SECONDS):
            return ""
        return found

    def _still_unavailable(self, credential: OAuthCredential) -> ProviderUnavailable | None:
        pause = self._pauses.get(credential.name)
        return pause.error if pause and self._clock.now() < pause.until else None

    def _pause(self, credential: OAuthCredential, error: ProviderUnavailable) -> None:
        known = self._pauses.get(credential.name)
        failures = known.failures + 1 if known else 1
        seconds = max(
            backoff_seconds(failures, UNAVAILABLE_BASE_SECONDS, UNAVAILABLE_MAX_SECONDS),
            error.retry_after_seconds,
        )
        until = self._clock.now() + timedelta(seconds=seconds)
        self._pauses[credential.name] = _Pause(failures, until, error)


def _no_token_in_time(owner: TokenOwner) -> ProviderUnavailable:
    return ProviderUnavailable(f"{owner.title} got no token within {ASK_SECONDS:.0f} s")


async def credential_of(connection: Connection, owner: TokenOwner) -> OAuthCredential:
    """Returns the owner's credential; raises ConfigurationError when it does not fit."""
    for credential in await load.oauth_credentials(connection):
        if credential.name == owner.credential:
            if owner.host.lower() in credential.hosts:
                return credential
            raise ConfigurationError(
                f"{owner.host} may not receive tokens of credential {credential.name}",
                setting=f"credential {credential.name}: hosts",
                remedy="Add the server to its hosts with postrail apply",
            )
    raise ConfigurationError(
        f"{owner.title} has no OAuth2 credential {owner.credential!r}",
        setting=f"{owner.title}: credential",
        remedy="Name an existing one, or add it under credentials with postrail apply",
    )
