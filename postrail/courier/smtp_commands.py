"""Sends commands on an SMTP connection, and makes sure that each reply is its command's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import cast

import aiosmtplib

from postrail.courier.smtp_replies import OutOfStep, watch
from postrail.courier.smtp_words import first_word, words_of, words_of_reply

CONFIRM_SECONDS = 10.0
# RFC 5321, 3.8: the server is about to close the connection.
CLOSING = 421

# The library's errors for a fault of the connection, as opposed to a refusal by the server.
CONNECTION_FAULTS = (
    aiosmtplib.SMTPServerDisconnected,
    aiosmtplib.SMTPTimeoutError,
    aiosmtplib.SMTPResponseException,
    OSError,
)


class Commands:
    """The commands and replies of one connection. Only one task may use it at a time."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self._client = client
        self._replies = watch(client)

    @property
    def is_open(self) -> bool:
        """Returns whether the connection can be used; False once the server has closed it."""
        return self._client.is_connected

    async def ask(self, wanted: int, *command: bytes) -> aiosmtplib.SMTPResponse:
        """Sends a command; returns its reply, of the wanted class or a refusal.

        Raises OutOfStep when a reply cannot be this command's, and the library's errors.
        """
        self.require_step()
        return await self.read(wanted, self._client.execute_command(*command))

    async def read(
        self, wanted: int, reading: Awaitable[aiosmtplib.SMTPResponse], *, is_last: bool = False
    ) -> aiosmtplib.SMTPResponse:
        """Reads a reply as `ask` does; the last one of a transaction may be said twice."""
        try:
            reply = await reading
        except aiosmtplib.SMTPResponseException as error:
            raise OutOfStep(f"the server sent what is no reply: {words_of(error)}") from error
        if self._replies is not None:
            self._replies.take()
        if reply.code // 100 not in (wanted, 4, 5):
            raise OutOfStep(f"the server sent another command's reply: {words_of_reply(reply)}")
        # Behind this reply, the connection is closed.
        is_farewell = reply.code == CLOSING
        if not (is_farewell or (is_last and reply.code // 100 == 2 and self._says_nothing_else())):
            self.require_step()
        return reply

    def _says_nothing_else(self) -> bool:
        """Returns whether unasked replies, if any, say that the message was taken, too."""
        return self._replies is None or all(one[:1] == "2" for one in self._replies.unasked)

    def require_step(self) -> None:
        """Raises OutOfStep if the server has sent a reply that belongs to no command."""
        if self._replies is not None:
            self._replies.require_none()

    @property
    def is_out_of_step(self) -> bool:
        """Returns whether the server has sent a reply that belongs to no command."""
        return self._replies is not None and bool(self._replies.unasked)

    async def confirm_step(self) -> None:
        """Raises OutOfStep unless the server's next reply belongs to the next command.

        The reply to EHLO looks like no other: it has several lines, or the server's name first.
        EHLO clears the envelope, as RSET does (RFC 5321, 4.1.4).
        """
        client = self._client
        greeting = client.last_ehlo_response or client.last_helo_response
        if not self.is_open or greeting is None:
            return
        verb = b"EHLO" if client.last_ehlo_response is not None else b"HELO"
        name = (client.local_hostname or "localhost").encode("ascii", "replace")
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                reply = await self.ask(2, verb, name)
        except (TimeoutError, *CONNECTION_FAULTS):
            # Many servers hang up after a refusal.
            self.abort()
            return
        if reply.code // 100 != 2:
            self.abort()
        elif "\n" not in reply.message and first_word(reply) != first_word(greeting):
            raise OutOfStep(f"the server sent another command's reply: {words_of_reply(reply)}")

    def abort(self) -> None:
        """Closes the connection at once and discards data that are not written yet."""
        protocol = self._client.protocol
        transport = protocol.transport if protocol is not None else None
        if transport is not None:
            cast(asyncio.WriteTransport, transport).abort()
        self._client.close()
