"""Runs an SMTP server that keeps messages and fails on demand, by the recipient's local part.

    code451@ code550@   that reply at RCPT (any code)
    dead@               550 5.1.1 at RCPT
    data452@ data554@   that reply after the final dot (any code)
    drop@               the connection breaks after the final dot, nothing is kept
    acceptdrop@         the message is kept and the connection breaks before the reply
    slow@               the reply after the final dot takes `slow_seconds`
    grey@               450 at RCPT for the first `grey_seconds`, then accepted

As a process: `python -m tests.servers.smtp_sink PORT JOURNAL` writes each kept message as a line
of JSON to the journal, flushed before the reply.
"""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from postrail.embedded.ports import LOOPBACK, free_port

START_SECONDS = 10.0


@dataclass(frozen=True)
class KeptMail:
    """One accepted message: its envelope, its bytes and the time."""

    mail_from: str
    recipients: tuple[str, ...]
    # The bytes, one character each (latin-1), so that they fit into JSON.
    data: str
    received_at: float

    @property
    def content(self) -> bytes:
        """Returns the message's bytes."""
        return self.data.encode("latin-1")

    @property
    def message(self) -> Message:
        """Returns the parsed message."""
        return message_from_bytes(self.content)

    @property
    def message_id(self) -> str:
        """Returns the Message-ID header, or ""."""
        return str(self.message.get("Message-ID", "")).strip()


class Faults:
    """Handles the commands for aiosmtpd: keeps messages, or fails as the recipient's name says."""

    def __init__(
        self, keep: Callable[[KeptMail], None], *, slow_seconds: float, grey_seconds: float
    ) -> None:
        self._keep = keep
        self._slow_seconds = slow_seconds
        self._grey_seconds = grey_seconds
        self._first_seen: dict[str, float] = {}
        self.refused: list[tuple[str, str]] = []
        # The size in bytes, not announced, above which messages get this reply after the dot.
        self.too_large: tuple[int, str] | None = None

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Replies to RCPT TO."""
        local = address.partition("@")[0]
        if local.startswith("code"):
            self.refused.append((address, local[4:7]))
            return f"{local[4:7]} refused as wished"
        if local.startswith("dead"):
            self.refused.append((address, "550"))
            return "550 5.1.1 No such user"
        first = self._first_seen.setdefault(address, time.monotonic())
        if local.startswith("grey") and time.monotonic() - first < self._grey_seconds:
            self.refused.append((address, "450"))
            return "450 4.2.0 Greylisted, try later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Replies to the final dot."""
        locals_ = [address.partition("@")[0] for address in envelope.rcpt_tos]
        if any(local.startswith("slow") for local in locals_):
            await asyncio.sleep(self._slow_seconds)
        for local in locals_:
            if local.startswith("data"):
                return f"{local[4:7]} refused as wished"
            if local.startswith("drop"):
                return _broken(server)
        if self.too_large and len(envelope.content or b"") > self.too_large[0]:
            return self.too_large[1]
        self._keep(_kept(envelope))
        if any(local.startswith("acceptdrop") for local in locals_):
            return _broken(server)
        return "250 2.0.0 queued"


def _broken(server: SMTP) -> str:
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()
    return ""


def _kept(envelope: Envelope) -> KeptMail:
    content = envelope.content or b""
    data = content if isinstance(content, bytes) else content.encode()
    return KeptMail(
        envelope.mail_from or "", tuple(envelope.rcpt_tos), data.decode("latin-1"), time.time()
    )


