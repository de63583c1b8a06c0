"""Explains why Microsoft Graph does not send a message, and names the setting to change."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import httpx

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import Answer, CourierUnavailable, MessageTooLarge, State, as_unavailable
from postrail.errors import ConfigurationError, PipelineError, causes
from postrail.wire.faults import server_of, setting_of, tls_fault, words_of
from postrail.wire.graph import BUSY_SECONDS, NO_CODE, code_and_message, retry_after_seconds

TOO_LARGE = (
    "errormessagesizeexceeded",
    "requestentitytoolarge",
    "errorattachmentsizelimitexceeded",
)
# The user may not send from this address.
NOT_AS_THIS_SENDER = ("errorsendasdenied", "errorsendonbehalfofdenied")
# The mailbox is over a limit of Exchange, which passes.
OVER_QUOTA = ("errorquotaexceeded", "errormessagesubmissionblocked", "errorexceededmessagelimit")
# They come with status 500, each time.
UNREADABLE = ("errormimecontentconversionfailed", "errorcontentconversionfailed")
# Another 404 is about a message or an upload: it was deleted, or its time is over.
NO_MAILBOX = (
    "errorinvaliduser",
    "errornonexistentmailbox",
    "mailboxnotenabledforrestapi",
    "mailboxnotfound",
    "mailboxnotsupportedforrestapi",
    "request_resourcenotfound",
    "resourcenotfound",
)
# Statuses of 4xx that ask to try the same request again.
TRY_AGAIN = (408, 409, 423, 425)


class Forbidden(Exception):
    """The token does not allow the request.

    `is_by_policy`: it allows nothing in this mailbox; else another request may be allowed.
    """

    def __init__(self, unavailable: CourierUnavailable, *, is_by_policy: bool) -> None:
        super().__init__(str(unavailable))
        self.unavailable = unavailable
        self.is_by_policy = is_by_policy


class SenderDenied(CourierUnavailable):
    """The user may not send from the address in From, which a context may have set."""

    def __init__(self, connection: OutgoingConnection, reply: str) -> None:
        super().__init__(
            f"{server_of(connection)} does not accept mail from {connection.from_address}: {reply}",
            setting=setting_of(connection, "from_address, shared_mailbox"),
            remedy="Grant the user Send As for it in Exchange, or name an address of the user",
        )
        self._reply = reply

    def of_context(self, address: str) -> Refused:
        """Returns the error for an address that is not the connection's own."""
        return Refused(
            f"{self._reply} (the user may not send as {address}, the from_address of the context:"
            " grant Send As for it in Exchange, or leave it out)",
            is_final=True,
        )


class InDoubt(Exception):
    """The connection broke after the request; Graph may have done what it asks."""


class Refused(Exception):
    """Graph refuses this one message, for good or for now.

    `is_in_doubt`: a gateway may say so after Graph has done what the request asks.
    """

    def __init__(self, words: str, *, is_final: bool, is_in_doubt: bool = False) -> None:
        super().__init__(words)
        self.words = words
        self.is_final = is_final
        self.is_in_doubt = is_in_doubt

    def answer(self, recipient: str) -> Answer:
        """Returns the result for a recipient."""
        state: State = "failed" if self.is_final else "deferred"
        return Answer(recipient=recipient, state=state, reply=self.words)


class Gone(Refused):
    """The message is not in the mailbox, or not any more."""


def refusal(
    connection: OutgoingConnection, status: int, headers: Mapping[str, str], body: bytes
) -> Exception:
    """Returns the error for an answer that is no success."""
    code, words = code_and_message(status, body)
    reply = f"{status} {code}: {words}"
    known = code.lower()
    after = retry_after_seconds(headers.get("Retry-After", ""), headers.get("Date", ""))
    if status in (429, 503, 509) and (after or status == 429):
        return CourierUnavailable(
            f"{server_of(connection)} asks for a pause: {reply}",
            after_seconds=after or BUSY_SECONDS,
        )
    if status == 413 or known in TOO_LARGE:
        return MessageTooLarge(f"{server_of(connection)} does not take this size: {reply}")
    if known in NOT_AS_THIS_SENDER:
        return SenderDenied(connection, reply)
    if known in OVER_QUOTA:
        return CourierUnavailable(f"{server_of(connection)} sends no more for now: {reply}")
    if status == 401:
        return token_refused(connection, reply)
    if status == 403:
        return Forbidden(not_allowed(connection, reply), is_by_policy=_is_by_policy(reply))
    if status == 404:
        return _not_found(connection, known, reply)
    if known in UNREADABLE:
        return Refused(reply, is_final=True)
    if not 400 <= status < 500:
        return Refused(reply, is_final=False, is_in_doubt=True)
    return Refused(reply, is_final=status not in TRY_AGAIN)


