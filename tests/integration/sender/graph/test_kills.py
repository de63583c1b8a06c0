"""A sender is killed at each point of its requests to Microsoft Graph; its successor goes on.

The fake kills it, right before or after the effect of a request, so no answer arrives.
"""

from __future__ import annotations

import pytest

from postrail.blobs import BlobStore
from postrail.database import transaction
from postrail.message_parts import OutgoingAttachment
from postrail.outgoing import intake as outgoing
from postrail.records import OutgoingQueued
from tests.fakes.graph import FakeGraph
from tests.processes.graph_desk import DESK
from tests.processes.sender_lab import SenderLab
from tests.processes.senders import SenderProcess, delivery_rows, queued_mail, until

pytestmark = pytest.mark.timeout(240)

# When it is killed: before or after a request has its effect; and whether the message has a large
# attachment.
POINTS = [
    ("after", "POST messages", False),
    ("after", "createUploadSession", True),
    ("after", "PUT upload", True),
    # The message is about to be sent, which PostgreSQL knows.
    ("before", "/send", True),
    # It was sent, and nobody got the answer.
    ("after", "/send", False),
    # It was read back, and not recorded.
    ("after", "GET messages/", False),
]


class Killer:
    """Kills a sender at its first request of a kind."""

    def __init__(self, when: str, request: str, victim: SenderProcess) -> None:
        self._when = when
        self._request = request
        self._victim = victim

    def __call__(self, when: str, request: str) -> None:
        if when == self._when and self._request in request and self._victim.runs:
            self._victim.kill()

    async def has_killed(self) -> bool:
        return not self._victim.runs


async def message(lab: SenderLab, *, large: bool) -> OutgoingQueued:
    """Returns a message to somebody, with a file that takes two uploads if it is large."""
    if not large:
        return queued_mail()
    blob = await BlobStore(lab.settings.blobs.url).put(b"x" * 4_000_000)
    file = OutgoingAttachment(
        name="a.bin", content_type="application/octet-stream", sha256=blob.sha256, size=4_000_000
    )
    return queued_mail(attachments=[file])


async def test_each_message_is_sent_once_and_no_draft_stays(
    lab: SenderLab, graph: FakeGraph
) -> None:
    sending, mailbox = graph.sending(DESK), graph.mailboxes[DESK].mailbox
    ids: list[str] = []
    victim = lab.start()
    for when, request, large in POINTS:
        killer = Killer(when, request, victim)
        graph.watch = killer
        mail = await message(lab, large=large)
        ids.append(mail.deliveries[0].message_id)
        async with transaction(lab.pool) as connection:
            await outgoing.store(connection, [mail])
        await until(killer.has_killed)
        victim = lab.start()
        await lab.until_states(sent=len(ids))
        assert [one.message_id for one in sending.sent] == ids, (when, request)
        assert mailbox.mails_in(mailbox.well_known["drafts"]) == [], (when, request)
    attached = [sum(map(len, one.attachments.values())) for one in sending.sent]
    assert attached == [4_000_000 if large else 0 for *_, large in POINTS]
    # The drafts have told what became of each: none is said to have gone twice.
    assert [row["maybe_twice"] for row in await delivery_rows(lab.pool)] == [False] * len(POINTS)
    assert graph.throttled == 0
