"""Opens a POP3 session on a socket: greeting, encryption, capabilities, login."""

from __future__ import annotations

from postrail.configuration.models.mail_account import MailAccount, plain_login_allowed
from postrail.mailbox.pop3.dialogue import Dialogue, Refused
from postrail.mailbox.pop3.faults import is_temporary, login_fault
from postrail.oauth import BearerToken
from postrail.wire.faults import (
    plain_login_fault,
    plain_login_forbidden,
    starttls_missing,
    tls_context,
    words_of,
)
from postrail.wire.login import (
    CANCELLED,
    Login,
    TokenRefused,
    initial_response,
    log_in_by_token,
    mechanism_of,
)

# The capabilities of RFC 2449 by name, in capitals, with their arguments.
Capabilities = dict[str, list[str]]


def log_in(dialogue: Dialogue, account: MailAccount, login: Login, secret: str) -> Capabilities:
    """Brings the session into the TRANSACTION state; returns the server's capabilities.

    `secret` is the password, or the token that the login returned.
    """
    if account.encryption == "ssl":
        dialogue.encrypt(tls_context(account), account.host)
    dialogue.greeting()
    if account.encryption in ("starttls", "starttls_if_available"):
        _start_tls(dialogue, account)
    if not dialogue.encrypted and not plain_login_allowed(account):
        raise plain_login_forbidden(account)
    capabilities = _capabilities(dialogue)
    if isinstance(login, str):
        _log_in_with_password(dialogue, account, secret, capabilities)
    else:
        _log_in_with_token(dialogue, account, login, secret, capabilities)
    # RFC 2449, 6.5: with USER the delay depends on the user, and is listed after the login.
    if "USER" in capabilities.get("LOGIN-DELAY", ()):
        capabilities |= _capabilities(dialogue)
    return capabilities


def login_delay_seconds(capabilities: Capabilities) -> int:
    """Returns the least time between logins; 0 where the server does not say."""
    seconds = capabilities.get("LOGIN-DELAY", [""])[:1]
    return int(seconds[0]) if seconds and seconds[0].isdecimal() and len(seconds[0]) < 9 else 0


def _start_tls(dialogue: Dialogue, account: MailAccount) -> None:
    """Starts TLS, without asking first for the capabilities, which some servers lack."""
    context = tls_context(account)
    try:
        dialogue.ask("STLS")
    except Refused as error:
        if is_temporary(error):
            raise
        if account.encryption == "starttls":
            raise starttls_missing(account, error) from error
        return
    dialogue.encrypt(context, account.host)


def _capabilities(dialogue: Dialogue) -> Capabilities:
    """Returns the capabilities; empty for a server that lacks CAPA."""
    try:
        listed = dialogue.listing("CAPA")
        lines = [line.decode("ascii", "replace").upper().split() for line in listed]
    except Refused:
        return {}
    return {words[0]: words[1:] for words in lines if words}


def _log_in_with_password(
    dialogue: Dialogue, account: MailAccount, password: str, capabilities: Capabilities
) -> None:
    offers_plain = "PLAIN" in capabilities.get("SASL", ())
    lacks_user = bool(capabilities) and "USER" not in capabilities
    if lacks_user and not offers_plain and not dialogue.encrypted:
        # Such servers offer no login by password while the connection is unencrypted.
        raise plain_login_fault(account)
    words = account.username + password
    # USER and PASS are lines of ASCII; PLAIN is defined in UTF-8 (RFC 4616).
    needs_plain = not words.isascii() or not words.isprintable() or " " in account.username
    try:
        if needs_plain or (lacks_user and offers_plain):
            dialogue.authenticate("PLAIN", f"\0{account.username}\0{password}".encode())
        else:
            dialogue.ask(f"USER {account.username}")
            dialogue.ask(f"PASS {password}")
    except Refused as error:
        raise login_fault(account, error) from error


def _log_in_with_token(
    dialogue: Dialogue,
    account: MailAccount,
    login: BearerToken,
    token: str,
    capabilities: Capabilities,
) -> None:
    """Logs in by XOAUTH2 or OAUTHBEARER; raises ConfigurationError when a new token is refused."""
    # A server without CAPA may know the mechanism that Google and Microsoft document.
    mechanism = mechanism_of(account, capabilities.get("SASL", ()) if capabilities else ["XOAUTH2"])

    def attempt(token: str) -> None:
        response = initial_response(account.username, mechanism, token)
        try:
            dialogue.authenticate(mechanism, response, CANCELLED[mechanism])
        except Refused as error:
            if is_temporary(error):
                raise login_fault(account, error) from error
            raise TokenRefused(words_of(error), error.challenge) from error

    log_in_by_token(account, login, token, attempt)
