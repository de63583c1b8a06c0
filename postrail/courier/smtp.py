"""Sends messages through an SMTP server, over connections that stay open between messages."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace

from postrail.clock import Clock
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import (
    Answer,
    BeforeDot,
    CourierLogin,
    Envelope,
    MessageTooLarge,
    TimeLimit,
    TooLate,
    nothing_to_record,
    require_size,
)
from postrail.courier.dkim import Sign
from postrail.courier.given_ids import id_given_by
from postrail.courier.lines import with_crlf
from postrail.courier.login_pause import LoginPause
from postrail.courier.smtp_client import begin, new_client
from postrail.courier.smtp_dialogue import Dialogue, LoginRequired, StaleConnection
from postrail.courier.smtp_faults import connecting, login_required, sender_refused
from postrail.courier.smtp_login import log_in
from postrail.wire.dialogue_log import DialogueLog, WriteLine, logging
from postrail.wire.faults import LoginRefused, tls_context

# Servers close idle connections (Postfix after 300 s); until then one is a load on both sides.
IDLE_SECONDS = 60.0
# Signing a larger message would hold the event loop up.
SIGNED_HERE_BYTES = 256 * 1024


class SmtpCourier:
    """Sends through one outgoing connection, with an SMTP connection for each message in flight."""

    def __init__(
        self,
        connection: OutgoingConnection,
        login: CourierLogin,
        clock: Clock,
        write: WriteLine | None = None,
        sign: Sign | None = None,
    ) -> None:
        """Takes the password or the source of tokens, and what adds a DKIM signature.

        `write` gets each line of the dialogue.
        """
        self._sign = sign
        self._connection = connection
        self._login = login
        self._clock = clock
        self._write = logging("connection", connection.name) if connection.debug else write
        self._idle: list[Dialogue] = []
        self._is_closed = False
        self._context: ssl.SSLContext | None = None
        self._login_pause = LoginPause()

    async def send(
        self, envelope: Envelope, limit: TimeLimit, before_dot: BeforeDot = nothing_to_record
    ) -> list[Answer]:
        """Runs one SMTP transaction, on a kept connection if possible; see `Courier.send`."""
        envelope = await self._signed(envelope)
        require_size(envelope, self._connection.max_bytes, self._connection.title)
        while (dialogue := self._kept()) is not None:
            try:
                return await self._send_on(dialogue, envelope, limit, before_dot)
            except StaleConnection:
                dialogue.abort()
        return await self._send_on(await self._connect(limit), envelope, limit, before_dot)

    async def _signed(self, envelope: Envelope) -> Envelope:
        """Returns the message with a DKIM signature, if its connection has a key."""
        if self._sign is None:
            return envelope
        content = with_crlf(envelope.content)
        if len(content) > SIGNED_HERE_BYTES:
            return replace(envelope, content=await asyncio.to_thread(self._sign, content))
        return replace(envelope, content=self._sign(content))

    async def _send_on(
        self, dialogue: Dialogue, envelope: Envelope, limit: TimeLimit, before_dot: BeforeDot
    ) -> list[Answer]:
        try:
            require_size(envelope, dialogue.most_bytes, "the server")
        except MessageTooLarge:
            await self._keep(dialogue)
            raise
        try:
            answers = await dialogue.send(envelope, limit, before_dot)
        except LoginRequired as error:
            raise login_required(self._connection, str(error)) from error
        await self._keep(dialogue)
        return [self._with_given_id(answer) for answer in answers]

    def _with_given_id(self, answer: Answer) -> Answer:
        given = id_given_by(self._connection.host, answer.reply)
        return replace(answer, message_id=given) if given and answer.state == "sent" else answer

    async def _keep(self, dialogue: Dialogue) -> None:
        """Keeps an open connection for the next message, unless the courier was closed."""
        if self._is_closed:
            await dialogue.quit()
        elif dialogue.is_open:
            self._idle.append(dialogue)

    def _kept(self) -> Dialogue | None:
        """Returns the most recently used connection that is still open."""
        while self._idle:
            dialogue = self._idle.pop()
            if dialogue.is_open:
                return dialogue
        return None

    async def _connect(self, limit: TimeLimit) -> Dialogue:
        """Opens a connection, encrypted and logged in as configured."""
        seconds = limit.dot_before - self._clock.steady()
        if seconds <= 0:
            raise TooLate("the time for this message was over before it was begun")
        with connecting(self._connection):
            self._login_pause.require_over(self._clock.steady())
            client = new_client(self._connection, await self._tls_context(), self._dialogue_log())
            try:
                async with asyncio.timeout(seconds):
                    await begin(client, self._connection)
                    await log_in(client, self._connection, self._login)
            except LoginRefused as error:
                client.close()
                raise self._login_pause.begin(error, self._clock.steady()) from error
            except BaseException:
                client.close()
                raise
        self._login_pause.end()
        return Dialogue(client, self._clock)

    def _dialogue_log(self) -> DialogueLog | None:
        name = self._connection.name
        return DialogueLog(name, write=self._write) if self._write else None

    async def _tls_context(self) -> ssl.SSLContext | None:
        if self._connection.encryption != "none" and self._context is None:
            self._context = await asyncio.to_thread(tls_context, self._connection)
        return self._context

    async def check(self, limit: TimeLimit) -> None:
        """Connects, logs in and tries the sender, without a message; raises CourierUnavailable."""
        dialogue = await self._connect(limit)
        try:
            with connecting(self._connection):
                refusal = await dialogue.refusal_of(self._connection.from_address)
        except LoginRequired as error:
            raise login_required(self._connection, str(error)) from error
        finally:
            await dialogue.quit()
        if refusal:
            raise sender_refused(self._connection, refusal)

    async def close_idle(self) -> None:
        """Closes connections that have been idle for a minute."""
        before = self._clock.steady() - IDLE_SECONDS
        old = [dialogue for dialogue in self._idle if dialogue.idle_since <= before]
        self._idle = [dialogue for dialogue in self._idle if dialogue not in old]
        await asyncio.gather(*(dialogue.quit() for dialogue in old))

    async def close(self) -> None:
        """Closes the idle connections; those in use are closed after their message."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(dialogue.quit() for dialogue in idle))
