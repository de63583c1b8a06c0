"""A Graph mailbox on the fake, with its ledger in memory, for tests without the fetcher."""

from __future__ import annotations

from typing import Any

from postrail.clock import SettableClock
from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox.graph.listing import key_of
from postrail.mailbox.graph.mailbox import GraphMailbox
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_mailboxes import GraphMail
from tests.fakes.ledgers import MemoryDeltas, MemoryLedger
from tests.servers.certificates import Certificates

ADDRESS = "support@example.org"


def graph_account(graph: FakeGraph, certificates: Certificates, **changes: Any) -> MailAccount:
    """Returns an account on the fake."""
    values = {
        "name": "support",
        "protocol": "microsoft_graph",
        "host": "localhost",
        "port": graph.port,
        "credential": "entra",
        "address": ADDRESS,
        "project": "HELP",
        # Listing 1,100 messages takes the fake seconds on a busy machine.
        "timeout_ms": 20_000,
        "ca_file": str(certificates.ca_file),
    }
    return MailAccount.model_validate(values | changes)


class GraphScene:
    """Server and ledger of a Graph mailbox; `mailbox` is one session, `session()` the next."""

    def __init__(
        self, graph: FakeGraph, certificates: Certificates, token: str = "", **changes: Any
    ) -> None:
        self.graph = graph
        self.server = graph.add_mailbox(ADDRESS)
        self.account = graph_account(graph, certificates, **changes)
        self.ledger = MemoryLedger()
        self.deltas = MemoryDeltas()
        self.clock = SettableClock()
        self.tokens = [token or graph.grant("Mail.ReadWrite")]
        self.refused: list[str] = []
        self._sessions: list[GraphMailbox] = []
        self.mailbox = self.session()

    def session(self, **changes: Any) -> GraphMailbox:
        """Returns a new mailbox, as a process makes one after a fault or a crash."""
        self.mailbox = GraphMailbox(
            self.account.model_copy(update=changes),
            self.token,
            ledger=self.ledger,
            deltas=self.deltas,
            clock=self.clock,
        )
        self._sessions.append(self.mailbox)
        return self.mailbox

    def opened(self, **changes: Any) -> GraphMailbox:
        """Returns a new mailbox that is open."""
        mailbox = self.session(**changes)
        mailbox.open()
        return mailbox

    def token(self, refused: str) -> str:
        """Returns the newest token; records the refused one."""
        if refused:
            self.refused.append(refused)
        return self.tokens[-1]

    def add(self, content: bytes) -> int:
        return self.number_of(self.server.deliver(content))

    def number_of(self, mail: GraphMail) -> int:
        """Returns the message's number in the ledger, which may be a new one."""
        key = key_of(mail.immutable_id)
        return self.ledger.number([key], whole=False)[key]

    def mail(self, uid: int) -> GraphMail:
        """Returns the message on the server."""
        (key,) = (key for key, number in self.ledger.numbers.items() if number == uid)
        return self.server.mails[key.removeprefix("graph=")]

    def remove(self, uid: int) -> None:
        self.server.purge(self.mail(uid))

    def seen(self) -> set[int]:
        return {self.number_of(mail) for mail in self.server.mails.values() if mail.is_read}

    def close(self) -> None:
        for session in self._sessions:
            session.close()