def _not_found(connection: OutgoingConnection, code: str, reply: str) -> Exception:
    if code in NO_MAILBOX:
        return mailbox_unknown(connection, reply)
    if code == NO_CODE:
        return strange_answer(connection, reply)
    return Gone(reply, is_final=False)


def _is_by_policy(reply: str) -> bool:
    """Returns whether an application access policy or an RBAC scope excludes the mailbox."""
    return "RAOP" in reply or "AccessPolicy" in reply


def needs_tokens(connection: OutgoingConnection) -> ConfigurationError:
    """Returns the error for a connection with a password in place of a credential."""
    return ConfigurationError(
        "Microsoft Graph takes no password",
        setting=setting_of(connection, "credential"),
        remedy="Name the credential whose tokens may send",
    )


def token_refused(connection: OutgoingConnection, reply: str) -> CourierUnavailable:
    """Returns the error for a token that was refused although it is new."""
    return CourierUnavailable(
        f"{server_of(connection)} refused the access token: {reply}",
        setting=setting_of(connection, "credential"),
        remedy=f"Authorize the connection again: postrail connections authorize {connection.name}",
    )


def not_allowed(connection: OutgoingConnection, reply: str) -> CourierUnavailable:
    """Returns the error for a permission that is missing, or does not include this mailbox."""
    remedy = (
        "Grant the application Mail.Send, and Mail.ReadWrite to read back what was sent, in"
        " Microsoft Entra with an administrator's consent (delegated, for a shared mailbox:"
        " Mail.Send.Shared and Mail.ReadWrite.Shared)"
    )
    if _is_by_policy(reply):
        remedy = (
            "Let the application access policy or the RBAC scope for applications in Exchange"
            " include this mailbox; a change takes an hour or more"
        )
    return CourierUnavailable(
        f"{server_of(connection)} does not allow to send: {reply}",
        setting=setting_of(connection, "username, shared_mailbox, credential"),
        remedy=remedy,
    )


def mailbox_unknown(connection: OutgoingConnection, reply: str) -> CourierUnavailable:
    """Returns the error for a mailbox that does not exist."""
    return CourierUnavailable(
        f"{server_of(connection)} does not know the mailbox {owner_of(connection)}: {reply}",
        setting=setting_of(connection, "username, shared_mailbox"),
        remedy="Name the user principal name of a mailbox with an Exchange Online licence, or of a"
        " shared one",
    )


def strange_answer(connection: OutgoingConnection, problem: str) -> CourierUnavailable:
    """Returns the error for an answer that Graph would not give."""
    return CourierUnavailable(
        f"{server_of(connection)} did not answer as Microsoft Graph does: {problem}",
        setting=setting_of(connection, "microsoft_host, host, port"),
        remedy="Leave them blank, and check that no proxy answers instead",
    )


def transport_fault(connection: OutgoingConnection, error: Exception) -> PipelineError:
    """Returns the error for a connection that could not be made, or broke."""
    tls = next((one for one in causes(error) if isinstance(one, ssl.SSLError)), None)
    if tls is not None:
        return as_unavailable(tls_fault(connection, tls))
    return CourierUnavailable(
        f"no connection to {server_of(connection)}: {words_of(error)}",
        setting=setting_of(connection, "host, port, timeout_ms"),
        remedy="Check the network, and the proxy (HTTPS_PROXY) if there is one",
    )


def was_not_sent(error: httpx.HTTPError) -> bool:
    """Tells whether the request surely did not reach the server."""
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)


def owner_of(connection: OutgoingConnection) -> str:
    """Returns the mailbox that messages are sent from."""
    return connection.mailbox_user
