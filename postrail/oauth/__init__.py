"""OAuth2 tokens for mail accounts: fetched, kept sealed, and renewed by one process at a time.

What speaks with a provider is blocking and runs in threads (msal knows no other way); the rest is
asyncio. Nobody but `tokens.AccessTokens` uses a refresh token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from postrail.errors import ConfigurationError, TransientError

# Gives an access token, blocking. The argument is one that a server has refused: a newer one is
# given then, or the same when it is as new as can be.
BearerToken = Callable[[str], str]


class NeedsAuthorization(ConfigurationError):
    """The provider gives no more tokens until a person has signed in for the account again."""

    def __init__(self, account: str, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"mail account {account} needs authorization: {reason}",
            setting=f"mail account {account}: credential",
            remedy=f"Run: postrail accounts authorize {account}",
        )


class ProviderUnavailable(TransientError):
    """The provider of tokens does not answer, or wants to be left alone for a while."""

    def __init__(
        self, problem: str, *, retry_after_seconds: float = 0.0, remedy: str = "", setting: str = ""
    ) -> None:
        super().__init__(problem, remedy=remedy, setting=setting)
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a provider gave out."""

    access_token: str = field(repr=False)
    # Blank: the provider gave none, and one that we have stays good.
    refresh_token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Begun:
    """An authorization that waits for a person to sign in at `address`."""

    address: str
    state: str
    # What is needed to redeem the answer; secret.
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
    """One credential's way to its provider's tokens for one mail account. Blocking.

    Faults are NeedsAuthorization, ConfigurationError and ProviderUnavailable; none shows a secret.
    """

    def begin(self, redirect_address: str) -> Begun:
        """The address at which a person signs in (authorization code with PKCE)."""

    def redeem(self, kept: dict[str, Any], answer: Mapping[str, str]) -> Tokens:
        """The tokens for what the provider sent the person's browser back with."""

    def begin_device(self) -> DeviceCode:
        """A code for a person to enter (RFC 8628)."""

    def poll_device(self, device: DeviceCode) -> Tokens | None:
        """The tokens, or None while nobody has entered the code yet."""

    def refresh(self, refresh_token: str) -> Tokens:
        """New tokens; the refresh token may be good for this once only."""

    def own_token(self) -> Tokens:
        """A token for which nobody signs in: client credentials, service account."""
