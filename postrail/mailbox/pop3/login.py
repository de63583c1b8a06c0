"""From a socket to a POP3 session: greeting, encryption, capabilities, login."""

from __future__ import annotations

from postrail.configuration.models.mail_account import MailAccount, plain_login_allowed
from postrail.mailbox import MailboxUnavailable
from postrail.mailbox.faults import (
    plain_login_fault,
    plain_login_forbidden,
    starttls_missing,
    tls_context,
    words_of,
)
from postrail.mailbox.login import (
    CANCELLED,
    Login,
    asked_for,
    initial_response,
    mechanism_of,
    token_refused,
)
from postrail.mailbox.pop3.dialogue import Dialogue, Refused
from postrail.mailbox.pop3.faults import is_passing, login_fault
from postrail.oauth import BearerToken

# What the server says that it can do: names in capitals, with their arguments (RFC 2449).
Capabilities = dict[str, list[str]]


def log_in(dialogue: Dialogue, account: MailAccount, login: Login, secret: str) -> Capabilities:
    """Comes to the state in which mails are asked for; returns what the server can do.

    `secret` is the password, or the token that the login has given.
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
        _give_password(dialogue, account, secret, capabilities)
    else:
        _give_token(dialogue, account, login, secret, capabilities)
    # RFC 2449, 6.5: with USER the delay is another one for each user, and is told after the login.
    if "USER" in capabilities.get("LOGIN-DELAY", ()):
        capabilities |= _capabilities(dialogue)
    return capabilities


def login_delay_seconds(capabilities: Capabilities) -> int:
    """How far apart logins must be; 0 where the server does not say."""
    seconds = capabilities.get("LOGIN-DELAY", [""])[:1]
    return int(seconds[0]) if seconds and seconds[0].isdecimal() and len(seconds[0]) < 9 else 0


def _start_tls(dialogue: Dialogue, account: MailAccount) -> None:
    """Asks without looking at the capabilities first, which not every server tells."""
    context = tls_context(account)
    try:
        dialogue.ask("STLS")
    except Refused as error:
        if is_passing(error):
            raise
        if account.encryption == "starttls":
            raise starttls_missing(account, error) from error
        return
    dialogue.encrypt(context, account.host)


def _capabilities(dialogue: Dialogue) -> Capabilities:
    """Empty for a server that does not know CAPA."""
    try:
        told = dialogue.listing("CAPA")
        lines = [line.decode("ascii", "replace").upper().split() for line in told]
    except Refused:
        return {}
    return {words[0]: words[1:] for words in lines if words}


def _give_password(
    dialogue: Dialogue, account: MailAccount, password: str, capabilities: Capabilities
) -> None:
    offers_plain = "PLAIN" in capabilities.get("SASL", ())
    lacks_user = bool(capabilities) and "USER" not in capabilities
    if lacks_user and not offers_plain and not dialogue.encrypted:
        # Such servers do not name a way to give a password as long as others could read it.
        raise plain_login_fault(account)
    words = account.username + password
    # USER and PASS are lines of ASCII; PLAIN is defined in UTF-8 (RFC 4616).
    unfit = not words.isascii() or not words.isprintable() or " " in account.username
    try:
        if unfit or (lacks_user and offers_plain):
            dialogue.authenticate("PLAIN", f"\0{account.username}\0{password}".encode())
        else:
            dialogue.ask(f"USER {account.username}")
            dialogue.ask(f"PASS {password}")
    except Refused as error:
        raise login_fault(account, error) from error


def _give_token(
    dialogue: Dialogue,
    account: MailAccount,
    login: BearerToken,
    token: str,
    capabilities: Capabilities,
) -> None:
    """A refused token that is no longer new is renewed once."""
    # A server that does not tell what it can do may know what Google and Microsoft describe.
    mechanism = mechanism_of(account, capabilities.get("SASL", ()) if capabilities else ["XOAUTH2"])
    for _ in range(2):
        try:
            words = initial_response(account, mechanism, token)
            dialogue.authenticate(mechanism, words, CANCELLED[mechanism])
            return
        except Refused as error:
            if is_passing(error):
                raise login_fault(account, error) from error
            refused, token = token, asked_for(login, token)
            if token == refused:
                raise token_refused(account, words_of(error), error.challenge) from error
    raise MailboxUnavailable(
        f"{account.host} refused two tokens in a row; a third one may be taken"
    )
