"""Resolves a server's name, connects, speaks TLS and reads the greeting, each as a step.

The connection is closed before the login, which uses another one. After a failure a second
connection finds out what the port expects, or reads the certificate that was refused.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime

from postrail.errors import ConfigurationError, ServerUnavailable
from postrail.wire import Server, connect_timeout_seconds
from postrail.wire.certificate import Certificate, read_certificate
from postrail.wire.faults import (
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
from postrail.wire.timed_steps import Actions, Findings, Step, run_in_order

# Servers greet at once; one that is silent for longer may expect TLS.
SILENCE_SECONDS = 3.0
LINE_BYTES = 8192
LINES_BEFORE_ANSWER = 20
REPLY_LINES = 100
RENEW_DAYS = 14
WORDS_SHOWN = 200

GREETINGS = {"imap": (b"* OK", b"* PREAUTH"), "pop3": (b"+OK",), "smtp": (b"220",)}
REFUSALS = {"imap": (b"* BYE",), "pop3": (b"-ERR",), "smtp": (b"4", b"5")}
# RFC 3501, 6.2.1, RFC 2595, 4, and RFC 3207, 4: the command, the beginnings of its answers, and of
# consent.
STARTTLS: dict[str, tuple[bytes, tuple[bytes, ...], bytes]] = {
    "imap": (b"a1 STARTTLS\r\n", (b"a1 ",), b"a1 OK"),
    "pop3": (b"STLS\r\n", (b"+OK", b"-ERR"), b"+OK"),
    "smtp": (b"STARTTLS\r\n", (b"2", b"4", b"5"), b"220"),
}


def check_connection(server: Server, advice: Sequence[str] = ()) -> Generator[Step, None, bool]:
    """Runs the steps up to TLS and greeting; returns whether all succeeded.

    `advice` is what is to be said about the settings where TLS succeeds.
    """
    with contextlib.closing(ConnectionCheck(server, advice)) as check:
        return (yield from run_in_order(check.actions()))


class ConnectionCheck:
    """One connection to a server, and the steps that are taken on it."""

    def __init__(self, server: Server, advice: Sequence[str] = ()) -> None:
        self._server = server
        self._settings_advice = advice
        self._timeout = server.timeout_ms / 1000
        self._socket: socket.socket | None = None

    def actions(self) -> Actions:
        """Returns name resolution, connection, TLS and greeting; the encryption orders the last."""
        tls, greeting = ("TLS", self.encrypt), ("greeting", self.greeting)
        then = {"ssl": [tls, greeting], "none": [greeting]}
        return [
            ("name resolution", self.resolve),
            ("connection", self.connect),
            *then.get(self._server.encryption, [greeting, ("TLS", self.upgrade)]),
        ]

    def close(self) -> None:
        """Ends the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def resolve(self) -> Findings:
        """Resolves the host name."""
        server = self._server
        try:
            found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise network_fault(server, error) from error
        except UnicodeError as error:
            raise ConfigurationError(
                f"{server.host!r} cannot be the name of a host",
                setting=setting_of(server, "host"),
                remedy="Correct the host name",
            ) from error
        return Findings(", ".join(dict.fromkeys(str(address[4][0]) for address in found)))

    def connect(self) -> Findings:
        """Makes the TCP connection."""
        self._socket = self._connected()
        return Findings(f"{self._socket.getpeername()[0]}, port {self._server.port}")

    def encrypt(self) -> Findings:
        """Starts TLS right after connecting."""
        try:
            return self._wrap()
        except ssl.SSLCertVerificationError as error:
            raise self._untrusted(error) from error
        except (ssl.SSLError, TimeoutError, ConnectionResetError) as error:
            if greeting := self._plain_greeting():
                raise expects_plain(self._server, _words(greeting)) from error
            if isinstance(error, ssl.SSLError):
                raise tls_fault(self._server, error) from error
            raise network_fault(self._server, error) from error

    def upgrade(self) -> Findings:
        """Starts TLS by STARTTLS, which the server may lack if the settings allow that."""
        refusal = self._ask_for_tls(self._open_socket)
        if refusal is not None:
            if self._server.encryption == "starttls_if_available":
                return Findings(f"the server does not offer it ({_words(refusal)})")
            raise starttls_missing(self._server, ValueError(_words(refusal)))
        try:
            return self._wrap()
        except ssl.SSLCertVerificationError as error:
            raise self._untrusted(error) from error
        except ssl.SSLError as error:
            raise tls_fault(self._server, error) from error
        except OSError as error:
            raise network_fault(self._server, error) from error

    def greeting(self) -> Findings:
        """Reads the greeting."""
        line = self._first_line(self._open_socket)
        protocol = self._server.wire_protocol
        if line.startswith(REFUSALS[protocol]):
            raise ServerUnavailable(
                f"{server_of(self._server)} accepts no connection now: {_words(line)}",
                setting=setting_of(self._server, "host, port"),
                remedy="Try again later; if it persists, ask the server's administrator",
            )
        if not line.startswith(GREETINGS[protocol]):
            raise unexpected_answer(self._server, ValueError(_words(line)))
        return Findings(_words(line))

    @property
    def _open_socket(self) -> socket.socket:
        assert self._socket is not None
        return self._socket

    def _connected(self) -> socket.socket:
        address = (self._server.host, self._server.port)
        try:
            found = socket.create_connection(address, connect_timeout_seconds(self._server))
        except OSError as error:
            raise network_fault(self._server, error) from error
        found.settimeout(self._timeout)
        return found

    def _wrap(self) -> Findings:
        context = tls_context(self._server)
        wrapped = context.wrap_socket(self._open_socket, server_hostname=self._server.host)
        self._socket = wrapped
        certificate = read_certificate(wrapped.getpeercert(binary_form=True))
        version = wrapped.version() or "TLS"
        if certificate is None:
            return Findings(f"{version}, with a certificate that cannot be read")
        return Findings(f"{version}, {described(certificate)}", self._advice(certificate))

    def _advice(self, certificate: Certificate) -> str:
        advice = "; ".join(self._settings_advice)
        if certificate.days_left(_now()) < RENEW_DAYS and self._server.verify_certificate:
            advice = "; ".join(
                filter(None, [advice, "the certificate on the server has to be renewed soon"])
            )
        return advice

    def _untrusted(self, error: ssl.SSLCertVerificationError) -> Exception:
        return tls_fault(self._server, error, self._certificate())

    def _certificate(self) -> Certificate | None:
        """Returns the certificate that was refused, over a connection that verifies nothing."""
        with contextlib.suppress(OSError, ServerUnavailable), self._second_connection() as plain:
            if self._server.encryption != "ssl":
                self._first_line(plain)
                self._ask_for_tls(plain)
            with _trusting_context().wrap_socket(plain) as trusting:
                return read_certificate(trusting.getpeercert(binary_form=True))
        return None

    def _plain_greeting(self) -> bytes:
        """Returns what the port says to a client without TLS; b"" when it is silent."""
        with contextlib.suppress(OSError, ServerUnavailable), self._second_connection() as plain:
            line = _line(plain, SILENCE_SECONDS)
            # Of HTTP no greeting is known.
            return line if line.startswith(GREETINGS.get(self._server.wire_protocol, ())) else b""
        return b""

    def _speaks_tls(self) -> bool:
        with contextlib.suppress(OSError, ServerUnavailable), self._second_connection() as plain:
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
            if self._server.encryption != "ssl" and self._speaks_tls():
                raise expects_tls(self._server) from error
            line = self._line(server)
        except OSError as error:
            raise network_fault(self._server, error) from error
        if not line:
            raise broken_off(self._server, EOFError("it sent no greeting"))
        if self._server.wire_protocol == "smtp":
            self._last_of_reply(server, line)
        return line

    def _line(self, server: socket.socket) -> bytes:
        try:
            return _line(server, self._timeout)
        except OSError as error:
            raise network_fault(self._server, error) from error

    def _ask_for_tls(self, server: socket.socket) -> bytes | None:
        """Asks for TLS; returns the server's words when it refuses."""
        command, answer, yes = STARTTLS[self._server.wire_protocol]
        if self._server.wire_protocol == "smtp" and (refusal := self._say_ehlo(server)):
            return refusal
        self._send(server, command)
        for _ in range(LINES_BEFORE_ANSWER):
            line = self._line(server)
            if not line:
                raise broken_off(self._server, EOFError("it did not answer STARTTLS"))
            if line.startswith(answer):
                return None if line.startswith(yes) else line
        raise unexpected_answer(self._server, ValueError("no answer to STARTTLS"))

    def _say_ehlo(self, server: socket.socket) -> bytes | None:
        """Says EHLO, which has to come before STARTTLS (RFC 3207, 4.1); returns a refusal."""
        self._send(server, b"EHLO localhost\r\n")
        line = self._line(server)
        last = self._last_of_reply(server, line)
        return last if last[:1] in (b"4", b"5") else None

    def _last_of_reply(self, server: socket.socket, line: bytes) -> bytes:
        """Reads the rest of a reply of SMTP; returns its last line (RFC 5321, 4.2.1)."""
        for _ in range(REPLY_LINES):
            if line[3:4] != b"-":
                return line
            line = self._line(server)
        raise unexpected_answer(self._server, ValueError("a reply without end"))

    def _send(self, server: socket.socket, command: bytes) -> None:
        try:
            server.sendall(command)
        except OSError as error:
            raise network_fault(self._server, error) from error


