"""A small tracker with an HTTP API of JSON, on loopback, which keeps its issues in memory.

    with HttpTrackerServer() as server:
        tracker = HttpTracker(server.url)

Keys are bare numbers, as Redmine and Request Tracker have them. `faults` are answers that the next
requests get instead of their own; `lose_next_answer` does a request's work and cuts the connection.

    POST /issues                    {project, summary, description, reporter, marker}  → {number}
    GET  /issues?marker=M                                                              → [{number}]
    POST /issues/N/comments         {body, author, marker}                             → {id}
    GET  /issues/N/comments?marker=M                                                   → [{id}]
    POST /issues/N/files?name=F&comment=C    the file's bytes                          → {}
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from postrail.embedded.ports import LOOPBACK


@dataclass
class Comment:
    """A comment that the server keeps."""

    number: int
    body: str
    author: str
    marker: str


@dataclass
class File:
    """A file that the server keeps, of an issue or of one of its comments."""

    name: str
    comment: int | None
    content: bytes


@dataclass
class Issue:
    """An issue that the server keeps."""

    number: int
    summary: str
    description: str
    reporter: str
    marker: str
    comments: list[Comment] = field(default_factory=list)
    files: list[File] = field(default_factory=list)


class Refused(Exception):
    """A request that the server answers with this status."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@dataclass
class Fault:
    """An answer that a request gets instead of its own."""

    status: int = HTTPStatus.SERVICE_UNAVAILABLE
    body: bytes = b"{}"
    # The server says nothing for this time before it closes the connection.
    silent_seconds: float = 0.0


class HttpTrackerServer:
    """The server; its issues and faults may be read and changed while it runs."""

    def __init__(self, *, attachments: bool = True, max_text_characters: int | None = None) -> None:
        self.attachments = attachments
        self.max_text_characters = max_text_characters
        self.projects = {"HELP"}
        self.issues: dict[int, Issue] = {}
        self.faults: list[Fault] = []
        self._loses_answer = False
        self._comments = 0
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def lose_next_answer(self) -> None:
        """Makes the next request lose its answer, but not its effect."""
        self._loses_answer = True

    def loses_answer(self) -> bool:
        """Tells whether this request loses its answer; the next one does not."""
        loses, self._loses_answer = self._loses_answer, False
        return loses

    def stop(self) -> None:
        """Closes the port; later connections are refused."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> HttpTrackerServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> Any:
        """Does the work of one request and returns the JSON of its answer."""
        for pattern, name in ROUTES:
            if found := pattern.fullmatch(f"{method} {path}"):
                call: Callable[..., Any] = getattr(self, name)
                with self._lock:
                    return call(*[self._issue(number) for number in found.groups()], query, body)
        raise Refused(HTTPStatus.NOT_FOUND)

    def _create(self, _: dict[str, str], body: bytes) -> Any:
        wanted = json.loads(body)
        if wanted.pop("project") not in self.projects:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY)
        self._require_size(wanted["description"])
        issue = Issue(number=len(self.issues) + 1, **wanted)
        self.issues[issue.number] = issue
        return {"number": issue.number}

    def _find(self, query: dict[str, str], _: bytes) -> Any:
        marked = [one for one in self.issues.values() if one.marker == query["marker"]]
        return [{"number": issue.number} for issue in marked]

    def _comment(self, issue: Issue, _: dict[str, str], body: bytes) -> Any:
        wanted = json.loads(body)
        self._require_size(wanted["body"])
        self._comments += 1
        issue.comments.append(Comment(number=self._comments, **wanted))
        return {"id": self._comments}

    def _find_comment(self, issue: Issue, query: dict[str, str], _: bytes) -> Any:
        marked = [one for one in issue.comments if one.marker == query["marker"]]
        return [{"id": comment.number} for comment in marked]

    def _attach(self, issue: Issue, query: dict[str, str], body: bytes) -> Any:
        if not self.attachments:
            raise Refused(HTTPStatus.FORBIDDEN)
        comment = query.get("comment")
        issue.files.append(File(query["name"], int(comment) if comment else None, body))
        return {}

    def _issue(self, number: str) -> Issue:
        if int(number) not in self.issues:
            raise Refused(HTTPStatus.NOT_FOUND)
        return self.issues[int(number)]

    def _require_size(self, text: str) -> None:
        if self.max_text_characters is not None and len(text) > self.max_text_characters:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY)


ROUTES = (
    (re.compile(r"POST /issues"), "_create"),
    (re.compile(r"GET /issues"), "_find"),
    (re.compile(r"POST /issues/([0-9]+)/comments"), "_comment"),
    (re.compile(r"GET /issues/([0-9]+)/comments"), "_find_comment"),
    (re.compile(r"POST /issues/([0-9]+)/files"), "_attach"),
)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, tracker: HttpTrackerServer) -> None:
        self.tracker = tracker
        super().__init__((LOOPBACK, 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    # HTTP/1.0, so that no connection outlives its request, and with it `stop`.
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        """Logs nothing."""

    def _serve(self) -> None:
        tracker = self.server.tracker
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if tracker.faults:
            self._fail(tracker.faults.pop(0))
            return
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        try:
            answer = tracker.answer(self.command, url.path, query, body)
        except Refused as refused:
            self._send(refused.status, b'{"error": "refused"}')
            return
        if tracker.loses_answer():
            self._cut()
        else:
            self._send(HTTPStatus.OK, json.dumps(answer).encode())

    def _fail(self, fault: Fault) -> None:
        if fault.silent_seconds:
            time.sleep(fault.silent_seconds)
            self._cut()
        else:
            self._send(fault.status, fault.body)

    def _send(self, status: int, body: bytes) -> None:
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def _cut(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
