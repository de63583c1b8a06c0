"""The first steps of any trial: the server's name, its port, TLS and its greeting.

They use a connection of their own, which is closed before anybody logs in. What goes wrong is
looked at more closely than a fetcher would: a second connection tells what the port does expect,
or shows the certificate that was refused.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError
from postrail.mailbox import MailboxUnavailable
from postrail.mailbox.check.certificate import Certificate, read_certificate
from postrail.mailbox.check.timed_steps import Found, Step, Steps, in_order
from postrail.mailbox.faults import (
    broken_off,
    expects_plain,
    expects_tls,
    network_fault,
    server_of,
    setting_of,
    starttls_missing,
    tls_context,
    tls_fault,
    unexpected_answer,
)

CONNECT_TIMEOUT_SECONDS = 10.0
# A server that greets does so at once; one that is silent for longer may expect TLS.
SILENCE_SECONDS = 3.0
LINE_BYTES = 8192
LINES_BEFORE_ANSWER = 20
RENEW_DAYS = 14
WORDS_SHOWN = 200

GREETINGS = {"imap": (b"* OK", b"* PREAUTH"), "pop3": (b"+OK",)}
REFUSALS = {"imap": (b"* BYE",), "pop3": (b"-ERR",)}
# RFC 3501, 6.2.1, and RFC 2595, 4: the command, how its answer begins, and how when it is a yes.
STARTTLS: dict[str, tuple[bytes, tuple[bytes, ...], bytes]] = {
    "imap": (b"a1 STARTTLS\r\n", (b"a1 ",), b"a1 OK"),
    "pop3": (b"STLS\r\n", (b"+OK", b"-ERR"), b"+OK"),
}


def reach(account: MailAccount) -> Generator[Step, None, bool]:
    """The steps up to TLS and greeting; returns whether all succeeded."""
    with contextlib.closing(ConnectionCheck(account)) as way:
        return (yield from in_order(way.steps()))


class ConnectionCheck:
    """The way to the server of an account that speaks IMAP or POP3."""

    def __init__(self, account: MailAccount) -> None:
        self._account = account
        self._timeout = account.timeout_ms / 1000
        self._socket: socket.socket | None = None

    def steps(self) -> Steps:
        """Name resolution, connection, and then TLS and greeting in the order of the encryption."""
        tls, greeting = ("TLS", self.encrypt), ("greeting", self.greeting)
        then = {"ssl": [tls, greeting], "none": [greeting]}
        return [
            ("name resolution", self.resolve),
            ("connection", self.connect),
            *then.get(self._account.encryption, [greeting, ("TLS", self.upgrade)]),
        ]

    def close(self) -> None:
        """Ends the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def resolve(self) -> Found:
        """The server's addresses."""
        account = self._account
        try:
            found = socket.getaddrinfo(account.host, account.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise network_fault(account, error) from error
        except UnicodeError as error:
            raise ConfigurationError(
                f"{account.host!r} cannot be the name of a host",
                setting=setting_of(account, "host"),
                remedy="Correct the host name",
            ) from error
        return Found(", ".join(dict.fromkeys(str(address[4][0]) for address in found)))

    def connect(self) -> Found:
        """A TCP connection."""
        self._socket = self._connected()
        return Found(f"{self._socket.getpeername()[0]}, port {self._account.port}")

    def encrypt(self) -> Found:
        """TLS from the start."""
        try:
            return self._wrap()
        except ssl.SSLCertVerificationError as error:
            raise self._untrusted(error) from error
        except (ssl.SSLError, TimeoutError, ConnectionResetError) as error:
            if greeting := self._plain_greeting():
                raise expects_plain(self._account, _words(greeting)) from error
            if isinstance(error, ssl.SSLError):
                raise tls_fault(self._account, error) from error
            raise network_fault(self._account, error) from error

    def upgrade(self) -> Found:
        """STARTTLS; where it is not needed, the server may lack it."""
        refusal = self._ask_for_tls(self._open_socket)
        if refusal is not None:
            if self._account.encryption == "starttls_if_available":
                return Found(f"the server offers none ({_words(refusal)})")
            raise starttls_missing(self._account, ValueError(_words(refusal)))
        try:
            return self._wrap()
        except ssl.SSLCertVerificationError as error:
            raise self._untrusted(error) from error
        except ssl.SSLError as error:
            raise tls_fault(self._account, error) from error
        except OSError as error:
            raise network_fault(self._account, error) from error

    def greeting(self) -> Found:
        """What the server says first."""
        line = self._first_line(self._open_socket)
        protocol = self._account.wire_protocol
        if line.startswith(REFUSALS[protocol]):
            raise MailboxUnavailable(
                f"{server_of(self._account)} wants no connection now: {_words(line)}",
                setting=setting_of(self._account, "host, port"),
                remedy="Try again later; ask the server's administrator when it goes on",
            )
        if not line.startswith(GREETINGS[protocol]):
            raise unexpected_answer(self._account, ValueError(_words(line)))
        return Found(_words(line))

    @property
    def _open_socket(self) -> socket.socket:
        assert self._socket is not None
        return self._socket

    def _connected(self) -> socket.socket:
        address = (self._account.host, self._account.port)
        try:
            found = socket.create_connection(address, min(self._timeout, CONNECT_TIMEOUT_SECONDS))
        except OSError as error:
            raise network_fault(self._account, error) from error
        found.settimeout(self._timeout)
        return found

    def _wrap(self) -> Found:
        context = tls_context(self._account)
        wrapped = context.wrap_socket(self._open_socket, server_hostname=self._account.host)
        self._socket = wrapped
        certificate = read_certificate(wrapped.getpeercert(binary_form=True))
        version = wrapped.version() or "TLS"
        if certificate is None:
            return Found(f"{version}, with a certificate that cannot be read")
        return Found(f"{version}, {described(certificate)}", self._advice(certificate))

    def _advice(self, certificate: Certificate) -> str:
        advice = "; ".join(self._account.risks())
        if certificate.days_left(_now()) < RENEW_DAYS and self._account.verify_certificate:
            advice = "; ".join(
                filter(None, [advice, "the certificate has to be renewed on the server soon"])
            )
        return advice

    def _untrusted(self, error: ssl.SSLCertVerificationError) -> Exception:
        return tls_fault(self._account, error, self._certificate())

    def _certificate(self) -> Certificate | None:
        """The certificate that was refused, over a connection that trusts anybody."""
        with contextlib.suppress(OSError, MailboxUnavailable), self._second_connection() as plain:
            if self._account.encryption != "ssl":
                self._first_line(plain)
                self._ask_for_tls(plain)
            with _trusting_context().wrap_socket(plain) as trusting:
                return read_certificate(trusting.getpeercert(binary_form=True))
        return None

    def _plain_greeting(self) -> bytes:
        """What the port says to somebody who speaks no TLS; b"" when it is silent."""
        with contextlib.suppress(OSError, MailboxUnavailable), self._second_connection() as plain:
            line = _line(plain, SILENCE_SECONDS)
            # HTTP has none.
            return line if line.startswith(GREETINGS.get(self._account.wire_protocol, ())) else b""
        return b""

    def _speaks_tls(self) -> bool:
        with contextlib.suppress(OSError, MailboxUnavailable), self._second_connection() as plain:
            plain.settimeout(SILENCE_SECONDS)
            with _trusting_context().wrap_socket(plain):
                return True
        return False

    @contextlib.contextmanager
    def _second_connection(self) -> Iterator[socket.socket]:
        with contextlib.closing(self._connected()) as second:
            yield second

    def _first_line(self, server: socket.socket) -> bytes:
        try:
            line = _line(server, min(SILENCE_SECONDS, self._timeout))
        except TimeoutError as error:
            if self._account.encryption != "ssl" and self._speaks_tls():
                raise expects_tls(self._account) from error
            line = self._line(server)
        except OSError as error:
            raise network_fault(self._account, error) from error
        if not line:
            raise broken_off(self._account, EOFError("it said nothing"))
        return line

    def _line(self, server: socket.socket) -> bytes:
        try:
            return _line(server, self._timeout)
        except OSError as error:
            raise network_fault(self._account, error) from error

    def _ask_for_tls(self, server: socket.socket) -> bytes | None:
        """Asks to begin with TLS; returns the server's words when it does not want to."""
        command, answer, yes = STARTTLS[self._account.wire_protocol]
        try:
            server.sendall(command)
        except OSError as error:
            raise network_fault(self._account, error) from error
        for _ in range(LINES_BEFORE_ANSWER):
            line = self._line(server)
            if not line:
                raise broken_off(self._account, EOFError("asked for TLS, it said nothing"))
            if line.startswith(answer):
                return None if line.startswith(yes) else line
        raise unexpected_answer(self._account, ValueError("no answer to STARTTLS"))


def described(certificate: Certificate) -> str:
    """The certificate in one line."""
    return (
        f"certificate for {certificate.for_hosts} ({certificate.subject}),"
        f" issued by {certificate.issuer}, valid until {certificate.valid_until:%Y-%m-%d}"
        f" ({certificate.days_left(_now())} days)"
    )


def _line(server: socket.socket, seconds: float) -> bytes:
    """The first line, or the first bytes of one without end; b"" at the end of the connection.

    It is read byte by byte, so that nothing of what follows (TLS) is taken away. The time is that
    of the whole line: a server that sends a byte now and then keeps nobody.
    """
    deadline, before = time.monotonic() + seconds, server.gettimeout()
    line = b""
    try:
        while len(line) < LINE_BYTES and not line.endswith(b"\n"):
            # At least something: 0 would mean not to wait at all, and to fail otherwise.
            server.settimeout(max(deadline - time.monotonic(), 0.001))
            byte = server.recv(1)
            if not byte:
                break
            line += byte
    finally:
        server.settimeout(before)
    return line


def _trusting_context() -> ssl.SSLContext:
    """For looking only: nothing that matters is ever sent over it."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _words(line: bytes) -> str:
    text = line.strip().decode("utf-8", "replace")
    return text if len(text) <= WORDS_SHOWN else text[:WORDS_SHOWN] + "…"


def _now() -> datetime:
    return datetime.now(UTC)
