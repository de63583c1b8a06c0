"""The built-in tracker: writes issues and comments within the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from postrail.database import Connection
from postrail.tracker import Capabilities, CommentDraft, IssueDraft
from postrail.tracker.builtin.attachments import insert_attachments
from postrail.tracker.builtin.comments import insert_comments
from postrail.tracker.builtin.fields import write_fields
from postrail.tracker.builtin.issues import insert_issues, touch_issues
from postrail.tracker.builtin.links import insert_links
from postrail.tracker.builtin.numbering import take_numbers
from postrail.tracker.builtin.search_text import write_comment_words, write_issue_words


class BuiltinTracker:
    """The tracker in our own database."""

    name = "builtin"
    capabilities = Capabilities(attachments=True)

    async def create_issues(
        self, connection: Connection, drafts: Sequence[IssueDraft], now: datetime
    ) -> list[str]:
        """Makes the issues with the next numbers of their projects and returns their keys."""
        if not drafts:
            return []
        numbers = await take_numbers(connection, [draft.project for draft in drafts])
        keys = await insert_issues(connection, drafts, numbers, now)
        named = list(zip(keys, drafts, strict=True))
        parts = [(key, None, part) for key, draft in named for part in draft.attachments]
        await insert_attachments(connection, parts)
        links = [(key, draft.linked_to) for key, draft in named if draft.linked_to]
        await insert_links(connection, links)
        for key, draft in named:
            if draft.custom:
                await write_fields(connection, key, draft.project, draft.custom)
        beginnings = {key: draft.beginning for key, draft in named if draft.beginning}
        await write_issue_words(connection, keys, beginnings)
        return keys

    async def add_comments(
        self, connection: Connection, drafts: Sequence[CommentDraft], now: datetime
    ) -> list[int]:
        """Adds the comments and returns their ids."""
        if not drafts:
            return []
        # Issues come first: a comment's reference to its issue takes a lock that two transactions
        # can share, and each would then wait for the other's.
        await touch_issues(connection, [draft.issue_key for draft in drafts], now)
        ids = await insert_comments(connection, drafts, now)
        named = list(zip(ids, drafts, strict=True))
        parts = [
            (draft.issue_key, comment_id, part)
            for comment_id, draft in named
            for part in draft.attachments
        ]
        await insert_attachments(connection, parts)
        beginnings = {comment_id: draft.beginning for comment_id, draft in named if draft.beginning}
        await write_comment_words(connection, ids, beginnings)
        return ids
