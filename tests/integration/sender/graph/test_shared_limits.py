"""Six senders and a fetcher share a mailbox in Microsoft Graph, and keep within its limits."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime

import pytest

from postrail.configuration.models.project import Project
from postrail.database import rows, transaction
from postrail.graph_limits import table
from postrail.outgoing import intake as outgoing
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_scene import graph_account
from tests.processes.graph_desk import DESK, save
from tests.processes.sender_lab import SenderLab
from tests.processes.senders import queued_mail, until
from tests.servers.certificates import Certificates
from tests.servers.oauth_provider import OAuthProvider

pytestmark = pytest.mark.timeout(240)

SENDERS = 6
MAILS = 60
LETTERS = 12
LETTER = (
    b"From: ada@x.org\r\nTo: help@example.org\r\nSubject: Hi\r\nMessage-ID: <%d@x>\r\n\r\nHi\r\n"
)
# What is left of Graph's 10,000 in the second part.
LEFT = 150


async def queue(lab: SenderLab) -> None:
    async with transaction(lab.pool) as connection:
        await outgoing.store(connection, [queued_mail() for _ in range(MAILS)])


async def fetched(lab: SenderLab) -> int:
    async with transaction(lab.pool) as connection:
        ((count,),) = await rows(connection, "SELECT count(*) FROM incoming_mail")
    return int(count)


async def use_all_but(lab: SenderLab, graph: FakeGraph, left: int) -> None:
    """Lets Graph and our count have seen nearly all requests that the mailbox may get."""
    served = len(graph.limits.served[DESK])
    graph.limits.served[DESK] += [(time.monotonic(), 0)] * (10_000 - left - served)
    async with transaction(lab.pool) as connection:
        ((counted,),) = await rows(connection, "SELECT sum(requests)::int FROM graph_use")
        # Each process counts before it asks, and no less than it asks for.
        assert counted >= served
        now = datetime.now(UTC)
        more = 10_000 - left - counted
        await table.add(connection, DESK, requests=more, upload_bytes=0, now=now)


async def test_no_request_is_throttled(
    lab: SenderLab, graph: FakeGraph, provider: OAuthProvider, certificates: Certificates
) -> None:
    sending, mailbox = graph.sending(DESK), graph.mailboxes[DESK].mailbox
    account = graph_account(
        graph,
        certificates,
        address=DESK,
        username=DESK,
        poll_seconds=1,
        after_download="move",
        move_to="Done",
    )
    await save(lab.settings, Project(key="HELP", name="Help"), account)
    await queue(lab)
    for number in range(LETTERS):
        mailbox.deliver(LETTER % number)
    fetcher = lab.start_as("-m", "services.fetcher")
    for _ in range(SENDERS):
        # No attempt runs out of time while it waits for its turn.
        lab.start(POSTRAIL_SENDER__CLAIM_SECONDS="30")

    async def started() -> bool:
        return all("outgoing connection" in one.log for one in lab.senders)

    # A busy machine takes long to start seven processes.
    await until(started, 90)
    await lab.until_states(sent=MAILS)

    async def all_fetched() -> bool:
        return await fetched(lab) == LETTERS

    await until(all_fetched)
    assert len({(*one.recipients, one.message_id) for one in sending.sent}) == MAILS
    assert len(sending.sent) == MAILS
    assert (graph.throttled, fetcher.runs) == (0, True)
    assert graph.most_at_once <= 4
    # All of them use the tokens of one connection, and those of one account.
    assert len(provider.requests) == 2

    await use_all_but(lab, graph, LEFT)
    await queue(lab)

    async def stopped() -> bool:
        """Tells whether each sender was told by the count that there is no more."""
        told = [one for one in lab.senders if "has used the limits of Microsoft Graph" in one.log]
        return len(told) >= SENDERS

    await until(stopped)
    states = Counter(await lab.states())
    assert MAILS < states["sent"] < 2 * MAILS
    assert len(sending.sent) == states["sent"]
    assert graph.throttled == 0
