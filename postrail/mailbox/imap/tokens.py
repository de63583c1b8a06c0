"""Logs in to an IMAP server by a token, and by another one when it is refused. Blocking."""

from __future__ import annotations

import imaplib
from typing import Any

from imapclient.exceptions import LoginError

from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox import MailboxUnavailable
from postrail.mailbox.faults import broken_off, words_of
from postrail.mailbox.imap.faults import login_fault
from postrail.mailbox.login import (
    CANCELLED,
    Mechanism,
    asked_for,
    initial_response,
    mechanism_of,
    token_refused,
)
from postrail.oauth import BearerToken


def log_in_with_token(client: Any, account: MailAccount, login: BearerToken, token: str) -> None:
    """Logs in; renews a refused token once, as it may have expired.

    Raises ConfigurationError when a new one is refused as well.
    """
    mechanism = mechanism_of(account, _offered(client))
    for _ in range(2):
        challenges: list[bytes] = []
        try:
            _authenticate(client, account, mechanism, token, challenges)
        except LoginError as error:
            _raise_if_it_may_pass(account, error)
            refused, token = token, asked_for(login, token)
            if token == refused:
                raise token_refused(account, words_of(error), b"".join(challenges)) from error
        else:
            return
    raise MailboxUnavailable(
        f"{account.host} refused two tokens in a row; it may accept a third one"
    )


def _raise_if_it_may_pass(account: MailAccount, error: LoginError) -> None:
    # imapclient raises LoginError for a broken connection, too.
    if isinstance(error.__context__, imaplib.IMAP4.abort):
        raise broken_off(account, error) from error
    fault = login_fault(account, error)
    if isinstance(fault, MailboxUnavailable):
        raise fault from error


def _authenticate(
    client: Any, account: MailAccount, mechanism: Mechanism, token: str, challenges: list[bytes]
) -> None:
    def answer(challenge: bytes) -> bytes:
        # The first challenge is empty. A second one explains a refusal.
        if challenge:
            challenges.append(challenge)
            return CANCELLED[mechanism]
        return initial_response(account, mechanism, token)

    client.sasl_login(mechanism, answer)


def _offered(client: Any) -> set[str]:
    names = (item.decode("ascii", "replace").upper() for item in client.capabilities())
    return {name.removeprefix("AUTH=") for name in names if name.startswith("AUTH=")}
