"""Logs in to an IMAP server by a token, and by another one when it is refused. Blocking."""

from __future__ import annotations

from typing import Any

from imapclient.exceptions import LoginError

from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox import MailboxUnavailable
from postrail.mailbox.imap.faults import login_fault
from postrail.oauth import BearerToken
from postrail.wire.faults import words_of
from postrail.wire.login import (
    CANCELLED,
    TokenRefused,
    initial_response,
    log_in_by_token,
    mechanism_of,
)


def log_in_with_token(client: Any, account: MailAccount, login: BearerToken, token: str) -> None:
    """Logs in by XOAUTH2 or OAUTHBEARER; raises ConfigurationError when a new token is refused."""
    mechanism = mechanism_of(account, _offered(client))

    def attempt(token: str) -> None:
        challenges: list[bytes] = []

        def answer(challenge: bytes) -> bytes:
            # The first challenge is empty. A second one explains a refusal.
            if challenge:
                challenges.append(challenge)
                return CANCELLED[mechanism]
            return initial_response(account.username, mechanism, token)

        try:
            client.sasl_login(mechanism, answer)
        except LoginError as error:
            fault = login_fault(account, error)
            if isinstance(fault, MailboxUnavailable):
                raise fault from error
            raise TokenRefused(words_of(error), b"".join(challenges)) from error

    log_in_by_token(account, login, token, attempt)


def _offered(client: Any) -> set[str]:
    names = (item.decode("ascii", "replace").upper() for item in client.capabilities())
    return {name.removeprefix("AUTH=") for name in names if name.startswith("AUTH=")}
