"""Runs senders as processes, makes messages for them, and reads their tables."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from postrail.configuration import store
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.database import Pool, rows, transaction
from postrail.notifications.mime.message import MessageParts, build_message
from postrail.records import OutgoingDelivery, OutgoingQueued
from postrail.stream import avro
from postrail.stream.producer import Entry
from postrail.stream.topics import OUTGOING_QUEUED

REPOSITORY = Path(__file__).parents[2]


def queued_mail(
    *, recipients: Sequence[str] = ("ann@example.org",), **changes: Any
) -> OutgoingQueued:
    """Makes a notification about an issue of its own, over the connection "relay"."""
    outgoing_id = changes.get("outgoing_id", str(uuid.uuid4()))
    now = datetime.now(UTC)
    fields: dict[str, Any] = {
        "outgoing_id": outgoing_id,
        "conversation": str(uuid.uuid4()),
        "issue_key": None,
        "cause": "issue created",
        "language": "en",
        "connection": "relay",
        "envelope_from": "help@example.org",
        "from_name": "Help desk",
        "subject": "Hello",
        "text": "We have it.",
        "queued_at": now,
        "received_at": now,
        "mailbox": "support",
        "deliveries": [
            OutgoingDelivery(
                recipient=recipient, name="", message_id=f"<{outgoing_id}.{number}@example.org>"
            )
            for number, recipient in enumerate(recipients)
        ],
    }
    return OutgoingQueued(**{**fields, **changes})


def old_mail(**changes: Any) -> OutgoingQueued:
    """Makes a notification as builds before migration 0016 do: a whole message, to Ann."""
    mail = queued_mail(recipients=())
    message_id = f"<{mail.outgoing_id}@example.org>"
    message = build_message(
        MessageParts(
            message_id=message_id,
            date=mail.queued_at,
            from_name="Help desk",
            from_address="help@example.org",
            to="ann@example.org",
            subject="Hello",
            text="We have it.",
            in_reply_to=None,
            references=[],
        )
    )
    parts: dict[str, Any] = {
        "text": None,
        "language": "",
        "from_name": "",
        "recipients": ["ann@example.org"],
        "message_id": message_id,
        "message": message,
    }
    return replace(mail, **{**parts, **changes})


def message_ids(*mails: OutgoingQueued) -> list[str]:
    """Returns the Message-IDs of all deliveries of these messages."""
    return [delivery.message_id for mail in mails for delivery in mail.deliveries]


def queued_entry(mail: OutgoingQueued) -> Entry:
    """Returns the message as a record for Kafka."""
    return Entry(OUTGOING_QUEUED, mail.conversation, avro.encode(mail))


async def configure(pool: Pool, port: int, **changes: Any) -> OutgoingConnection:
    """Stores the outgoing connection "relay", or another by its name."""
    fields: dict[str, Any] = {
        "name": "relay",
        "host": "localhost",
        "port": port,
        "encryption": "none",
        "from_address": "help@example.org",
        "timeout_ms": 5000,
        "is_default": True,
    }
    connection = OutgoingConnection.model_validate({**fields, **changes})
    async with transaction(pool) as database:
        await store.save(database, connection, before=None, author="test", now=datetime.now(UTC))
    return connection


async def delivery_rows(pool: Pool) -> list[dict[str, Any]]:
    """Reads all deliveries in the order in which they were queued."""
    names = ("outgoing_id", "recipient", "state", "reply", "attempts", "maybe_twice")
    async with transaction(pool) as connection:
        found = await rows(
            connection,
            "SELECT outgoing_id::text, recipient, state, reply, attempts, maybe_twice"
            " FROM delivery ORDER BY sequence, recipient",
        )
    return [dict(zip(names, row, strict=True)) for row in found]


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 40.0) -> None:
    """Waits until the condition holds; fails when that takes too long."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "the condition did not hold in time"
        await asyncio.sleep(0.05)


class SenderProcess:
    """One sender, as a process like in production."""

    def __init__(
        self,
        environment: dict[str, str],
        folder: Path,
        arguments: Sequence[str] = ("-m", "services.sender"),
    ) -> None:
        self._log = folder / f"sender-{uuid.uuid4().hex[:8]}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=REPOSITORY,
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> str:
        """Returns the log."""
        return self._log.read_text()

    @property
    def runs(self) -> bool:
        """Returns whether the process is running."""
        return self._process.poll() is None

    @property
    def is_stopped(self) -> bool:
        """Returns whether a signal has stopped the process (proc(5))."""
        status = Path(f"/proc/{self._process.pid}/stat").read_text()
        return status.rpartition(")")[2].split()[0] == "T"

    @property
    def exit_code(self) -> int | None:
        """Returns the exit code; a negative one names a signal."""
        return self._process.poll()

    def pause(self) -> None:
        """Stops the process with SIGSTOP."""
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Continues the process with SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kills the process and waits for its end."""
        self._process.kill()
        self._process.wait()

    async def stop(self) -> int:
        """Sends SIGTERM; returns the exit code."""
        self._process.terminate()
        return await asyncio.to_thread(self._process.wait, 30)
