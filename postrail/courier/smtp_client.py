"""A client of aiosmtplib that opens a connection as configured, and can show its dialogue."""

from __future__ import annotations

import re
import socket
import ssl
from typing import Any

import aiosmtplib

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.wire.dialogue_log import MASK, DialogueLog, masked
from postrail.wire.faults import starttls_missing

# RFC 4954, 4: the server waits for the next part of a login.
AUTH_CONTINUES = 334


class SmtpClient(aiosmtplib.SMTP):
    """Speaks SMTP; passes each line to a log, without passwords, tokens and texts of messages."""

    def __init__(self, dialogue: DialogueLog | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.dialogue = dialogue
        self._in_login = False
        self._secrets: set[str] = set()

    @property
    def is_encrypted(self) -> bool:
        """Returns whether TLS protects the connection."""
        return self.get_transport_info("sslcontext") is not None

    async def execute_command(self, *args: bytes, timeout: Any = None) -> aiosmtplib.SMTPResponse:
        """Sends a command and returns its reply; shows both.

        Secrets are masked in the reply to a login, as some servers repeat what they refuse.
        """
        self._show_command(args)
        is_login = self._in_login or args[0].upper() == b"AUTH"
        try:
            response = await super().execute_command(
                *args, timeout=self.timeout if timeout is None else timeout
            )
        except aiosmtplib.SMTPResponseException as error:
            words = masked(error.message, self._secrets)
            raise aiosmtplib.SMTPResponseException(error.code, words) from None
        self._in_login = response.code == AUTH_CONTINUES
        # A challenge is needed as it is.
        if is_login and not self._in_login:
            response = response._replace(message=masked(response.message, self._secrets))
        self.show_reply(response)
        return response

    def hide(self, secret: str) -> None:
        """Masks this password or token from now on."""
        self._secrets.add(secret)
        if self.dialogue is not None:
            self.dialogue.hide(secret)

    async def starttls(self, **options: Any) -> aiosmtplib.SMTPResponse:
        """Starts TLS; shows the reply."""
        response = await super().starttls(**options)
        self.show("STARTTLS")
        self.show_reply(response)
        return response

    def show(self, words: str) -> None:
        """Shows what was sent."""
        if self.dialogue is not None:
            self.dialogue.sent(words)

    def show_reply(self, reply: aiosmtplib.SMTPResponse) -> None:
        """Shows a reply, each of its lines."""
        if self.dialogue is not None:
            for line in reply.message.split("\n"):
                self.dialogue.received(f"{reply.code} {line}")

    def _show_command(self, parts: tuple[bytes, ...]) -> None:
        if self.dialogue is None:
            return
        words = [part.decode("utf-8", "replace") for part in parts]
        if self._in_login:
            words = [MASK]
        elif words[0].upper() == "AUTH":
            words[2:] = [MASK] * len(words[2:])
        self.dialogue.sent(" ".join(words))


def new_client(
    connection: OutgoingConnection,
    context: ssl.SSLContext | None,
    dialogue: DialogueLog | None = None,
) -> SmtpClient:
    """Returns a client that is not connected yet."""
    return SmtpClient(
        dialogue,
        hostname=connection.host,
        port=connection.port,
        local_hostname=connection.ehlo_name or own_name(),
        timeout=connection.timeout_ms / 1000,
        use_tls=connection.encryption == "ssl",
        start_tls=False,
        tls_context=context,
    )


async def begin(client: SmtpClient, connection: OutgoingConnection) -> None:
    """Connects, encrypts as configured, and says EHLO; raises the library's errors.

    Raises ConfigurationError when the server lacks the STARTTLS that is required.
    """
    client.show_reply(await client.connect())
    await _say_hello(client)
    wanted = connection.encryption in ("starttls", "starttls_if_available")
    if not wanted:
        return
    if client.supports_extension("starttls"):
        await client.starttls()
        # RFC 3207, 4.2: what the server offered before TLS counts no more.
        await _say_hello(client)
    elif connection.encryption == "starttls":
        raise starttls_missing(connection, ValueError("EHLO does not list it"))


async def _say_hello(client: SmtpClient) -> None:
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError as error:
        # RFC 5321, 3.2: an old server knows only HELO. 421 closes the connection.
        if not 500 <= error.code < 600:
            raise
        await client.helo()


def own_name() -> str:
    """Returns the host name for EHLO; resolving the full name may hang without DNS."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()) or "localhost"
