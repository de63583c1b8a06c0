"""Sends messages through an SMTP server, over connections that stay open between messages."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl

import aiosmtplib

from postrail.clock import Clock
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import (
    Answer,
    BeforeDot,
    Envelope,
    TimeLimit,
    TooLate,
    nothing_to_record,
)
from postrail.courier.smtp_dialogue import Dialogue, LoginRequired, StaleConnection
from postrail.courier.smtp_faults import (
    connecting,
    login_required,
    sender_refused,
    tls_file_missing,
)

# Servers close idle connections (Postfix after 300 s); until then one is a load on both sides.
IDLE_SECONDS = 60.0


class SmtpCourier:
    """Sends through one outgoing connection, with an SMTP connection for each message in flight."""

    def __init__(self, connection: OutgoingConnection, password: str, clock: Clock) -> None:
        self._connection = connection
        self._password = password
        self._clock = clock
        self._idle: list[Dialogue] = []
        self._context: ssl.SSLContext | None = None

    async def send(
        self, envelope: Envelope, limit: TimeLimit, before_dot: BeforeDot = nothing_to_record
    ) -> list[Answer]:
        """Runs one SMTP transaction, on a kept connection if possible; see `Courier.send`."""
        while (dialogue := self._kept()) is not None:
            try:
                return await self._send_on(dialogue, envelope, limit, before_dot)
            except StaleConnection:
                dialogue.abort()
        return await self._send_on(await self._connect(limit), envelope, limit, before_dot)

    async def _send_on(
        self, dialogue: Dialogue, envelope: Envelope, limit: TimeLimit, before_dot: BeforeDot
    ) -> list[Answer]:
        try:
            answers = await dialogue.send(envelope, limit, before_dot)
        except LoginRequired as error:
            raise login_required(self._connection, str(error)) from error
        if dialogue.is_open:
            self._idle.append(dialogue)
        return answers

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
        client = await self._client()
        with connecting(self._connection):
            try:
                await asyncio.wait_for(client.connect(), seconds)
                # Without a login, connect() has not sent EHLO yet.
                if client.is_ehlo_or_helo_needed:
                    await asyncio.wait_for(client.ehlo(), seconds)
            except BaseException:
                client.close()
                raise
        return Dialogue(client, self._clock)

    async def _client(self) -> aiosmtplib.SMTP:
        connection = self._connection
        return aiosmtplib.SMTP(
            hostname=connection.host,
            port=connection.port,
            username=connection.username or None,
            password=self._password if connection.username else None,
            local_hostname=_own_name(),
            timeout=connection.timeout_ms / 1000,
            use_tls=connection.encryption == "ssl",
            start_tls=_start_tls(connection),
            tls_context=await self._tls_context(),
        )

    async def _tls_context(self) -> ssl.SSLContext | None:
        if self._connection.encryption != "none" and self._context is None:
            try:
                self._context = await asyncio.to_thread(tls_context, self._connection)
            except OSError as error:
                raise tls_file_missing(self._connection, error) from error
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
        """Closes all connections that are not in use."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(dialogue.quit() for dialogue in idle))


def tls_context(connection: OutgoingConnection) -> ssl.SSLContext:
    """Returns the TLS settings for the server's certificate. Blocking: reads files."""
    context = ssl.create_default_context()
    if connection.ca_file:
        context.load_verify_locations(connection.ca_file)
    if not connection.verify_certificate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _start_tls(connection: OutgoingConnection) -> bool | None:
    """Returns whether STARTTLS is required; None stands for: if the server offers it."""
    if connection.encryption != "starttls_if_available":
        return connection.encryption == "starttls"
    needs_it = connection.username and not connection.may_send_password_unencrypted
    return True if needs_it else None


def _own_name() -> str:
    """Returns the host name for EHLO; resolving the full name may hang without DNS."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()) or "localhost"
