"""A courier for a mailbox on the fake of Microsoft Graph, checked against its description."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

from postrail.clock import SettableClock
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import Answer, Envelope, TimeLimit
from postrail.courier.graph.courier import GraphCourier
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_sending import Sending
from tests.servers.certificates import Certificates

DESK = "help@example.org"
CONTENT = (
    b"From: Desk <help@example.org>\r\nTo: Ann <ann@x.org>\r\nSubject: Hello\r\n"
    b"Message-ID: <1@postrail>\r\nIn-Reply-To: <0@x.org>\r\n\r\nHello.\r\n"
)
SEND = "send"


class Scene:
    """A courier for a mailbox of the fake."""

    def __init__(self, graph: FakeGraph, certificates: Certificates) -> None:
        self.graph = graph
        self.certificates = certificates
        self.server = graph.add_mailbox(DESK)
        self.clock = SettableClock()
        self.tokens = [graph.grant("Mail.Send", "Mail.ReadWrite")]
        self.lines: list[tuple[str, str]] = []
        self.couriers: list[GraphCourier] = []
        self.dots = 0
        # The draft of the last dot.
        self.begun = ""

    @property
    def sending(self) -> Sending:
        return self.graph.sending(DESK)

    @property
    def drafts(self) -> list[str]:
        """Returns the ids of the drafts that were left behind."""
        folder = self.server.well_known["drafts"]
        return [mail.immutable_id for mail in self.server.mails_in(folder)]

    def courier(self, **changes: Any) -> GraphCourier:
        values: dict[str, Any] = {
            "name": "office",
            "mode": "graph",
            "credential": "entra",
            "host": "localhost",
            "port": self.graph.port,
            "ca_file": str(self.certificates.ca_file),
            "from_address": DESK,
            "timeout_ms": 5000,
        }
        connection = OutgoingConnection.model_validate(values | changes)
        made = GraphCourier(
            connection,
            self._newest_token,
            self.clock,
            write=lambda *line: self.lines.append(line),
        )
        self.couriers.append(made)
        return made

    async def _newest_token(self, refused: str) -> str:
        return self.tokens[-1]

    async def dot(self, draft: str = "") -> None:
        self.dots += 1
        self.begun = draft

    async def send(
        self, content: bytes = CONTENT, *recipients: str, draft: str | None = None, **changes: Any
    ) -> list[Answer]:
        """Sends a message to ann@x.org, or to these recipients; again if there may be a draft."""
        envelope = Envelope(
            envelope_from=DESK,
            recipients=recipients or ("ann@x.org",),
            content=content,
            is_repeated=draft is not None,
            draft=draft or "",
        )
        return await self.courier(**changes).send(envelope, self.limit(), self.dot)

    def limit(self, dot: float = 20.0) -> TimeLimit:
        now = self.clock.steady()
        return TimeLimit(dot_before=now + dot, end_before=now + 25.0)


def large(*sizes: int, text: str = "Hello.") -> bytes:
    """Returns a message with attachments of these sizes."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = DESK, "ann@x.org", "Files"
    message["Message-ID"], message["In-Reply-To"] = "<2@postrail>", "<0@x.org>"
    message.set_content(text)
    for number, size in enumerate(sizes):
        message.add_attachment(
            bytes([number]) * size, maintype="application", subtype="pdf", filename=f"{number}.pdf"
        )
    return message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
