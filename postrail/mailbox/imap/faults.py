"""Makes the errors of IMAP; each names the account's setting and a remedy.

`connection_fault` wraps every dialogue; the other functions make the error of one step.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from contextlib import AbstractContextManager

from imapclient.exceptions import CapabilityError

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError, PipelineError
from postrail.mailbox import MailboxUnavailable, MailUnreadable
from postrail.wire.faults import (
    Translation,
    broken_off,
    login_refused,
    network_fault,
    server_of,
    setting_of,
    starttls_missing,
    tls_fault,
    translated,
    unexpected_answer,
    words_of,
)

# RFC 5530: the server is busy or broken; the credentials may be right.
TEMPORARY_LOGIN_CODES = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]")
FOLDERS_SHOWN = 10
# imaplib puts these words before the answer that it did not expect.
OUT_OF_PLACE = re.compile("unexpected (tagged )?response|unterminated line")


class AnswerOutOfPlace(MailboxUnavailable):
    """The server answered what imaplib does not understand; the connection cannot be used."""


def connection_fault(account: MailAccount) -> AbstractContextManager[None]:
    """Translates what imapclient, imaplib, ssl and socket raise into our errors."""
    return translated(account, TRANSLATIONS)


def login_fault(account: MailAccount, error: Exception) -> PipelineError:
    """Returns the error for a refused login, which may be the server's temporary fault."""
    if isinstance(error.__context__, imaplib.IMAP4.abort):
        # imapclient raises LoginError for a broken connection, too.
        return _abort_fault(account, error.__context__)
    words = words_of(error)
    if any(code in words.upper() for code in TEMPORARY_LOGIN_CODES):
        return MailboxUnavailable(
            f"{server_of(account)} cannot log {account.username} in now: {words}"
        )
    return login_refused(account, words_of(error))


def folder_fault(account: MailAccount, error: Exception, folders: list[str]) -> ConfigurationError:
    """Returns the error for a folder that cannot be selected; lists the folders that exist."""
    there = ", ".join(folders[:FOLDERS_SHOWN]) + (", …" if len(folders) > FOLDERS_SHOWN else "")
    return ConfigurationError(
        f"{server_of(account)} does not open the folder {account.folder!r}: {words_of(error)}",
        setting=setting_of(account, "folder"),
        remedy="Create the folder or correct its name" + (f"; there are: {there}" if there else ""),
    )


def numbers_missing(account: MailAccount) -> MailboxUnavailable:
    """Returns the error for a folder without UIDVALIDITY."""
    return MailboxUnavailable(
        f"{account.host} gives its messages no lasting numbers (UIDVALIDITY)",
        setting=setting_of(account, "folder"),
        remedy="Choose a folder whose messages the server numbers for good",
    )


def read_only_fault(account: MailAccount) -> MailUnreadable:
    """Returns the error for a folder that we may not change."""
    return MailUnreadable(
        "the mail server lets us read the folder only",
        setting=setting_of(account, "folder, after_download"),
        remedy="Give the account the right to change flags there",
    )


def _abort_fault(account: MailAccount, error: Exception) -> MailboxUnavailable:
    words = str(error)
    if found := OUT_OF_PLACE.search(words):
        # What came out of place may be a part of a message, which must not get into the log.
        shown = ValueError(f"{words[: found.start()]}words out of place")
        fault = unexpected_answer(account, shown)
        return AnswerOutOfPlace(fault.problem, setting=fault.setting, remedy=fault.remedy)
    return broken_off(account, error)


# In this order, as some of these classes are subclasses of others.
TRANSLATIONS: tuple[Translation, ...] = (
    (ssl.SSLError, tls_fault),
    (OSError, network_fault),
    (CapabilityError, starttls_missing),
    (imaplib.IMAP4.abort, _abort_fault),
    (imaplib.IMAP4.error, unexpected_answer),
)
