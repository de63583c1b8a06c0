"""FlexDeploy's settings for Microsoft Graph: requests are sent, and answers read, by its API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from tests.acceptance.approvals.flexdeploy.flood import SPAM, decide_among_spam
from tests.acceptance.approvals.flexdeploy.settings import APPROVALS, GRAPH, VERIFIES
from tests.acceptance.approvals.office import ADDRESS, Office
from tests.acceptance.handlers.desk import Desk
from tests.fakes.graph import FakeGraph
from tests.makers.commands import Postrail
from tests.processes.graph_desk import serve_tokens
from tests.processes.pipeline import Pipeline
from tests.servers import oauth_provider
from tests.servers.certificates import Certificates
from tests.servers.oauth_provider import OAuthProvider

pytestmark = pytest.mark.timeout(240)


class GraphOffice(Office):
    """An office whose mailbox is at Microsoft; the approvers' mail is what it has sent."""

    def __init__(self, desk: Desk, graph: FakeGraph, **values: object) -> None:
        super().__init__(desk, **values)
        self._mailbox = graph.add_mailbox(ADDRESS)
        self._sending = graph.sendings[ADDRESS]

    def mails(self, person: str) -> list[EmailMessage]:
        sent = [one for one in [*self._sending.sent] if person in one.recipients]
        return [message_from_bytes(one.content, policy=default) for one in sent]

    def _arrive(self, content: bytes) -> None:
        self._mailbox.deliver(content, received_at=datetime.now(UTC))

    def count(self, folder: str) -> int:
        """Returns the number of messages in a folder."""
        found = [one for one in self._mailbox.folders.values() if one.name == folder]
        return len(self._mailbox.mails_in(found[0])) if found else 0

    @property
    def inbox(self) -> str:
        """Returns the name of the folder in which messages arrive."""
        return self._mailbox.inbox.name


@pytest.fixture
def provider(certificates: Certificates) -> Iterator[OAuthProvider]:
    yield from oauth_provider.running(certificates)


@pytest.fixture
def office(
    own_folder: Path,
    environment: dict[str, str],
    tmp_path: Path,
    postrail: Postrail,
    provider: OAuthProvider,
    certificates: Certificates,
) -> Iterator[GraphOffice]:
    with FakeGraph(certificates) as graph, Pipeline(own_folder, environment) as pipeline:
        serve_tokens(graph, provider)
        yield GraphOffice(
            Desk(pipeline, postrail, tmp_path),
            graph,
            GRAPH_PORT=graph.port,
            CA_FILE=certificates.ca_file,
            AUTHORITY=provider.authority,
        )
        pipeline.show_logs()


def test_over_microsoft_graph(office: GraphOffice) -> None:
    office.apply(GRAPH + VERIFIES + APPROVALS)
    decide_among_spam(office, passes=True)
    office.pipeline.wait_until(lambda: not office.count(office.inbox), 60, "the inbox is empty")
    assert office.count("Processed") == SPAM + 1
