"""How we log in: by a password, or by tokens (XOAUTH2, and OAUTHBEARER of RFC 7628).

The same for each protocol: here are the words that go to the server, and what its refusal means.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection
from typing import Literal

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError
from postrail.mailbox import MailboxUnavailable
from postrail.mailbox.faults import server_of, setting_of
from postrail.oauth import BearerToken, ProviderUnavailable
from postrail.oauth.tokens import AccessTokens
from postrail.secrets import Secrets

# A password, or what gives a token whenever the mailbox is opened.
Login = str | BearerToken
# Called when it is the login's turn, as to find it may itself fail.
LoginOf = Callable[[], Login]
Mechanism = Literal["XOAUTH2", "OAUTHBEARER"]

# An empty answer to the server's words about a refused token; it says NO only then.
CANCELLED = {"XOAUTH2": b"", "OAUTHBEARER": b"\x01"}
SHOWN_CHARACTERS = 200


def login_for(account: MailAccount, secrets: Secrets, tokens: AccessTokens) -> Login:
    """The account's login; called in the event loop that `tokens` works in."""
    # Also where there is none: an observer is refused here, whatever it would log in with.
    password = secrets.reveal(account.password)
    return tokens.bearer(account) if account.credential else password


def asked_for(login: BearerToken, refused: str = "") -> str:
    """A token, or another one than was refused; a provider that is away is no fault of ours."""
    try:
        return login(refused)
    except ProviderUnavailable as error:
        raise MailboxUnavailable(
            error.problem,
            setting=error.setting,
            remedy=error.remedy,
            after_seconds=error.retry_after_seconds,
        ) from error


def mechanism_of(account: MailAccount, offered: Collection[str]) -> Mechanism:
    """The way to hand over a token; raises ConfigurationError when the server knows none.

    XOAUTH2 is what Google and Microsoft describe; others may have the standard one only.
    """
    if "XOAUTH2" in offered:
        return "XOAUTH2"
    if "OAUTHBEARER" in offered:
        return "OAUTHBEARER"
    raise ConfigurationError(
        f"{server_of(account)} takes no tokens: it offers neither XOAUTH2 nor OAUTHBEARER",
        setting=setting_of(account, "credential, host, encryption"),
        remedy="Check the host, and that the server offers them over this encryption; or log in"
        " with a password, without a credential",
    )


def sasl_words(account: MailAccount, mechanism: Mechanism, token: str) -> bytes:
    """What the client says (developers.google.com/gmail/imap/xoauth2-protocol; RFC 7628, 3.1)."""
    user = account.username
    if mechanism == "XOAUTH2":
        return f"user={user}\x01auth=Bearer {token}\x01\x01".encode()
    # RFC 5801, 4: '=' and ',' have a meaning in this header.
    identity = user.replace("=", "=3D").replace(",", "=2C")
    return f"n,a={identity},\x01auth=Bearer {token}\x01\x01".encode()


def token_refused(account: MailAccount, words: str, challenge: bytes) -> ConfigurationError:
    """The server does not take a token that the provider has just given out."""
    says = "; ".join(part for part in (_challenge_words(challenge), words) if part)
    return ConfigurationError(
        f"{server_of(account)} refused a fresh token for {account.username}: {says}",
        setting=setting_of(account, "username, credential"),
        remedy="Check that the mailbox exists under this user name, that"
        f" {account.wire_protocol.upper()} is enabled for it, that the user may open it, and"
        " that the credential's scopes are those for"
        f" {account.wire_protocol.upper()}; then: postrail accounts authorize {account.name}",
    )


def _challenge_words(challenge: bytes) -> str:
    """The server's JSON about the refusal, as text; what is none of it is left out."""
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
    return "".join(sign if sign.isprintable() else " " for sign in text)[:SHOWN_CHARACTERS]
