"""Authorizes a mail account or a connection: a person signs in, and the tokens are stored.

Command and console call the same functions: `begin` returns the address to open, and `finish` takes
the address to which the provider redirected the browser. Another process may finish.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from postrail.clock import Clock
from postrail.configuration.configured import TokenOwner
from postrail.configuration.models.credential import OAuthCredential
from postrail.database import Transactions
from postrail.errors import ConfigurationError
from postrail.oauth import (
    Begun,
    DeviceCode,
    Provider,
    ProviderUnavailable,
    Tokens,
    authorize_command,
)
from postrail.oauth import token_table as table
from postrail.oauth.faults import no_refresh_token
from postrail.oauth.providers import ProviderFor, provider_for
from postrail.oauth.signed_in import other_user
from postrail.oauth.token_rows import blank_row, bound_to, with_tokens
from postrail.oauth.tokens import credential_of
from postrail.secrets import Secrets

# RFC 8628, 3.5: each slow_down answer lengthens the interval by this.
SLOWER_SECONDS = 5.0


class Authorization:
    """Authorizes one mail account or outgoing connection."""

    def __init__(
        self,
        owner: TokenOwner,
        transactions: Transactions,
        secrets: Secrets,
        clock: Clock,
        provider_for: ProviderFor = provider_for,
    ) -> None:
        self._owner = owner
        self._transactions = transactions
        self._secrets = secrets
        self._clock = clock
        self._provider_for = provider_for

    async def begin(self, redirect_address: str = "") -> Begun:
        """Returns the address at which a person signs in; blank takes the credential's redirect."""
        provider = await self._provider()
        redirect = redirect_address or (await self._credential()).redirect_address
        begun = await asyncio.to_thread(provider.begin, redirect)
        async with self._transactions() as connection:
            await table.begin(
                connection,
                self._owner,
                state=begun.state,
                kept=self._secrets.seal(json.dumps(begun.kept)),
                now=self._clock.now(),
            )
        return begun

    async def finish(self, answer: str, state: str = "") -> str:
        """Stores the tokens for an answer: the address that the browser ended at, or a code.

        Returns a note if another user signed in than the one that the server is told, or blank.
        `state` identifies the authorization that was begun; it is required with a code alone.
        """
        found = parsed_answer(answer)
        kept = await self._take(found, state)
        provider = await self._provider()
        found.setdefault("state", state)
        tokens = await asyncio.to_thread(provider.redeem, kept, found)
        await self._store(tokens)
        return other_user(self._owner, tokens.signed_in)

    async def begin_device(self) -> DeviceCode:
        """Returns a code that a person enters on any device."""
        return await asyncio.to_thread((await self._provider()).begin_device)

    async def finish_device(self, device: DeviceCode) -> str:
        """Waits until a person has entered the code, and stores the tokens; see `finish`."""
        provider, seconds = await self._provider(), device.interval_seconds
        while self._clock.now() < device.expires_at:
            await self._clock.sleep(seconds)
            try:
                tokens = await asyncio.to_thread(provider.poll_device, device)
            except ProviderUnavailable as error:
                seconds += max(SLOWER_SECONDS, error.retry_after_seconds)
                continue
            if tokens:
                await self._store(tokens)
                return other_user(self._owner, tokens.signed_in)
        raise ConfigurationError(
            f"the code {device.code} has expired before anyone entered it",
            remedy=f"Run again: {authorize_command(self._owner)}",
        )

    async def fetch(self) -> None:
        """Fetches and stores a token that needs no sign-in; so it tests the credential."""
        provider = await self._provider()
        await self._store(await asyncio.to_thread(provider.own_token))

    async def _credential(self) -> OAuthCredential:
        async with self._transactions() as connection:
            return await credential_of(connection, self._owner)

    async def _provider(self) -> Provider:
        credential = await self._credential()
        return await asyncio.to_thread(
            self._provider_for, credential, self._owner, self._secrets, self._clock
        )

    async def _take(self, answer: Mapping[str, str], state: str) -> dict[str, object]:
        """Returns what `begin` kept; the state proves that the answer belongs to it."""
        wanted = answer.get("state") or state
        kept = None
        if wanted and state in ("", wanted):
            async with self._transactions() as connection:
                kept = await table.take(
                    connection, self._owner, state=wanted, now=self._clock.now()
                )
        if kept is None:
            raise ConfigurationError(
                "the answer does not belong to an open authorization of the last"
                f" {table.AUTHORIZATION_SECONDS // 60} minutes",
                remedy=f"Begin again: {authorize_command(self._owner)}",
            )
        return dict(json.loads(self._secrets.reveal(kept)))

    async def _store(self, tokens: Tokens) -> None:
        credential = await self._credential()
        if credential.interactive and not tokens.refresh_token:
            raise no_refresh_token(credential)
        now = self._clock.now()
        async with self._transactions() as connection:
            row = await table.lock(connection, blank_row(self._owner, credential, now))
            bound = bound_to(credential, self._owner)
            await table.save(connection, with_tokens(row, tokens, bound, self._secrets, now))


def parsed_answer(text: str) -> dict[str, str]:
    """Returns the parameters of an address (RFC 6749, 4.1.2); a text alone is the code."""
    text = text.strip()
    try:
        query = urlsplit(text).query or (text if "=" in text and "://" not in text else "")
    except ValueError:
        query = ""
    found = dict(parse_qsl(query.lstrip("?")))
    if "code" in found or "error" in found:
        return found
    if not text or "://" in text:
        raise ConfigurationError(
            "the answer contains no code",
            remedy="Paste the whole address that the browser ended at, from https:// or http:// on",
        )
    return {"code": text}
