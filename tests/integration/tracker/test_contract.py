"""The trackers that keep the contract: the built-in one, and one over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postrail.blobs import BlobStore
from postrail.database import Pool, open_pool
from postrail.errors import PermanentError
from postrail.settings import DatabaseSettings
from postrail.tracker import Tracker, TrackerUnavailable, TransactionalTracker
from postrail.tracker.builtin.tracker import BuiltinTracker
from tests.contracts.tracker import StoredFile, StoredIssue, TrackerContract
from tests.fakes.http_tracker import HttpTracker
from tests.fakes.http_tracker_server import Fault, HttpTrackerServer
from tests.integration.tracker.builtin_scene import BuiltinScene, TrackerOverPool
from tests.makers.drafts import issue_draft
from tests.servers.databases import port_of, url_with_port
from tests.servers.proxy import Proxy


class TestBuiltinTracker(TrackerContract):
    @pytest.fixture
    async def scene(
        self, database_url: str, pool: Pool, tmp_path: Path
    ) -> AsyncIterator[BuiltinScene]:
        blobs = BlobStore(tmp_path.as_uri())
        with Proxy(port_of(database_url)) as proxy:
            url = url_with_port(database_url, proxy.port)
            settings = {"url": url, "connect_timeout_seconds": 1}
            through = await open_pool(DatabaseSettings.model_validate(settings))
            yield BuiltinScene(TrackerOverPool(through, blobs), pool, blobs, proxy)
            await through.close()

    def test_it_works_within_the_callers_transaction(self) -> None:
        tracker: TransactionalTracker = BuiltinTracker()
        assert tracker.capabilities.attachments


class HttpScene:
    """The tracker over HTTP and its server."""

    def __init__(self, tracker: HttpTracker, server: HttpTrackerServer) -> None:
        self.tracker: Tracker = tracker
        self.server = server
        self.lose_next_answer = server.lose_next_answer
        self.stop = server.stop

    async def issues(self) -> list[StoredIssue]:
        return [
            StoredIssue(str(issue.number), issue.summary, issue.description)
            for issue in self.server.issues.values()
        ]

    async def comments(self, issue_key: str) -> list[tuple[str, str]]:
        comments = self.server.issues[int(issue_key)].comments
        return [(str(comment.number), comment.body) for comment in comments]

    async def files(self, issue_key: str) -> list[StoredFile]:
        return [
            StoredFile(None if file.comment is None else str(file.comment), file.name, file.content)
            for file in self.server.issues[int(issue_key)].files
        ]


class TestHttpTracker(TrackerContract):
    @pytest.fixture
    async def scene(self) -> AsyncIterator[HttpScene]:
        with HttpTrackerServer() as server:
            tracker = HttpTracker(server.url, timeout_seconds=1.0)
            yield HttpScene(tracker, server)
            await tracker.close()

    async def test_keys_are_bare_numbers(self, scene: HttpScene) -> None:
        assert await scene.tracker.create(issue_draft(), "mail-1") == "1"

    @pytest.mark.parametrize(
        "fault",
        [
            Fault(status=503),
            Fault(status=429),
            # A proxy in front of the server answers for it.
            Fault(status=502, body=b"<html>"),
            Fault(status=200, body=b"<html>"),
            Fault(silent_seconds=2.0),
        ],
        ids=lambda fault: f"{fault.status}{fault.body.decode()}{fault.silent_seconds}",
    )
    async def test_faults_that_pass_are_unavailability(
        self, scene: HttpScene, fault: Fault
    ) -> None:
        scene.server.faults = [fault]
        with pytest.raises(TrackerUnavailable):
            await scene.tracker.create(issue_draft(), "mail-1")
        assert await scene.tracker.create(issue_draft(), "mail-1") == "1"

    @pytest.mark.parametrize("status", [400, 403, 409, 422])
    async def test_refusals_are_permanent(self, scene: HttpScene, status: int) -> None:
        scene.server.faults = [Fault(status=status)]
        with pytest.raises(PermanentError, match=str(status)):
            await scene.tracker.create(issue_draft(), "mail-1")


class TestHttpTrackerWithLimits(TrackerContract):
    """A server that takes no files, and only texts of a length that MySQL's `text` could hold."""

    @pytest.fixture
    async def scene(self) -> AsyncIterator[HttpScene]:
        with HttpTrackerServer(attachments=False, max_text_characters=16_000) as server:
            tracker = HttpTracker(server.url, attachments=False, max_text_characters=16_000)
            yield HttpScene(tracker, server)
            await tracker.close()
