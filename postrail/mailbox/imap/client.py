"""imapclient's client, with all that we need of the private parts of imapclient and imaplib.

tests/unit/mailbox/imap/test_client.py fails when a release of either changes one of them.
"""

from __future__ import annotations

import imaplib
from collections.abc import Sequence
from typing import Any

from imapclient import IMAPClient, SocketTimeout

from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox import MailboxUnavailable
from postrail.mailbox.imap.dialogue_log import listen
from postrail.mailbox.imap.fetch_answers import answers_of
from postrail.mailbox.imap.memory_limits import BoundedAnswers
from postrail.wire import connect_timeout_seconds
from postrail.wire.dialogue_log import DialogueLog
from postrail.wire.faults import tls_context


# imapclient has no types.
class ImapClient(IMAPClient):  # type: ignore[misc]
    """One connection of an account, from its TCP connection and greeting on."""

    def __init__(self, account: MailAccount, dialogue: DialogueLog) -> None:
        """Connects, with TLS where the account begins with it; raises what imapclient raises."""
        super().__init__(
            account.host,
            account.port,
            ssl=account.encryption == "ssl",
            ssl_context=None if account.encryption == "none" else tls_context(account),
            timeout=SocketTimeout(
                connect=connect_timeout_seconds(account),
                read=account.timeout_ms / 1000,
            ),
        )
        # imapclient sets 5, which formats every literal for a log that we do not keep.
        self._imap.debug = 0
        BoundedAnswers(self._imap)
        if account.debug:
            listen(self._imap, dialogue)
        self.normalise_times = False

    def _poll_socket(self, sock: Any, timeout: float | None = None) -> list[bool]:
        """Says that there is something to read, so that idle_check() tries to read it.

        What has arrived may wait in a buffer of ours, which poll() does not see.
        """
        return [True]

    def fetch(self, messages: Sequence[int], data: Sequence[str]) -> dict[int, Any]:
        """Sends UID FETCH; returns the answers by the UIDs that were asked for.

        One item is asked for without brackets: some servers close them too early (Xeams).
        """
        if not messages:
            return {}
        items = data[0] if len(data) == 1 else f"({' '.join(data)})"
        state, pieces = self._imap.uid("FETCH", ",".join(map(str, messages)), items)
        if state != "OK":
            raise imaplib.IMAP4.error(f"fetch failed: {pieces[0]!r}")
        return answers_of(pieces, frozenset(messages))

    @property
    def new_mail_announced(self) -> bool:
        """Tells whether an EXISTS has come since `forget_announcements`."""
        return "EXISTS" in self._imap.untagged_responses

    def forget_announcements(self) -> None:
        """Drops the EXISTS that came so far, before a search that sees the messages."""
        self._imap.untagged_responses.pop("EXISTS", None)

    def idle(self) -> None:
        """Sends IDLE and waits for the go-ahead; raises MailboxUnavailable when it is refused.

        imapclient's own idle() fails when an announcement comes before the go-ahead.
        """
        imap = self._imap
        self._idle_tag = tag = imap._command("IDLE")
        while imap._get_response() is not None:
            if imap.tagged_commands[tag]:
                raise MailboxUnavailable(
                    f"{self.host} refused to idle: {imap.tagged_commands[tag]}"
                )
