"""Tests a connection that speaks SMTP: what the server offers, the login, sender and recipient."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Coroutine, Iterator
from typing import Any

import aiosmtplib

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import LoginOf
from postrail.courier.smtp_client import SmtpClient, begin, new_client
from postrail.courier.smtp_faults import connecting, login_required, sender_refused
from postrail.courier.smtp_login import log_in
from postrail.courier.smtp_words import words_of_reply
from postrail.errors import ConfigurationError
from postrail.notifications.addresses import smtp_address
from postrail.wire.connection_check import check_connection
from postrail.wire.faults import server_of, setting_of, tls_context
from postrail.wire.timed_steps import Actions, Findings, Step, run_in_order

LOGIN_REQUIRED = (530, 538)
# RFC 3463, 3.2: the recipient's address is at fault, and not what we may do.
BAD_ADDRESS = re.compile(r"\b5\.1\.[1236]\b")
QUIT_SECONDS = 2.0


def try_smtp(connection: OutgoingConnection, login: LoginOf, recipient: str) -> Iterator[Step]:
    """Runs the steps, up to the first that fails."""
    if not (yield from check_connection(connection, connection.risks())):
        return
    with (
        asyncio.Runner() as runner,
        contextlib.closing(SmtpTrial(connection, login, recipient, runner)) as trial,
    ):
        yield from run_in_order(trial.actions())


class SmtpTrial:
    """A client that asks the server about a message, and sends none."""

    def __init__(
        self,
        connection: OutgoingConnection,
        login: LoginOf,
        recipient: str,
        runner: asyncio.Runner,
    ) -> None:
        self._connection = connection
        self._login_of = login
        self._recipient = recipient
        self._runner = runner
        self._client: SmtpClient | None = None

    def actions(self) -> Actions:
        """Returns the steps, from EHLO to the recipient."""
        return [
            ("EHLO", self._ehlo),
            ("login", self._log_in),
            ("sender", self._sender),
            ("recipient", self._ask_recipient),
        ]

    def close(self) -> None:
        """Ends the connection."""
        if self._client is not None and self._client.is_connected:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                self._run(self._client.quit(timeout=QUIT_SECONDS))
            self._client.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        with connecting(self._connection):
            return self._runner.run(work)

    @property
    def _open(self) -> SmtpClient:
        assert self._client is not None
        return self._client

    def _ehlo(self) -> Findings:
        connection = self._connection
        context = tls_context(connection) if connection.encryption != "none" else None
        self._client = new_client(connection, context)
        self._run(begin(self._client, connection))
        offered = [
            f"{name} {value}".strip().upper()
            for name, value in self._client.esmtp_extensions.items()
        ]
        return Findings("; ".join(sorted(offered)) or "nothing beside plain SMTP", self._advice())

    def _advice(self) -> str:
        most, ours = self._open.esmtp_extensions.get("size", ""), self._connection.max_bytes
        if most.isdigit() and 0 < int(most) < ours:
            return f"Set max_bytes to {most}: the server takes no larger message"
        return ""

    def _log_in(self) -> Findings:
        login = self._login_of()
        return Findings(str(self._run(log_in(self._open, self._connection, login))))

    def _sender(self) -> Findings:
        address = self._connection.bounce_address or self._connection.from_address
        reply = self._command(b"MAIL", b"FROM:" + _path(address))
        if reply.code in LOGIN_REQUIRED:
            raise login_required(self._connection, words_of_reply(reply))
        if reply.code // 100 != 2:
            raise sender_refused(self._connection, words_of_reply(reply))
        return Findings(f"{address}: {words_of_reply(reply)}")

    def _ask_recipient(self) -> Findings:
        # The own address may be one that only sends; another's refusal is a fault.
        recipient = self._recipient or self._connection.from_address
        reply = self._command(b"RCPT", b"TO:" + _path(recipient))
        words = f"{recipient}: {words_of_reply(reply)}"
        if reply.code // 100 == 5 and self._recipient:
            raise self._recipient_refused(words)
        self._command(b"RSET")
        return Findings(words, "" if reply.code // 100 == 2 else _not_now(reply))

    def _recipient_refused(self, words: str) -> ConfigurationError:
        problem = f"{server_of(self._connection)} refuses the recipient {words}"
        if BAD_ADDRESS.search(words):
            return ConfigurationError(
                problem, remedy="The address does not exist: name another one with --to"
            )
        return ConfigurationError(
            problem,
            setting=setting_of(self._connection, "username, host"),
            remedy="Log in as a user who may send to other domains (relay), or name another"
            " recipient with --to",
        )

    def _command(self, *words: bytes) -> aiosmtplib.SMTPResponse:
        reply = self._run(self._open.execute_command(*words))
        assert isinstance(reply, aiosmtplib.SMTPResponse)
        return reply


def _not_now(reply: aiosmtplib.SMTPResponse) -> str:
    if reply.code // 100 == 5:
        return "The server takes no mail for this address itself: name another one with --to"
    return "The server may take it later (greylisting)"


def _path(address: str) -> bytes:
    return b"<" + smtp_address(address).encode("utf-8", "replace") + b">"
