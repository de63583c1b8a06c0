"""Speaks SMTP on one connection: a transaction for each message, until the connection breaks.

The message is written first and its final dot separately, after a check of the clock: a process
that was paused in between, and whose claim another sender holds by now, must not complete it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

from postrail.clock import Clock
from postrail.courier import Answer, BeforeDot, Envelope, State, TimeLimit, TooLate
from postrail.courier.lines import with_crlf
from postrail.courier.smtp_client import SmtpClient
from postrail.courier.smtp_commands import CLOSING, CONNECTION_FAULTS, Commands
from postrail.courier.smtp_replies import OutOfStep
from postrail.courier.smtp_words import clean_words, words_of, words_of_reply
from postrail.notifications.addresses import can_be_written, smtp_address

CHUNK_BYTES = 256 * 1024
# How often to check whether a slow server has read the written data.
DRAIN_SECONDS = 0.005
QUIT_SECONDS = 2.0

DATA_WANTED = 354
# RFC 4954, 6 and RFC 3207, 4: the server requires a login or encryption first.
LOGIN_REQUIRED = (530, 538)


class Dialogue:
    """A connection that is logged in. Only one task may use it at a time."""

    def __init__(self, client: SmtpClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._commands = Commands(client)
        self._in_doubt = False
        # The recipients whose answers may turn out to be replies to other commands.
        self._unproven: Sequence[str] = ()
        self.used = False
        self.idle_since = clock.steady()

    @property
    def is_open(self) -> bool:
        """Returns whether the connection can be used again; False once the server has closed it."""
        return self._commands.is_open

    @property
    def most_bytes(self) -> int:
        """Returns the size of the largest message that the server takes (RFC 1870, 3); 0: any."""
        most = self._client.esmtp_extensions.get("size", "").strip()
        return int(most) if most.isascii() and most.isdigit() else 0

    async def send(
        self, envelope: Envelope, limit: TimeLimit, before_dot: BeforeDot
    ) -> list[Answer]:
        """Runs one SMTP transaction; returns an answer for each recipient.

        Raises TooLate and the errors of `before_dot`, and LoginRequired or StaleConnection before
        a transaction was begun. Any other fault of the connection becomes an answer.
        """
        answers: dict[str, Answer] = {}
        try:
            async with asyncio.timeout(limit.end_before - self._clock.steady()):
                await self._transaction(envelope, limit, before_dot, answers)
        except TimeoutError as error:
            self._break_off(envelope, answers, f"no answer in time: {words_of(error)}")
        except CONNECTION_FAULTS as error:
            self._break_off(envelope, answers, f"connection lost: {words_of(error)}")
        finally:
            if len(answers) < len(envelope.recipients) or self._commands.is_out_of_step:
                self.abort()
            self.idle_since = self._clock.steady()
        return [answers[recipient] for recipient in envelope.recipients]

    async def refusal_of(self, envelope_from: str) -> str:
        """Sends MAIL FROM and RSET; returns the server's refusal of the sender, or "".

        Raises LoginRequired, and the library's errors when the connection breaks.
        """
        envelope = Envelope(envelope_from=envelope_from, recipients=(), content=b"")
        reply = await self._mail(envelope, ())
        await self._reset()
        return "" if reply.code // 100 == 2 else words_of_reply(reply)

    async def _transaction(
        self,
        envelope: Envelope,
        limit: TimeLimit,
        before_dot: BeforeDot,
        answers: dict[str, Answer],
    ) -> None:
        """Fills in the answers; an exception leaves the remaining recipients without one."""
        recipients = self._carriable(envelope, answers)
        if not recipients:
            return
        try:
            await self._exchange(envelope, recipients, limit, before_dot, answers)
        except OutOfStep as error:
            for recipient in self._unproven:
                answers.pop(recipient, None)
            self._break_off(envelope, answers, clean_words(str(error)))

    async def _exchange(
        self,
        envelope: Envelope,
        recipients: Sequence[str],
        limit: TimeLimit,
        before_dot: BeforeDot,
        answers: dict[str, Answer],
    ) -> None:
        self._unproven = recipients
        reply = await self._mail(envelope, recipients)
        if reply.code // 100 != 2:
            await self._end(answers, recipients, reply)
            return
        accepted = await self._recipients(recipients, answers)
        if not accepted:
            await self._leave(answers, recipients)
            return
        reply = await self._commands.ask(3, b"DATA")
        if reply.code != DATA_WANTED:
            await self._end(answers, accepted, reply)
            return
        # No other command has this reply, so the replies before it were in step.
        self._unproven = accepted
        reply = await self._hand_over(envelope.content, limit, before_dot)
        state: State = "sent" if reply.code // 100 == 2 else _refusal(reply.code)
        lost = reply.code == CLOSING
        _answer_each(answers, accepted, state, words_of_reply(reply), connection_lost=lost)
        if state != "sent":
            # If this was the reply to another command, a repetition would be a copy.
            await self._commands.confirm_step()
        self._in_doubt = False

    def _carriable(self, envelope: Envelope, answers: dict[str, Answer]) -> list[str]:
        """Returns the recipients whose addresses SMTP can carry to this server; the others fail."""
        if envelope.envelope_from and not self._can_carry(envelope.envelope_from):
            _answer_each(
                answers, envelope.recipients, "failed", _not_carriable(envelope.envelope_from)
            )
            return []
        for recipient in envelope.recipients:
            if not self._can_carry(recipient):
                _answer_each(answers, [recipient], "failed", _not_carriable(recipient))
        return [recipient for recipient in envelope.recipients if recipient not in answers]

    def _can_carry(self, address: str) -> bool:
        sent = smtp_address(address)
        supported = sent.isascii() or self._client.supports_extension("smtputf8")
        return supported and can_be_written(sent)

    async def _mail(self, envelope: Envelope, recipients: Sequence[str]) -> aiosmtplib.SMTPResponse:
        """Sends MAIL FROM; on a kept connection, a server that has hung up shows here."""
        command = [b"MAIL", b"FROM:" + _path(envelope.envelope_from), *self._options(envelope)]
        kept, self.used = self.used, True
        try:
            reply = await self._commands.ask(2, *command)
        except (*CONNECTION_FAULTS, OutOfStep) as error:
            if kept:
                raise StaleConnection from error
            raise
        if reply.code in LOGIN_REQUIRED:
            raise LoginRequired(words_of_reply(reply))
        if kept and reply.code == CLOSING:
            raise StaleConnection
        return reply

    def _options(self, envelope: Envelope) -> list[bytes]:
        options = []
        supports = self._client.supports_extension
        if supports("size"):
            options.append(b"SIZE=%d" % len(envelope.content))
        if supports("8bitmime") and not envelope.content.isascii():
            options.append(b"BODY=8BITMIME")
        addresses = (envelope.envelope_from, *envelope.recipients)
        if supports("smtputf8") and not all(smtp_address(one).isascii() for one in addresses):
            options.append(b"SMTPUTF8")
        return options

    async def _recipients(self, recipients: Sequence[str], answers: dict[str, Answer]) -> list[str]:
        """Sends RCPT TO for each; returns those that the server accepts."""
        accepted = []
        for recipient in recipients:
            reply = await self._commands.ask(2, b"RCPT", b"TO:" + _path(recipient))
            if reply.code // 100 == 2:
                accepted.append(recipient)
            else:
                _answer_refused(answers, [recipient], reply)
                answers[recipient] = replace(
                    answers[recipient], refused_recipient=True, connection_lost=False
                )
        return accepted

    async def _hand_over(
        self, content: bytes, limit: TimeLimit, before_dot: BeforeDot
    ) -> aiosmtplib.SMTPResponse:
        """Writes the message and then, before `limit.dot_before`, the dot that completes it."""
        protocol = self._client.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("the server closed the connection after DATA")
        self._client.show(f"{{{len(content)} bytes}}")
        await _write(protocol, dot_stuffed(content))
        await before_dot()
        self._commands.require_step()
        if self._clock.steady() >= limit.dot_before:
            # The server drops a message whose connection breaks before the dot (RFC 5321, 4.1.1.4).
            self.abort()
            raise TooLate("the time for this message was over before it was complete")
        self._client.show(".")
        protocol.write(b".\r\n")
        self._in_doubt = True
        reply = await self._commands.read(2, protocol.read_response(), is_last=True)
        self._client.show_reply(reply)
        return reply

    async def _end(
        self, answers: dict[str, Answer], recipients: Sequence[str], reply: aiosmtplib.SMTPResponse
    ) -> None:
        _answer_refused(answers, recipients, reply)
        await self._leave(answers, recipients)

    async def _leave(self, answers: dict[str, Answer], recipients: Sequence[str]) -> None:
        """Ends a transaction without a message; a final refusal has to be in step."""
        if any(answers[recipient].state == "failed" for recipient in recipients):
            await self._commands.confirm_step()
        else:
            await self._reset()

    async def _reset(self) -> None:
        """Clears the envelope after a transaction without a message."""
        if not self.is_open:
            return
        try:
            await self._commands.ask(2, b"RSET")
        except (*CONNECTION_FAULTS, OutOfStep):
            self.abort()

    def _break_off(self, envelope: Envelope, answers: dict[str, Answer], why: str) -> None:
        """Aborts the connection, and answers for the recipients that have no answer yet."""
        self.abort()
        state: State = "unknown" if self._in_doubt else "deferred"
        words = f"{why}; the server may have taken the message" if self._in_doubt else why
        without = [recipient for recipient in envelope.recipients if recipient not in answers]
        _answer_each(answers, without, state, words, connection_lost=not self._in_doubt)

    def abort(self) -> None:
        """Closes the connection at once and discards data that are not written yet."""
        self._commands.abort()

    async def quit(self) -> None:
        """Sends QUIT; aborts the connection when the server does not answer in time."""
        if self.is_open:
            try:
                await self._client.quit(timeout=QUIT_SECONDS)
            except CONNECTION_FAULTS:
                self.abort()


class LoginRequired(Exception):
    """The server requires a login or encryption; no transaction was begun."""


class StaleConnection(Exception):
    """The server has closed this kept connection; a new one may work."""


async def _write(protocol: SMTPProtocol, data: bytes) -> None:
    """Writes data and waits until the operating system has all of them."""
    transport = cast(asyncio.WriteTransport, protocol.transport)
    for start in range(0, len(data), CHUNK_BYTES):
        protocol.write(data[start : start + CHUNK_BYTES])
        # asyncio reports an empty buffer to the protocol only, which is the library's.
        while transport.get_write_buffer_size() and not transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(DRAIN_SECONDS)


def dot_stuffed(content: bytes) -> bytes:
    """Returns the message as it follows DATA, without its final dot (RFC 5321, 4.5.2)."""
    stuffed = with_crlf(content).replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


def _path(address: str) -> bytes:
    return b"<" + smtp_address(address).encode("utf-8", "replace") + b">"


def _not_carriable(address: str) -> str:
    sent = smtp_address(address)
    if can_be_written(sent) and not sent.isascii():
        return (
            f"{address!a} has characters beyond ASCII before the @, and this server does not offer"
            " SMTPUTF8 for them (RFC 6531); nothing was sent"
        )
    return f"{address!a} is not an address that this server accepts; nothing was sent"


def _answer_refused(
    answers: dict[str, Answer], recipients: Sequence[str], reply: aiosmtplib.SMTPResponse
) -> None:
    lost = reply.code == CLOSING
    _answer_each(
        answers, recipients, _refusal(reply.code), words_of_reply(reply), connection_lost=lost
    )


def _answer_each(
    answers: dict[str, Answer],
    recipients: Sequence[str],
    state: State,
    reply: str,
    *,
    connection_lost: bool = False,
) -> None:
    for recipient in recipients:
        answers[recipient] = Answer(
            recipient=recipient, state=state, reply=reply, connection_lost=connection_lost
        )


def _refusal(code: int) -> State:
    """Returns the state for a refusal: 5xx is final, others may succeed later (RFC 5321, 4.2.1)."""
    return "failed" if code // 100 == 5 else "deferred"
