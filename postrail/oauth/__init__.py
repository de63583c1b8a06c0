"""OAuth2 tokens for mail accounts and connections: fetched, stored sealed, and renewed once.

Requests to a provider block and run in threads, because msal has no other interface; the rest is
asyncio. Only `tokens.AccessTokens` uses refresh tokens.

Owns the tables: oauth_token, oauth_authorization, connection_token, connection_authorization.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from postrail.configuration.configured import TokenOwner
from postrail.errors import ConfigurationError, TransientError

# Returns an access token, blocking. The argument is a token that a server has refused, or blank: a
# newer token is returned then, or the same one if it has just been fetched.
BearerToken = Callable[[str], str]
# The same for asyncio, without a thread: awaited in the event loop that renews the tokens.
TokenSource = Callable[[str], Awaitable[str]]


class NeedsAuthorization(ConfigurationError):
    """The provider issues no more tokens until a person signs in for their owner again."""

    def __init__(self, owner: TokenOwner, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"{owner.title} needs authorization: {reason}",
            setting=f"{owner.title}: credential",
            remedy=f"Run: {authorize_command(owner)}",
        )


def authorize_command(owner: TokenOwner) -> str:
    """Returns the command by which a person signs in."""
    return f"postrail {owner.command_group} authorize {owner.name}"


class ProviderUnavailable(TransientError):
    """The provider of tokens does not answer, or asks us to retry later."""

    def __init__(
        self, problem: str, *, retry_after_seconds: float = 0.0, remedy: str = "", setting: str = ""
    ) -> None:
        super().__init__(problem, remedy=remedy, setting=setting)
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens that a provider has issued."""

    access_token: str = field(repr=False)
    # Blank: the provider sent none, and the stored one stays valid.
    refresh_token: str = field(repr=False)
    expires_at: datetime
    # The names of the user who signed in, as the provider knows them; none: it did not say.
    signed_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Begun:
    """An authorization that waits until a person signs in at `address`."""

    address: str
    state: str
    # Needed to redeem the answer; secret.
    kept: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A code that a person enters at `address`, on any device."""

    code: str
    address: str
    expires_at: datetime
    interval_seconds: float
    kept: dict[str, Any] = field(repr=False)


class Provider(Protocol):
    """Fetches one owner's tokens from the provider of its credential. Blocking.

    Raises NeedsAuthorization, ConfigurationError and ProviderUnavailable; none shows a secret.
    """

    def begin(self, redirect_address: str) -> Begun:
        """Returns the address at which a person signs in (authorization code with PKCE)."""

    def redeem(self, kept: dict[str, Any], answer: Mapping[str, str]) -> Tokens:
        """Returns the tokens for the parameters of the provider's redirect."""

    def begin_device(self) -> DeviceCode:
        """Returns a code for a person to enter (RFC 8628)."""

    def poll_device(self, device: DeviceCode) -> Tokens | None:
        """Returns the tokens, or None until a person has entered the code."""

    def refresh(self, refresh_token: str) -> Tokens:
        """Returns new tokens; the refresh token may be valid for this one use only."""

    def own_token(self) -> Tokens:
        """Returns a token that needs no sign-in: client credentials, service account."""
