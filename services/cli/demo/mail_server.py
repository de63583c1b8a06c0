"""Sends and reads messages at the demo's mail server, by SMTP and IMAP as a mail program does."""

from __future__ import annotations

import asyncio
import email.policy
from collections.abc import Callable
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage

from postrail.clock import Clock, SystemClock
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import Envelope, TimeLimit
from postrail.courier.smtp import SmtpCourier
from postrail.embedded.endpoints import Endpoints
from postrail.errors import ConfigurationError, TransientError
from postrail.mailbox.imap.mailbox import ImapMailbox
from services.cli.demo.messages import DOMAIN, PROJECT, SUPPORT

SEND_SECONDS = 20.0
POLL_SECONDS = 0.2

Matches = Callable[[EmailMessage], bool]


class DemoMailServer:
    """Sends messages to the demo's mailbox, and reads the mailboxes of its people."""

    def __init__(self, endpoints: Endpoints, password: str, clock: Clock | None = None) -> None:
        require_mail_server(endpoints)
        self._endpoints = endpoints
        self._password = password
        self._clock = clock or SystemClock()
        connection = OutgoingConnection(
            name="demo-people",
            host=endpoints.smtp_host,
            port=endpoints.smtp_port,
            encryption="none",
            from_address=SUPPORT,
        )
        self._courier = SmtpCourier(connection, "", self._clock)

    async def send(self, message: EmailMessage, sender: str) -> datetime:
        """Sends a message; returns the time when the server has accepted it."""
        now = self._clock.steady()
        limit = TimeLimit(dot_before=now + SEND_SECONDS, end_before=now + 2 * SEND_SECONDS)
        content = message.as_bytes(policy=email.policy.SMTP)
        envelope = Envelope(envelope_from=sender, recipients=(SUPPORT,), content=content)
        (answer,) = await self._courier.send(envelope, limit)
        if answer.state != "sent":
            raise TransientError(
                f"the demo's mail server refused the message: {answer.reply}",
                remedy="Try again; its log is in the greenmail folder of the data folder",
            )
        return self._clock.now()

    async def wait_for(self, address: str, matches: Matches, wait_seconds: float) -> EmailMessage:
        """Returns the first matching message in a person's mailbox, as soon as it has arrived."""
        mailbox = ImapMailbox(self._account(address), self._password)
        await asyncio.to_thread(mailbox.open)
        try:
            return await self._find(mailbox, address, matches, wait_seconds)
        finally:
            await asyncio.to_thread(mailbox.close)

    async def _find(
        self, mailbox: ImapMailbox, address: str, matches: Matches, wait_seconds: float
    ) -> EmailMessage:
        last_uid, deadline = 0, self._clock.now() + timedelta(seconds=wait_seconds)
        while self._clock.now() < deadline:
            listed = await asyncio.to_thread(mailbox.list_after, last_uid)
            for mail in await asyncio.to_thread(mailbox.read, [one.uid for one in listed]):
                last_uid = mail.uid
                message = message_from_bytes(mail.content, policy=email.policy.default)
                if isinstance(message, EmailMessage) and matches(message):
                    return message
            await self._clock.sleep(POLL_SECONDS)
        raise TransientError(
            f"the notification to {address} did not arrive within {wait_seconds:.0f} s",
            remedy="See postrail outgoing list and the log of the sender",
        )

    async def close(self) -> None:
        """Closes the connections."""
        await self._courier.close()

    def _account(self, address: str) -> MailAccount:
        return MailAccount(
            name=address.partition("@")[0],
            host=self._endpoints.imap_host,
            port=self._endpoints.imap_port,
            encryption="none",
            username=address,
            password=self._password,
            address=address,
            project=PROJECT,
        )


def require_mail_server(endpoints: Endpoints) -> None:
    """Raises ConfigurationError when the installation runs without the demo."""
    if not endpoints.smtp_port:
        raise ConfigurationError(
            f"the installation in {endpoints.data} has no mail server of its own",
            remedy=f"Start it with: postrail up --demo --data {endpoints.data}",
            setting="POSTRAIL_DATA",
        )


def full_address(sender: str) -> str:
    """Returns the whole address of a sender; "ada" is ada@demo.example."""
    return sender if "@" in sender else f"{sender}@{DOMAIN}"
