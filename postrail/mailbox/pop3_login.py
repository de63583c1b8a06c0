"""From a socket to a POP3 session: greeting, encryption, capabilities, login."""

from __future__ import annotations

import base64
from collections.abc import Callable

from postrail.accounts.models import MailAccount, plain_login_allowed
from postrail.mailbox.faults import (
    plain_login_fault,
    plain_login_unwanted,
    starttls_missing,
    tls_context,
)
from postrail.mailbox.pop3_dialogue import Dialogue, Refused
from postrail.mailbox.pop3_faults import is_passing, login_fault

# What the server says that it can do: names in capitals, with their arguments (RFC 2449).
Capabilities = dict[str, list[str]]
# Gives an access token that is still good for a login.
Token = Callable[[], str]


def log_in(
    dialogue: Dialogue, account: MailAccount, password: str, token: Token | None
) -> Capabilities:
    """Comes to the state in which mails are asked for; returns what the server can do."""
    if account.encryption == "ssl":
        dialogue.encrypt(tls_context(account), account.host)
    dialogue.greeting()
    if account.encryption in ("starttls", "starttls_if_available"):
        _start_tls(dialogue, account)
    if not dialogue.encrypted and not plain_login_allowed(account):
        raise plain_login_unwanted(account)
    capabilities = _capabilities(dialogue)
    _require_login(dialogue, account, capabilities)
    try:
        if token is not None:
            dialogue.authenticate("XOAUTH2", _bearer(account.username, token()))
        else:
            _give_password(dialogue, account.username, password, capabilities)
    except Refused as error:
        raise login_fault(account, error) from error
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
        lines = [line.decode("ascii", "replace").upper().split() for line in dialogue.lines("CAPA")]
    except Refused:
        return {}
    return {words[0]: words[1:] for words in lines if words}


def _require_login(dialogue: Dialogue, account: MailAccount, capabilities: Capabilities) -> None:
    """Servers that take no password over a plain line do not name a way to give it there."""
    ways = {"PLAIN", "XOAUTH2"} & set(capabilities.get("SASL", ()))
    if capabilities and "USER" not in capabilities and not ways and not dialogue.encrypted:
        raise plain_login_fault(account)


def _give_password(
    dialogue: Dialogue, username: str, password: str, capabilities: Capabilities
) -> None:
    # USER and PASS are lines of ASCII; PLAIN is defined in UTF-8 (RFC 4616).
    unfit = not (username + password).isascii() or not (username + password).isprintable()
    missing = bool(capabilities) and "USER" not in capabilities
    if unfit or " " in username or (missing and "PLAIN" in capabilities.get("SASL", ())):
        dialogue.authenticate("PLAIN", _base64(f"\0{username}\0{password}"))
    else:
        dialogue.ask(f"USER {username}")
        dialogue.ask(f"PASS {password}")


def _bearer(username: str, token: str) -> str:
    """Google's and Microsoft's XOAUTH2."""
    return _base64(f"user={username}\1auth=Bearer {token}\1\1")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")
