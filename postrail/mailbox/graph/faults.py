"""Makes the errors of Microsoft Graph; each names the account's setting and a remedy.

Graph's codes: https://learn.microsoft.com/graph/errors and, for mail, the codes of Exchange.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextlib import AbstractContextManager

import httpx

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError, PipelineError, causes
from postrail.mailbox import MailboxUnavailable, MailUnreadable
from postrail.wire.faults import (
    OLD_TLS,
    Translation,
    broken_off,
    network_fault,
    server_of,
    setting_of,
    tls_fault,
    translated,
    words_of,
)
from postrail.wire.graph import BUSY_SECONDS, code_and_message, retry_after_seconds

# They come with status 410, and sometimes with 400.
DELTA_EXPIRED = ("syncstatenotfound", "resyncrequired", "syncstateinvalid")
ITEM_UNKNOWN = ("erroritemnotfound", "errorfoldernotfound")
MAILBOX_UNKNOWN = (
    "errorinvaliduser",
    "errornonexistentmailbox",
    "mailboxnotenabledforrestapi",
    "request_resourcenotfound",
    "resourcenotfound",
)
# Exchange cannot make the MIME content of one message (S/MIME, reports about signed messages). They
# come with status 500, each time.
CONVERSION_FAILED = (
    "errormimecontentconversionfailed",
    "errorcontentconversionfailed",
    "errormimecontentinvalid",
    "errormimecontentinvalidbase64string",
    "erroritemcorrupt",
    "errorcorruptdata",
)
FOLDERS_SHOWN = 10


class Refused(MailboxUnavailable):
    """Graph refuses a request; the caller decides which error that is."""

    def __init__(self, problem: str, status: int, code: str) -> None:
        super().__init__(problem)
        self.status = status
        self.code = code

    @property
    def is_final(self) -> bool:
        """Tells whether the same request would be refused again: 408 and 425 ask for a retry."""
        if self.conversion_failed:
            return True
        return self.status < 500 and self.status not in (408, 425)

    @property
    def conversion_failed(self) -> bool:
        """Tells whether Exchange cannot make the content of this one message."""
        return self.code.lower() in CONVERSION_FAILED


class NotThere(Refused):
    """The mailbox, folder or message does not exist, or was removed."""

    @property
    def is_item(self) -> bool:
        """Tells whether message or folder are missing, rather than mailbox or server."""
        return self.code.lower() in ITEM_UNKNOWN


class NotAllowed(Refused):
    """The token does not allow the request."""


class DeltaExpired(Refused):
    """Graph has discarded the state behind a link, so the folder is listed from the start."""


def connection_fault(account: MailAccount) -> AbstractContextManager[None]:
    """Translates what httpx, ssl and socket raise into our errors."""
    return translated(account, TRANSLATIONS)


def _transport_fault(account: MailAccount, error: httpx.TransportError) -> PipelineError:
    """Returns the error for the cause that httpx and httpcore have wrapped."""
    cause = next((one for one in causes(error) if isinstance(one, OSError)), None)
    if isinstance(cause, ssl.SSLError):
        return _tls(account, cause)
    if isinstance(error, httpx.ConnectError) and isinstance(cause, OSError):
        if isinstance(cause, ConnectionRefusedError | TimeoutError):
            return _network(account, "refused the connection")
        return network_fault(account, cause)
    if isinstance(error, httpx.ProxyError):
        return _network(account, f"cannot be reached through the proxy: {words_of(error)}")
    return broken_off(account, error)


def _tls(account: MailAccount, error: ssl.SSLError) -> PipelineError:
    known = isinstance(
        error, ssl.SSLCertVerificationError | ssl.SSLEOFError | ssl.SSLZeroReturnError
    )
    if known or any(reason in str(error) for reason in OLD_TLS):
        return tls_fault(account, error)
    return ConfigurationError(
        f"{server_of(account)} does not speak TLS: {words_of(error)}",
        setting=setting_of(account, "host, port"),
        remedy="Leave host and port blank: Microsoft Graph is at graph.microsoft.com, port 443",
    )


def _network(account: MailAccount, problem: str) -> MailboxUnavailable:
    return MailboxUnavailable(
        f"{server_of(account)} {problem}",
        setting=setting_of(account, "host, port, timeout_ms"),
        remedy="Check the network, and the proxy (HTTPS_PROXY) if there is one",
    )


def strange_answer(account: MailAccount, problem: str) -> MailboxUnavailable:
    """Returns the error for an answer that Graph would not give."""
    return MailboxUnavailable(
        f"{server_of(account)} did not answer as Microsoft Graph does: {problem}",
        setting=setting_of(account, "host, port"),
        remedy="Leave host and port blank, and check that no proxy answers instead",
    )


def refusal(
    account: MailAccount, status: int, headers: Mapping[str, str], body: bytes
) -> PipelineError:
    """Returns the error for an answer with a status of 400 or above."""
    code, words = code_and_message(status, body)
    problem = f"{server_of(account)} refused: {words} ({status} {code})"
    after = retry_after_seconds(headers.get("Retry-After", ""), headers.get("Date", ""))
    if status in (429, 503, 509) and (after or status == 429):
        return MailboxUnavailable(
            f"{server_of(account)} asks for a pause: {words} ({status} {code})",
            after_seconds=after or BUSY_SECONDS,
        )
    if status == 401:
        return token_refused(account, words)
    if status == 400 and "/me request" in words:
        return needs_mailbox(account, words)
    if status == 410 or code.lower() in DELTA_EXPIRED:
        return DeltaExpired(problem, status, code)
    kinds = {403: NotAllowed, 404: NotThere}
    return kinds.get(status, Refused)(problem, status, code)


def token_refused(account: MailAccount, words: str) -> ConfigurationError:
    """Returns the error for a token that was refused although it is new."""
    return ConfigurationError(
        f"{server_of(account)} refused the access token: {words} It needs authorization",
        setting=setting_of(account, "credential"),
        remedy=f"Authorize the account again: postrail accounts authorize {account.name}",
    )


def needs_mailbox(account: MailAccount, words: str) -> ConfigurationError:
    """Returns the error for `me` with the token of an application, which has no mailbox."""
    return ConfigurationError(
        f"an application's token has no mailbox of its own: {words}",
        setting=setting_of(account, "username"),
        remedy="Name the mailbox's user principal name instead of me",
    )


def not_allowed(account: MailAccount, error: NotAllowed, permission: str) -> ConfigurationError:
    """Returns the error for a permission that is missing, or does not include this mailbox."""
    remedy = (
        f"Grant the application {permission} in Microsoft Entra, with an administrator's consent"
        f" (delegated, for a shared mailbox: {permission}.Shared)"
    )
    if "RAOP" in error.problem or "AccessPolicy" in error.problem:
        remedy = (
            "Let the application access policy or the RBAC scope for applications in Exchange"
            " include this mailbox; a change takes an hour or more"
        )
    return ConfigurationError(
        error.problem, setting=setting_of(account, "username, credential"), remedy=remedy
    )


def may_not_change(account: MailAccount, error: NotAllowed) -> MailUnreadable:
    """Returns the error for a token that may only read."""
    fault = not_allowed(account, error, "Mail.ReadWrite")
    return MailUnreadable(fault.problem, setting=fault.setting, remedy=fault.remedy)


def mailbox_unknown(account: MailAccount, error: NotThere, mailbox: str) -> ConfigurationError:
    """Returns the error for a mailbox that does not exist."""
    return ConfigurationError(
        f"{server_of(account)} does not know the mailbox {mailbox}: {error.problem}",
        setting=setting_of(account, "username, address"),
        remedy="Set username to the user principal name of the mailbox (it has an Exchange Online"
        " licence, or is shared); me is the mailbox of the person who authorized the account",
    )


def folder_unknown(account: MailAccount, path: str, folders: list[str]) -> ConfigurationError:
    """Returns the error for a folder that does not exist; lists the folders beside it."""
    there = ", ".join(folders[:FOLDERS_SHOWN]) + (", …" if len(folders) > FOLDERS_SHOWN else "")
    return ConfigurationError(
        f"{server_of(account)} has no folder {path!r} in this mailbox",
        setting=setting_of(account, "folder"),
        remedy="Create the folder or correct its name" + (f"; there are: {there}" if there else ""),
    )


# In this order, as some of these classes are subclasses of others.
TRANSLATIONS: tuple[Translation, ...] = (
    (httpx.TimeoutException, lambda account, _: _network(account, "did not answer in time")),
    (httpx.TransportError, _transport_fault),
    (
        (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError),
        lambda account, error: strange_answer(account, words_of(error)),
    ),
    (OSError, lambda account, error: _network(account, words_of(error))),
)
