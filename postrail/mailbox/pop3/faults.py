"""What goes wrong between us and a POP3 server, in words that name the account's setting.

`connection_fault` wraps every dialogue; the others make the error for a certain step of it.
"""

from __future__ import annotations

import ssl
from contextlib import AbstractContextManager

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import PipelineError
from postrail.mailbox import MailboxUnavailable, MailUnreadable
from postrail.mailbox.faults import (
    Translation,
    broken_off,
    login_refused,
    network_fault,
    server_of,
    setting_of,
    tls_fault,
    translated,
    unexpected_answer,
    words_of,
)
from postrail.mailbox.pop3.dialogue import NotPop3, Refused

# RFC 2449, 8.1, and RFC 3206, 4: the same may be granted later.
PASSING_CODES = ("[IN-USE]", "[LOGIN-DELAY]", "[SYS/TEMP]")


def connection_fault(account: MailAccount) -> AbstractContextManager[None]:
    """Translates what the dialogue, ssl and socket raise into our errors."""
    return translated(account, TRANSLATIONS)


def is_passing(error: Refused) -> bool:
    """Whether the server says that the same may be granted later."""
    return str(error).upper().startswith(PASSING_CODES)


def refusal(account: MailAccount, error: Refused) -> MailboxUnavailable:
    """The server refuses what every server has to grant."""
    return MailboxUnavailable(f"{server_of(account)} does not serve us now: {words_of(error)}")


def login_fault(account: MailAccount, error: Refused) -> PipelineError:
    """The server refused user name and password, or has no time for us."""
    if is_passing(error):
        return MailboxUnavailable(
            f"{server_of(account)} cannot log {account.username} in now: {words_of(error)}"
        )
    return login_refused(account, error)


def too_soon(account: MailAccount) -> MailboxUnavailable:
    """The server has named how far apart logins must be (LOGIN-DELAY)."""
    return MailboxUnavailable(
        f"{server_of(account)} allows no login so soon after the last one",
        setting=setting_of(account, "poll_seconds"),
        remedy="Look less often",
    )


def withheld(account: MailAccount, error: Refused) -> PipelineError:
    """The server lists a mail and does not give it out."""
    if is_passing(error):
        return refusal(account, error)
    return MailUnreadable(f"the mail server does not give it out: {words_of(error)}")


def header_withheld(account: MailAccount, error: Refused) -> PipelineError:
    """The server gives out no header by itself."""
    if is_passing(error):
        return refusal(account, error)
    return MailUnreadable(
        "it is too large, and the mail server does not give out its header alone (TOP):"
        f" {words_of(error)}",
        setting=setting_of(account, "max_message_bytes"),
        remedy="Raise max_message_bytes, or set it to 0",
    )


# In this order, as ssl.SSLError is an OSError.
TRANSLATIONS: tuple[Translation, ...] = (
    (ssl.SSLError, tls_fault),
    (OSError, network_fault),
    (EOFError, broken_off),
    (Refused, refusal),
    (NotPop3, unexpected_answer),
)
