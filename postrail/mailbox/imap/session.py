"""One IMAP connection of a mail account: from the TCP connection to the selected folder."""

from __future__ import annotations

import contextlib
import imaplib
import socket
from collections.abc import Iterator
from typing import Any

from imapclient.exceptions import LoginError

from postrail.configuration.models.mail_account import MailAccount, plain_login_allowed
from postrail.errors import PipelineError
from postrail.mailbox import MailboxUnavailable
from postrail.mailbox.imap.client import ImapClient
from postrail.mailbox.imap.faults import (
    connection_fault,
    folder_fault,
    login_fault,
    numbers_missing,
)
from postrail.mailbox.imap.tokens import log_in_with_token
from postrail.wire.dialogue_log import DialogueLog, masked_in_errors
from postrail.wire.faults import plain_login_fault, plain_login_forbidden
from postrail.wire.login import Login, secret_of


class ImapSession:
    """The connection and what the server said about the folder when it was selected."""

    def __init__(self, account: MailAccount) -> None:
        self.account = account
        # An ImapClient while the session is open; Any, as imapclient has no types.
        self.client: Any = None
        self.interrupted = False
        self.read_only = False
        self.uid_next = 0
        self._dialogue = DialogueLog(account.name)
        self._login: Login = ""
        self._uid_validity = 0

    def open(self, login: Login) -> int:
        """Connects, logs in and selects the folder; returns its UIDVALIDITY.

        Raises ConfigurationError or MailboxUnavailable; both name the setting and the remedy.
        """
        self._login = login
        try:
            # Asking for a token takes time, so it comes before there is a connection that waits.
            secret = secret_of(login)
            with masked_in_errors(secret), connection_fault(self.account):
                self.connect()
                self.log_in(login, secret)
                selected = self._select()
        except PipelineError:
            self.close()
            raise
        self.uid_next = int(selected.get(b"UIDNEXT", 0))
        if b"UIDVALIDITY" not in selected:
            self.close()
            raise numbers_missing(self.account)
        self._uid_validity = int(selected[b"UIDVALIDITY"])
        return self._uid_validity

    def reopen(self) -> None:
        """Makes a new connection instead of one that is out of step, to the same folder."""
        before = self._uid_validity
        self.close()
        if self.open(self._login) != before:
            self.close()
            raise MailboxUnavailable(
                f"the UIDVALIDITY of the folder {self.account.folder!r} has changed"
            )

    def connect(self) -> None:
        """Connects, with as much encryption as the account asks for."""
        self.client = client = ImapClient(self.account, self._dialogue)
        encryption = self.account.encryption
        if encryption == "starttls" or (
            encryption == "starttls_if_available" and client.has_capability("STARTTLS")
        ):
            client.starttls(client.ssl_context)
        elif encryption != "ssl" and not plain_login_allowed(self.account):
            raise plain_login_forbidden(self.account)
        if self.interrupted:
            self.interrupt()

    def log_in(self, login: Login, secret: str) -> None:
        """Logs in by `secret`, which is the password or the token that the login gave."""
        self._dialogue.hide(secret)
        if not isinstance(login, str):
            log_in_with_token(self.client, self.account, login, secret)
            return
        if self.client.has_capability("LOGINDISABLED"):
            raise plain_login_fault(self.account)
        try:
            if secret.isascii() and self.account.username.isascii():
                self.client.login(self.account.username, secret)
            else:
                # LOGIN knows ASCII only; PLAIN is defined in UTF-8 (RFC 4616).
                self.client.plain_login(self.account.username, secret)
        except LoginError as error:
            raise login_fault(self.account, error) from error

    def _select(self) -> dict[bytes, Any]:
        with self._folder_faults():
            try:
                return dict(self.client.select_folder(self.account.folder))
            except imaplib.IMAP4.readonly:
                self.read_only = True
                return self.examine()

    def examine(self) -> dict[bytes, Any]:
        """Opens the folder for reading only; returns what the server says about it."""
        with self._folder_faults():
            return dict(self.client.select_folder(self.account.folder, readonly=True))

    @contextlib.contextmanager
    def _folder_faults(self) -> Iterator[None]:
        try:
            yield
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise folder_fault(self.account, error, self._folders()) from error

    def _folders(self) -> list[str]:
        with contextlib.suppress(imaplib.IMAP4.error):
            return sorted(str(name) for _, _, name in self.client.list_folders())
        return []

    def interrupt(self) -> None:
        """Shuts the socket down while another thread may be reading from it."""
        self.interrupted = True
        if self.client is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket's own shutdown, which changes the object that the other thread uses.
                socket.socket.shutdown(self.client.socket(), socket.SHUT_RDWR)

    def close(self) -> None:
        """Logs out where that is still possible, and releases the socket."""
        client, self.client = self.client, None
        if client is None:
            return
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            if not self.interrupted:
                client.logout()
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            client.shutdown()
