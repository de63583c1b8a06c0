"""The built-in tracker in the role of a Tracker: each call has a transaction of its own."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

from postrail.blobs import BlobStore
from postrail.database import Connection, Pool, rows, transaction
from postrail.errors import TransientError
from postrail.message_parts import Attachment
from postrail.tracker import CommentDraft, IssueDraft, TrackerUnavailable
from postrail.tracker.builtin.attachments import insert_attachments
from postrail.tracker.builtin.issues import touch_issues
from postrail.tracker.builtin.tracker import BuiltinTracker
from tests.contracts.tracker import StoredFile, StoredIssue
from tests.makers.records import NOON
from tests.servers.proxy import Proxy

# Makes the mail_id that the built-in tracker finds again from a marker.
MARKERS = uuid.UUID("6f0d8c1e-5d0b-4c55-9c0c-0f2a6d1f7a10")


class TrackerOverPool:
    """The adapter."""

    capabilities = BuiltinTracker.capabilities

    def __init__(self, pool: Pool, blobs: BlobStore) -> None:
        self.loses_answer = False
        self._pool = pool
        self._blobs = blobs
        self._tracker = BuiltinTracker()

    async def find_issue(self, marker: str) -> str | None:
        async with self._transaction() as connection:
            found = await rows(
                connection,
                "SELECT issue_key FROM issue WHERE mail_id = %s AND revision = 1",
                [_mail_id(marker)],
            )
        return found[0][0] if found else None

    async def find_comment(self, issue_key: str, marker: str) -> str | None:
        async with self._transaction() as connection:
            found = await rows(
                connection,
                "SELECT comment_id FROM comment"
                " WHERE issue_key = %s AND mail_id = %s AND revision = 1",
                [issue_key, _mail_id(marker)],
            )
        return str(found[0][0]) if found else None

    async def create(self, draft: IssueDraft, marker: str) -> str:
        marked = replace(draft, mail_id=_mail_id(marker))
        async with self._transaction() as connection:
            (key,) = await self._tracker.create_issues(connection, [marked], NOON)
        return key

    async def comment(self, draft: CommentDraft, marker: str) -> str:
        marked = replace(draft, mail_id=_mail_id(marker))
        async with self._transaction() as connection:
            (comment_id,) = await self._tracker.add_comments(connection, [marked], NOON)
        return str(comment_id)

    async def attach(
        self, issue_key: str, comment_id: str | None, attachment: Attachment, content: bytes
    ) -> None:
        await self._blobs.put(content)
        async with self._transaction() as connection:
            await touch_issues(connection, [issue_key], NOON)
            part = (issue_key, int(comment_id) if comment_id else None, attachment)
            await insert_attachments(connection, [part])

    @contextlib.asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        try:
            async with transaction(self._pool) as connection:
                yield connection
        except TransientError as error:
            raise TrackerUnavailable(error.problem) from error
        if self.loses_answer:
            self.loses_answer = False
            raise TrackerUnavailable("the connection was cut after the commit")


class BuiltinScene:
    """The adapter behind a proxy, and a pool of its own for looking at the rows."""

    def __init__(self, tracker: TrackerOverPool, rows_of: Pool, blobs: BlobStore, proxy: Proxy):
        self.tracker = tracker
        self._pool = rows_of
        self._blobs = blobs
        self._proxy = proxy

    async def issues(self) -> list[StoredIssue]:
        found = await self._rows(
            "SELECT issue_key, summary, description FROM issue ORDER BY number"
        )
        return [StoredIssue(*row) for row in found]

    async def comments(self, issue_key: str) -> list[tuple[str, str]]:
        found = await self._rows(
            "SELECT comment_id::text, body FROM comment WHERE issue_key = %s ORDER BY comment_id",
            issue_key,
        )
        return [(comment_id, body) for comment_id, body in found]

    async def files(self, issue_key: str) -> list[StoredFile]:
        found = await self._rows(
            "SELECT comment_id::text, name, sha256 FROM attachment WHERE issue_key = %s"
            " ORDER BY attachment_id",
            issue_key,
        )
        return [
            StoredFile(comment_id, name, await self._blobs.get(sha256))
            for comment_id, name, sha256 in found
        ]

    def lose_next_answer(self) -> None:
        self.tracker.loses_answer = True

    def stop(self) -> None:
        self._proxy.stop()

    async def _rows(self, statement: str, *parameters: str) -> list[tuple[str, ...]]:
        async with transaction(self._pool) as connection:
            return await rows(connection, statement, parameters)


def _mail_id(marker: str) -> str:
    return str(uuid.uuid5(MARKERS, marker))
