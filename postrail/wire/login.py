"""Logs in to mail servers by a password or by tokens (XOAUTH2, and OAUTHBEARER of RFC 7628).

IMAP and POP3 share the SASL messages that are made here, and the meaning of a refusal.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable, Collection, Iterator
from typing import Literal

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError, ServerUnavailable
from postrail.oauth import BearerToken, ProviderUnavailable, TokenSource
from postrail.oauth.tokens import AccessTokens
from postrail.secrets import Secrets
from postrail.wire import Server
from postrail.wire.faults import server_of, setting_of

# A password, or a function that returns a token whenever the mailbox is opened.
Login = str | BearerToken
# Called by the step that logs in, as finding the login may fail too.
LoginOf = Callable[[], Login]
Mechanism = Literal["XOAUTH2", "OAUTHBEARER"]

# The answer to a challenge that explains a refusal; the server says NO only after it.
CANCELLED = {"XOAUTH2": b"", "OAUTHBEARER": b"\x01"}
SHOWN_CHARACTERS = 200


def login_for(account: MailAccount, secrets: Secrets, tokens: AccessTokens) -> Login:
    """Returns the account's login; called in the event loop that `tokens` works in."""
    # Also for an empty password: it refuses processes that may only observe.
    password = secrets.reveal(account.password)
    return tokens.bearer(account) if account.credential else password


class TokenRefused(Exception):
    """The server refused a token, with these words and maybe a challenge of SASL before them."""

    def __init__(self, words: str, challenge: bytes) -> None:
        super().__init__(words)
        self.challenge = challenge


def secret_of(login: Login) -> str:
    """Returns the password, or a token from the provider."""
    return login if isinstance(login, str) else token_from(login)


def token_from(login: BearerToken, refused: str = "") -> str:
    """Returns a token other than `refused`; an unavailable provider makes the mailbox so."""
    with _provider_as_server():
        return login(refused)


async def token_of(source: TokenSource, refused: str = "") -> str:
    """Returns a token as `token_from` does, for asyncio."""
    with _provider_as_server():
        return await source(refused)


@contextlib.contextmanager
def _provider_as_server() -> Iterator[None]:
    """Reports an unavailable provider of tokens as an unavailable server."""
    try:
        yield
    except ProviderUnavailable as error:
        raise ServerUnavailable(
            error.problem,
            setting=error.setting,
            remedy=error.remedy,
            after_seconds=error.retry_after_seconds,
        ) from error


def log_in_by_token(
    server: Server, login: BearerToken, token: str, attempt: Callable[[str], None]
) -> None:
    """Calls `attempt`, which raises TokenRefused; renews a refused token once, as it may be old.

    Raises ConfigurationError when a new token is refused as well.
    """
    for _ in range(2):
        try:
            attempt(token)
            return
        except TokenRefused as error:
            refused, token = token, token_from(login, token)
            if token == refused:
                raise token_refused(server, str(error), error.challenge) from error.__cause__
    raise ServerUnavailable(f"{server.host} refused two tokens in a row; it may accept a third one")


def mechanism_of(server: Server, offered: Collection[str]) -> Mechanism:
    """Returns the SASL mechanism for tokens; raises ConfigurationError when none is offered.

    Google and Microsoft document XOAUTH2; others may offer only the standard OAUTHBEARER.
    """
    if "XOAUTH2" in offered:
        return "XOAUTH2"
    if "OAUTHBEARER" in offered:
        return "OAUTHBEARER"
    raise ConfigurationError(
        f"{server_of(server)} accepts no tokens: it offers neither XOAUTH2 nor OAUTHBEARER",
        setting=setting_of(server, "credential, host, encryption"),
        remedy="Check the host, and that the server offers one over this encryption; or log in"
        " with a password, without a credential",
    )


def initial_response(user: str, mechanism: Mechanism, token: str) -> bytes:
    """Returns the initial response of SASL.

    See developers.google.com/gmail/imap/xoauth2-protocol, and RFC 7628, 3.1.
    """
    if mechanism == "XOAUTH2":
        return f"user={user}\x01auth=Bearer {token}\x01\x01".encode()
    # RFC 5801, 4: '=' and ',' have a meaning in this header.
    identity = user.replace("=", "=3D").replace(",", "=2C")
    return f"n,a={identity},\x01auth=Bearer {token}\x01\x01".encode()


def token_refused(server: Server, words: str, challenge: bytes) -> ConfigurationError:
    """Returns the error for a server that refused a token which the provider just issued."""
    reason = "; ".join(part for part in (_challenge_text(challenge), words) if part)
    return ConfigurationError(
        f"{server_of(server)} refused a fresh token for {server.username}: {reason}",
        setting=setting_of(server, "username, credential"),
        remedy="Check that the mailbox exists under this user name, that"
        f" {server.wire_protocol.upper()} is enabled for it, that the user may open it, and"
        " that the credential's scopes are those for"
        f" {server.wire_protocol.upper()}; then: postrail {server.command_group} authorize"
        f" {server.name}",
    )


def _challenge_text(challenge: bytes) -> str:
    """Returns the server's JSON about the refusal as text; empty when it is not JSON."""
    if challenge[:1] != b"{":
        try:
            challenge = base64.b64decode(challenge)
        except ValueError:
            return ""
    try:
        found = json.loads(challenge)
    except ValueError:
        return ""
    if not isinstance(found, dict):
        return ""
    text = ", ".join(f"{name} {value}" for name, value in found.items() if value)
    return "".join(character if character.isprintable() else " " for character in text)[
        :SHOWN_CHARACTERS
    ]
