"""Fakes Microsoft Graph's mail over TLS, with its state and its faults.

    with FakeGraph(certificates) as graph:
        mailbox = graph.add_mailbox("support@example.org")
        token = graph.grant("Mail.ReadWrite")
        mailbox.deliver(b"Subject: Printer\\r\\n\\r\\nIt smokes.\\r\\n")

Each request and each answer is checked against the vendor's description (`contracts.graph`); `stop`
raises when one did not match.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.contracts.graph import ContractBroken, check_answer, check_request
from tests.fakes.graph_answers import Answer, Answers, Request, refused
from tests.fakes.graph_limits import Limits
from tests.fakes.graph_mailboxes import GraphMailbox
from tests.fakes.graph_sending import Sending
from tests.servers.certificates import Certificates

AT_ONCE = 4
VERSION = "/v1.0"
DENIED = refused(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
BLOCKED_BY_POLICY = refused(
    403,
    "ErrorAccessDenied",
    "Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy"
    " settings.",
)
NO_MAILBOX = refused(404, "ErrorInvalidUser", "The requested user is invalid.")
NO_SIGNED_IN_USER = refused(
    400, "BadRequest", "/me request is only valid with delegated authentication flow."
)
TOO_MANY = refused(
    429, "ApplicationThrottled", "Application is over its limit.", **{"Retry-After": "20"}
)
TOO_MANY_AT_ONCE = refused(
    429,
    "ApplicationThrottled",
    "Application is over its MailboxConcurrency limit.",
    **{"Retry-After": "1"},
)


@dataclass(frozen=True)
class Grant:
    """The rights of a token: a user's (delegated), or an application's where `user` is blank."""

    scopes: frozenset[str]
    user: str = ""
    # An application access policy; None: all mailboxes.
    allowed_mailboxes: frozenset[str] | None = None
    expired: bool = False


@dataclass
class Fault:
    """A fault of the next `times` requests that have `part` in "METHOD path"."""

    answer: Answer | None
    part: str = ""
    times: int = 1
    # Without an answer of its own, the true one breaks off at this byte.
    cut_at: int = 0
    # The request has its effect before this answer.
    is_late: bool = False


@dataclass
class FakeGraph:
    """The server; mailboxes, grants and faults may be changed while it runs."""

    certificates: Certificates
    mailboxes: dict[str, Answers] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    # "METHOD path" of each request, in order; the same with its query.
    requests: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    most_at_once: int = 0
    sendings: dict[str, Sending] = field(default_factory=dict)
    # Answers of 429 that the limits caused.
    throttled: int = 0
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._at_once: Counter[str] = Counter()
        # Returns the grant for a token that is not in `grants`: a provider's.
        self.grant_of: Callable[[str], Grant | None] = lambda token: None
        # While it is cleared, requests wait, and count as running.
        self.open_gate = threading.Event()
        self.open_gate.set()
        # Is called before and after the effect of each request: with "before" or "after", and with
        # "METHOD path" within the mailbox.
        self.watch: Callable[[str, str], None] = lambda when, request: None
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        context = self.certificates.server_context()
        context.verify_mode = ssl.CERT_NONE
        # The handshake is made in the connection's own thread.
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> FakeGraph:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.open_gate.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        if self.violations:
            raise ContractBroken("; ".join(self.violations))

    def add_mailbox(self, address: str) -> GraphMailbox:
        """Adds a mailbox with Exchange's own folders."""
        mailbox = GraphMailbox(address)
        self.mailboxes[address.lower()] = Answers(mailbox)
        self.sendings[address.lower()] = Sending(mailbox)
        return mailbox

    def sending(self, address: str) -> Sending:
        """Returns what was sent as a mailbox."""
        return self.sendings[address.lower()]

    def grant(self, *scopes: str, user: str = "", only: frozenset[str] | None = None) -> str:
        """Returns a token with these permissions: a user's, or without one an application's."""
        token = f"token-{secrets.token_hex(8)}"
        self.grants[token] = Grant(frozenset(scopes), user, only)
        return token

    def expire(self, token: str) -> None:
        """Refuses the token from now on."""
        self.grants[token] = replace(self.grants[token], expired=True)

    def throttle(
        self, times: int = 1, *, status: int = 429, seconds: int | None = 7, part: str = ""
    ) -> None:
        """Asks the next `times` requests for a pause."""
        headers = {} if seconds is None else {"Retry-After": str(seconds)}
        code = "ApplicationThrottled" if status == 429 else "serviceNotAvailable"
        self.faults.append(Fault(refused(status, code, "Too busy.", **headers), part, times))

    def refuse(
        self, status: int, code: str, message: str = "Refused.", *, part: str = "", times: int = 1
    ) -> None:
        """Answers the next `times` requests by an error."""
        self.faults.append(Fault(refused(status, code, message), part, times))

    def cut(self, part: str, at: int, times: int = 1) -> None:
        """Breaks off the connection after a number of bytes of an answer's body."""
        self.faults.append(Fault(None, part, times, cut_at=at))

    def drop(self, part: str, times: int = 1) -> None:
        """Closes the connection at a request, which has no effect."""
        self.faults.append(Fault(Answer(0), part, times))

    def answer_late(self, answer: Answer, *, part: str) -> None:
        """Answers the next request by this, as a gateway may, after Graph has done what it asks."""
        self.faults.append(Fault(replace(answer, is_gateways=True), part, is_late=True))

    def asked(self, part: str) -> int:
        """Returns the number of requests with this in "METHOD path"."""
        return sum(part in request for request in self.requests)

    def expire_delta_tokens(self, address: str, code: str = "syncStateNotFound") -> None:
        """Expires all delta links, as Graph does when its cache is full or moved."""
        answers = self.mailboxes[address.lower()]
        answers.rounds.clear()
        answers.expired_code = code

    def handle(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answers a request, and checks both against the description."""
        url = urlsplit(target)
        if url.path.startswith("/upload/"):
            return self._upload(url.path.removeprefix("/upload/"), headers, body)
        path = unquote(url.path.removeprefix(VERSION))
        query = dict(parse_qsl(url.query))
        self.requests.append(f"{method} {path}")
        self.urls.append(f"{method} {target}")
        try:
            check_request(method, path, query, body, headers.get("Content-Type", ""))
            answer = self._answer(method, path, query, headers, body)
            if answer.status and not answer.is_gateways:
                check_answer(method, path, answer.status, answer.body)
        except ContractBroken as broken:
            self.violations.append(str(broken))
            return refused(500, "ContractBroken", str(broken))
        return answer

    def _upload(self, token: str, headers: dict[str, str], body: bytes) -> Answer:
        """Takes a part of an attachment: without a token, as the address is a secret itself."""
        self.requests.append("PUT /upload")
        if "Authorization" in headers:
            self.violations.append("a part of an upload has a token")
        found = (one for one in self.sendings.values() if token in one.uploads)
        sending = next(found, None)
        if sending is None:
            return refused(404, "itemNotFound", "The upload session was not found.")
        if not self._within_limits(sending.mailbox.address.lower(), len(body)):
            return TOO_MANY
        self.watch("before", "PUT upload")
        answer = sending.put(token, headers["Content-Range"], body)
        self.watch("after", "PUT upload")
        return answer

    def _within_limits(self, address: str, upload_bytes: int) -> bool:
        """Counts a request; returns whether it is within the limits of its mailbox."""
        with self._lock:
            fits = self.limits.take(address, upload_bytes)
            self.throttled += not fits
        return fits

    def _answer(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> Answer:
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        grant = self.grants.get(token) or self.grant_of(token)
        if grant is None or grant.expired:
            words = "Access token has expired or is not yet valid."
            return refused(401, "InvalidAuthenticationToken", words)
        first, *rest = path.strip("/").split("/")
        if first == "me" and not grant.user:
            return NO_SIGNED_IN_USER
        address = (grant.user if first == "me" else rest.pop(0)).lower()
        if address not in self.mailboxes:
            return NO_MAILBOX
        if denied := _denied(grant, address, method, rest):
            return denied
        if not self._within_limits(address, len(body)):
            return TOO_MANY
        prefer = dict(part.strip().partition("=")[::2] for part in headers["Prefer"].split(","))
        url = f"https://localhost:{self.port}{VERSION}{path}"
        request = Request(method, tuple(rest), query, prefer, body, url)
        with self._counted(address) as fits:
            if fits:
                return self._true_or_faulty(request, address)
            self.throttled += 1
            return TOO_MANY_AT_ONCE

    @contextlib.contextmanager
    def _counted(self, address: str) -> Iterator[bool]:
        """Counts the running requests of the mailbox; yields whether they are within the limit."""
        with self._lock:
            self._at_once[address] += 1
            at_once = self._at_once[address]
            self.most_at_once = max(self.most_at_once, at_once)
        try:
            self.open_gate.wait(30)
            yield at_once <= AT_ONCE
        finally:
            with self._lock:
                self._at_once[address] -= 1

    def _true_or_faulty(self, request: Request, address: str) -> Answer:
        with self._lock:
            name = f"{request.method} {'/'.join(request.path)}"
            self.watch("before", name)
            fault = self._fault_for(name)
            if fault and fault.answer and not fault.is_late:
                return fault.answer
            origin = f"https://localhost:{self.port}"
            answer = self.sendings[address].answer(request, origin)
            answer = answer or self.mailboxes[address].answer(request)
            self.watch("after", name)
            if fault and fault.answer:
                return fault.answer
            return replace(answer, cut_at=fault.cut_at) if fault else answer

    def _fault_for(self, request: str) -> Fault | None:
        for fault in self.faults:
            if fault.times and fault.part in request:
                fault.times -= 1
                return fault
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Ignores errors: tests have clients that refuse the certificate or break off."""


def _denied(grant: Grant, address: str, method: str, path: Sequence[str]) -> Answer | None:
    needed = {"Mail.ReadWrite"} if method != "GET" else {"Mail.Read", "Mail.ReadWrite"}
    if path[-1:] in (["send"], ["sendMail"]):
        needed = {"Mail.Send"}
    if grant.user and grant.user.lower() != address:
        needed = {f"{scope}.Shared" for scope in needed}
    if not needed & grant.scopes:
        return DENIED
    if grant.allowed_mailboxes is not None and address not in grant.allowed_mailboxes:
        return BLOCKED_BY_POLICY
    return None


def _handler_of(graph: FakeGraph) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60
        # Sends an answer at once, not in packets that wait for each other.
        wbufsize = -1
        disable_nagle_algorithm = True

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {"Prefer": "", **dict(self.headers.items())}
            headers = {name.title(): value for name, value in headers.items()}
            self.send(graph.handle(self.command, self.path, headers, body))

        def send(self, answer: Answer) -> None:
            """Sends in chunks, as Graph does, so that a client notices a cut."""
            if not answer.status:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status == 204:
                self.end_headers()
                return
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            body = answer.body if answer.cut_at is None else answer.body[: answer.cut_at]
            if body:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(body), body))
            if answer.cut_at is None:
                self.wfile.write(b"0\r\n\r\n")
            else:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Logs nothing, as the requests are in a list."""

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)
    return Handler


def error_of(answer: Answer) -> str:
    """Returns the code of an error in Graph's form."""
    return str(json.loads(answer.body)["error"]["code"])
