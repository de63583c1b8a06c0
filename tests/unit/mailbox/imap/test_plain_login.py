"""Passwords are sent unencrypted only where the account allows it."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.errors import ConfigurationError
from postrail.mailbox.imap import session
from postrail.mailbox.imap.mailbox import ImapMailbox
from tests.fakes.fetching import account_named


class PlainServer:
    """Stands for a client of a server without STARTTLS; records logins."""

    logins: list[str]

    def __init__(self, *_: Any) -> None:
        """Connects without a server."""

    def has_capability(self, name: str) -> bool:
        return False

    def login(self, username: str, password: str) -> None:
        self.logins.append(username)

    def select_folder(self, folder: str) -> dict[bytes, int]:
        return {b"UIDVALIDITY": 7}

    def logout(self) -> None:
        pass

    def shutdown(self) -> None:
        pass


@pytest.mark.parametrize(
    ("host", "allowed", "logs_in"),
    [
        # Anyone on the way could read it.
        ("mail.example.org", False, False),
        ("mail.example.org", True, True),
        # It does not leave this machine.
        ("localhost", False, True),
    ],
)
def test_without_starttls_the_password_waits_for_permission(
    monkeypatch: pytest.MonkeyPatch, host: str, allowed: bool, logs_in: bool
) -> None:
    monkeypatch.setattr(session, "ImapClient", PlainServer)
    PlainServer.logins = []
    account = account_named(
        host=host, encryption="starttls_if_available", allow_plain_login=allowed
    )
    mailbox = ImapMailbox(account, "secret")
    if logs_in:
        assert mailbox.open() == 7
    else:
        with pytest.raises(ConfigurationError, match="password was not sent") as told:
            mailbox.open()
        assert told.value.setting == "mail account support: encryption, allow_plain_login"
    assert PlainServer.logins == (["support"] if logs_in else [])
