"""Makes the errors of POP3; each names the account's setting and a remedy.

`connection_fault` wraps every dialogue; the other functions make the error of one step.
"""

from __future__ import annotations

import ssl
from contextlib import AbstractContextManager

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import PipelineError
from postrail.mailbox import MailboxUnavailable, MailUnreadable
from postrail.mailbox.pop3.dialogue import NotPop3, Refused
from postrail.wire.faults import (
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

# RFC 2449, 8.1, and RFC 3206, 4: the server may accept the same command later.
TEMPORARY_CODES = ("[IN-USE]", "[LOGIN-DELAY]", "[SYS/TEMP]")


def connection_fault(account: MailAccount) -> AbstractContextManager[None]:
    """Translates what the dialogue, ssl and socket raise into our errors."""
    return translated(account, TRANSLATIONS)


def is_temporary(error: Refused) -> bool:
    """Tells whether the server may accept the same command later."""
    return str(error).upper().startswith(TEMPORARY_CODES)


def refusal(account: MailAccount, error: Refused) -> MailboxUnavailable:
    """Returns the error for a refused command that every server has to accept."""
    return MailboxUnavailable(f"{server_of(account)} refuses to serve us now: {words_of(error)}")


def login_fault(account: MailAccount, error: Refused) -> PipelineError:
    """Returns the error for a refused login, which may be the server's temporary fault."""
    if is_temporary(error):
        return MailboxUnavailable(
            f"{server_of(account)} cannot log {account.username} in now: {words_of(error)}"
        )
    return login_refused(account, words_of(error))


def too_soon(account: MailAccount) -> MailboxUnavailable:
    """Returns the error for a login before the server's LOGIN-DELAY has passed."""
    return MailboxUnavailable(
        f"{server_of(account)} allows no login so soon after the last one",
        setting=setting_of(account, "poll_seconds"),
        remedy="Raise poll_seconds, so that polls are less frequent",
    )


def message_refused(account: MailAccount, error: Refused) -> PipelineError:
    """Returns the error for a message that the server lists and does not send."""
    if is_temporary(error):
        return refusal(account, error)
    return MailUnreadable(f"the mail server does not send it: {words_of(error)}")


def cut_short(read: int, listed: int | None) -> MailUnreadable:
    """Returns the error for a message that the server ends before its end."""
    told = f"{read:,} of {listed:,} bytes came" if listed is not None else f"{read:,} bytes came"
    return MailUnreadable(
        "the mail server does not double a line of one dot in it, and so ends it there:"
        f" {told}, and then the rest as if it were an answer"
    )


def header_refused(account: MailAccount, error: Refused) -> PipelineError:
    """Returns the error for a server that does not send a header alone."""
    if is_temporary(error):
        return refusal(account, error)
    return MailUnreadable(
        "it is too large, and the mail server does not send its header alone (TOP):"
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