def described(certificate: Certificate) -> str:
    """Returns the certificate in one line."""
    return (
        f"certificate for {certificate.for_hosts} ({certificate.subject}),"
        f" issued by {certificate.issuer}, valid until {certificate.valid_until:%Y-%m-%d}"
        f" ({certificate.days_left(_now())} days)"
    )


def _line(server: socket.socket, seconds: float) -> bytes:
    """Reads a line, or its first LINE_BYTES; returns b"" at the end of the connection.

    It is read byte by byte, as the bytes after it may be TLS. The timeout is for the whole line,
    so a dripping server cannot hold the check.
    """
    deadline, before = time.monotonic() + seconds, server.gettimeout()
    line = b""
    try:
        while len(line) < LINE_BYTES and not line.endswith(b"\n"):
            # A timeout of 0 would make the socket non-blocking.
            server.settimeout(max(deadline - time.monotonic(), 0.001))
            byte = server.recv(1)
            if not byte:
                break
            line += byte
    finally:
        server.settimeout(before)
    return line


def _trusting_context() -> ssl.SSLContext:
    """Returns a context that verifies nothing, for connections over which no secret is sent."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _words(line: bytes) -> str:
    text = line.strip().decode("utf-8", "replace")
    return text if len(text) <= WORDS_SHOWN else text[:WORDS_SHOWN] + "…"


def _now() -> datetime:
    # By the machine's clock, since the TLS library judges certificates by it.
    return datetime.now(UTC)