class SmtpSink:
    """The server, in a thread of its own. `mails` are the kept messages, in order.

    With `tls`, STARTTLS is offered (`implicit_tls`: TLS from the start). With `login`, a pair of
    user and password, it accepts messages after AUTH only.
    """

    host = "localhost"

    def __init__(
        self,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        login: tuple[str, str] | None = None,
        slow_seconds: float = 2.0,
        grey_seconds: float = 1.0,
        max_message_bytes: int = 40 * 1024 * 1024,
        smtputf8: bool = True,
        on_kept: Callable[[KeptMail], None] | None = None,
    ) -> None:
        self.port = port or free_port()
        self.mails: list[KeptMail] = []
        self.connections = 0
        self._tls = tls
        self._implicit_tls = implicit_tls
        self._login = login
        self._max_message_bytes = max_message_bytes
        self._smtputf8 = smtputf8
        self._on_kept = on_kept
        self._faults = Faults(self._keep, slow_seconds=slow_seconds, grey_seconds=grey_seconds)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def refused(self) -> list[tuple[str, str]]:
        """Returns the recipients that were refused at RCPT, with the code."""
        return self._faults.refused

    def refuse_over(self, most_bytes: int, reply: str) -> None:
        """Refuses larger messages by this reply, after they have come."""
        self._faults.too_large = (most_bytes, reply)

    def mails_to(self, address: str) -> list[KeptMail]:
        """Returns the kept messages with this envelope recipient."""
        return [mail for mail in self.mails if address in mail.recipients]

    def wait_for(self, count: int, timeout_seconds: float = 20.0) -> list[KeptMail]:
        """Waits until at least `count` messages are kept; fails when that takes too long."""
        deadline = time.monotonic() + timeout_seconds
        while len(self.mails) < count:
            assert time.monotonic() < deadline, f"{len(self.mails)} of {count} mails came"
            time.sleep(0.02)
        return list(self.mails)

    def start(self) -> None:
        """Starts to listen; after a stop, on the same port again."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="smtp-sink")
        self._thread.start()
        if not ready.wait(START_SECONDS):
            raise RuntimeError("the SMTP sink did not start")

    def stop(self) -> None:
        """Stops listening and breaks open connections; keeps the messages."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(START_SECONDS)
            self._loop = None

    def _keep(self, mail: KeptMail) -> None:
        if self._on_kept is not None:
            self._on_kept(mail)
        self.mails.append(mail)

    def _run(self, ready: threading.Event) -> None:
        asyncio.run(self._serve(ready))

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        context = self._tls if self._implicit_tls else None
        server = await self._loop.create_server(self._protocol, LOOPBACK, self.port, ssl=context)
        ready.set()
        await self._ended.wait()
        server.close()
        await self._end_connections()

    async def _end_connections(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _protocol(self) -> SMTP:
        self.connections += 1
        smtp = SMTP(
            self._faults,
            data_size_limit=self._max_message_bytes,
            enable_SMTPUTF8=self._smtputf8,
            hostname="sink.test",
            tls_context=None if self._implicit_tls else self._tls,
            auth_required=self._login is not None,
            authenticator=self._authenticate,
        )
        # Set here, since the constructor warns of a login without TLS, which is tested too.
        smtp._auth_require_tls = False
        return smtp

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        given = (data.login, data.password) if isinstance(data, LoginPassword) else None
        wanted = tuple(part.encode() for part in self._login) if self._login else None
        # handled=False lets aiosmtpd send the refusal; otherwise the client waits for ever.
        return AuthResult(success=given == wanted, handled=False)


def read_journal(journal: Path) -> list[KeptMail]:
    """Reads the messages that a sink process kept."""
    if not journal.exists():
        return []
    lines = (json.loads(line) for line in journal.read_text().splitlines())
    return [KeptMail(**{**line, "recipients": tuple(line["recipients"])}) for line in lines]


def main() -> None:
    """Runs the sink until SIGTERM."""
    port, journal = int(sys.argv[1]), Path(sys.argv[2])
    ends = {signal.SIGTERM, signal.SIGINT}
    # Before the sink's thread starts, which inherits the mask: else the signal ends the process.
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with journal.open("a") as file:

        def write(mail: KeptMail) -> None:
            file.write(json.dumps(asdict(mail)) + "\n")
            file.flush()

        sink = SmtpSink(port=port, on_kept=write)
        sink.start()
        signal.sigwait(ends)
        sink.stop()


if __name__ == "__main__":
    main()
