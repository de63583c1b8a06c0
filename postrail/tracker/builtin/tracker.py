"""The built-in tracker: issues, comments, attachments and watchers as rows in PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import count

from postrail.database import Connection, rows
from postrail.errors import PermanentError
from postrail.records import Attachment
from postrail.tracker import Audience, CommentDraft, IssueDraft, Watcher


class BuiltinTracker:
    """The Tracker in our own database; each effect is part of the caller's transaction."""

    async def create_issues(
        self, connection: Connection, drafts: Sequence[IssueDraft], now: datetime
    ) -> list[str]:
        """Makes the issues with the next numbers of their projects and returns their keys."""
        if not drafts:
            return []
        numbers = await _take_numbers(connection, [draft.project for draft in drafts])
        keys = [f"{draft.project}-{number}" for draft, number in zip(drafts, numbers, strict=True)]
        await _insert_issues(connection, drafts, keys, numbers, now)
        await _add_attachments(
            connection,
            [
                (key, None, part)
                for key, draft in zip(keys, drafts, strict=True)
                for part in draft.attachments
            ],
        )
        await _add_people(connection, list(zip(keys, drafts, strict=True)))
        await _link(connection, list(zip(keys, drafts, strict=True)))
        return keys

    async def add_comments(
        self, connection: Connection, drafts: Sequence[CommentDraft], now: datetime
    ) -> list[int]:
        """Adds the comments and returns their ids."""
        if not drafts:
            return []
        ids = await _insert_comments(connection, drafts, now)
        await _add_attachments(
            connection,
            [
                (draft.issue_key, comment_id, part)
                for comment_id, draft in zip(ids, drafts, strict=True)
                for part in draft.attachments
            ],
        )
        await _add_people(connection, [(draft.issue_key, draft) for draft in drafts])
        return ids

    async def note_addresses(
        self, connection: Connection, addresses: Sequence[tuple[str, str]]
    ) -> None:
        """Notes on issues (key, address) that their mail arrived at a further watched address."""
        await _insert_pairs(connection, "issue_address", "address", addresses)

    async def audiences(
        self, connection: Connection, issue_keys: Sequence[str]
    ) -> dict[str, Audience]:
        """Who is told of comments, and what the issues are called, by issue key."""
        keys = sorted(set(issue_keys))
        found = await rows(
            connection,
            "SELECT issue.issue_key, project_key, summary, issue.conversation::text,"
            " incoming_mail.message_id FROM issue LEFT JOIN incoming_mail USING (mail_id)"
            " WHERE issue.issue_key = ANY(%s)",
            [keys],
        )
        watching = await rows(
            connection,
            "SELECT issue_key, address, name FROM watcher WHERE issue_key = ANY(%s)"
            " ORDER BY address",
            [keys],
        )
        return {
            row[0]: Audience(
                issue_key=row[0],
                project=row[1],
                summary=row[2],
                conversation=row[3],
                first_message_id=row[4],
                watchers=tuple(
                    Watcher(address=address, name=name)
                    for key, address, name in watching
                    if key == row[0]
                ),
            )
            for row in found
        }


async def _take_numbers(connection: Connection, projects: Sequence[str]) -> list[int]:
    """The next issue numbers, for each project in the order of the drafts."""
    wanted = Counter(projects)
    # Rows are locked in the order of their keys, so that two handlers never wait in a ring.
    found = await rows(
        connection,
        "SELECT project_key, next_number FROM project WHERE project_key = ANY(%s)"
        " ORDER BY project_key FOR UPDATE",
        [sorted(wanted)],
    )
    missing = set(wanted) - {row[0] for row in found}
    if missing:
        raise PermanentError(
            f"there is no project {', '.join(sorted(missing))}",
            remedy="Add it to postrail.yaml and run: postrail apply",
        )
    await connection.execute(
        "UPDATE project SET next_number = next_number + taken"
        " FROM unnest(%b::text[], %s::bigint[]) AS wanted(key, taken) WHERE project_key = key",
        [list(wanted), list(wanted.values())],
    )
    counters = {key: count(number) for key, number in found}
    return [next(counters[project]) for project in projects]


async def _insert_issues(
    connection: Connection,
    drafts: Sequence[IssueDraft],
    keys: Sequence[str],
    numbers: Sequence[int],
    now: datetime,
) -> None:
    await connection.execute(
        "INSERT INTO issue (issue_key, project_key, number, issue_type, summary, description,"
        "  description_blob, reporter_address, reporter_name, conversation, mail_id, revision,"
        "  created_at, changed_at)"
        " SELECT *, %s, %s FROM unnest(%b::text[], %b::text[], %s::bigint[], %b::text[],"
        "  %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %s::uuid[], %s::uuid[],"
        "  %s::int[])",
        [
            now,
            now,
            list(keys),
            [draft.project for draft in drafts],
            list(numbers),
            [draft.issue_type for draft in drafts],
            [draft.summary for draft in drafts],
            [draft.description for draft in drafts],
            [draft.description_blob for draft in drafts],
            [draft.reporter_address for draft in drafts],
            [draft.reporter_name for draft in drafts],
            [draft.conversation for draft in drafts],
            [draft.mail_id for draft in drafts],
            [draft.revision for draft in drafts],
        ],
    )


async def _insert_comments(
    connection: Connection, drafts: Sequence[CommentDraft], now: datetime
) -> list[int]:
    # First, and in order: a comment's reference to its issue is a lock that two transactions share,
    # and each would then wait for the other's.
    await connection.execute(
        "UPDATE issue SET changed_at = %s WHERE issue_key IN (SELECT issue_key FROM issue"
        "  WHERE issue_key = ANY(%s) ORDER BY issue_key FOR NO KEY UPDATE)",
        [now, sorted({draft.issue_key for draft in drafts})],
    )
    found = await rows(
        connection,
        "INSERT INTO comment (issue_key, author_address, author_name, body, body_blob, quoted_text,"
        "  signature, reply_blob, mail_id, revision, created_at)"
        " SELECT issue_key, author_address, author_name, body, body_blob, quoted_text, signature,"
        "  reply_blob, mail_id, revision, %s"
        " FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],"
        "  %b::text[], %b::text[], %s::uuid[], %s::int[]) WITH ORDINALITY"
        "  AS draft(issue_key, author_address, author_name, body, body_blob, quoted_text,"
        "   signature, reply_blob, mail_id, revision, place) ORDER BY place RETURNING comment_id",
        [
            now,
            [draft.issue_key for draft in drafts],
            [draft.author_address for draft in drafts],
            [draft.author_name for draft in drafts],
            [draft.body for draft in drafts],
            [draft.body_blob for draft in drafts],
            [draft.quoted_text for draft in drafts],
            [draft.signature for draft in drafts],
            [draft.reply_blob for draft in drafts],
            [draft.mail_id for draft in drafts],
            [draft.revision for draft in drafts],
        ],
    )
    return [row[0] for row in found]


async def _add_attachments(
    connection: Connection, parts: Sequence[tuple[str, int | None, Attachment]]
) -> None:
    if not parts:
        return
    await connection.execute(
        "INSERT INTO attachment (issue_key, comment_id, name, content_type, size, sha256)"
        " SELECT * FROM unnest(%b::text[], %s::bigint[], %b::text[], %b::text[], %s::bigint[],"
        "  %b::text[])",
        [
            [key for key, _, _ in parts],
            [comment_id for _, comment_id, _ in parts],
            [part.name for _, _, part in parts],
            [part.content_type for _, _, part in parts],
            [part.size for _, _, part in parts],
            [part.sha256 for _, _, part in parts],
        ],
    )


async def _add_people(
    connection: Connection, drafts: Sequence[tuple[str, IssueDraft | CommentDraft]]
) -> None:
    """Watchers, participants, and the watched addresses at which the mails arrived."""
    watchers = {
        (key, address.lower()): name
        for key, draft in drafts
        for address, name in [_author(draft)]
        if draft.watching and address
    }
    # Each insert is sorted: two handlers that add to one issue never wait in a ring.
    ordered = sorted(watchers)
    await connection.execute(
        "INSERT INTO watcher (issue_key, address, name)"
        " SELECT * FROM unnest(%b::text[], %b::text[], %b::text[]) ON CONFLICT DO NOTHING",
        [
            [key for key, _ in ordered],
            [address for _, address in ordered],
            [watchers[pair] for pair in ordered],
        ],
    )
    participants = ((key, address) for key, draft in drafts for address in draft.participants)
    await _insert_pairs(connection, "participant", "address", participants)
    arrived = ((key, draft.arrived_at) for key, draft in drafts if draft.arrived_at)
    await _insert_pairs(connection, "issue_address", "address", arrived)


def _author(draft: IssueDraft | CommentDraft) -> tuple[str, str]:
    if isinstance(draft, IssueDraft):
        return draft.reporter_address, draft.reporter_name
    return draft.author_address, draft.author_name


async def _link(connection: Connection, drafts: Sequence[tuple[str, IssueDraft]]) -> None:
    pairs = [(key, draft.linked_to) for key, draft in drafts if draft.linked_to]
    if pairs:
        await connection.execute(
            "INSERT INTO issue_link (issue_key, linked_key, kind)"
            " SELECT *, 'relates to' FROM unnest(%b::text[], %b::text[]) ON CONFLICT DO NOTHING",
            [[key for key, _ in pairs], [linked for _, linked in pairs]],
        )


async def _insert_pairs(
    connection: Connection, table: str, column: str, pairs: Iterable[tuple[str, str]]
) -> None:
    """Adds (issue key, value) pairs to a table of ours that has just these two columns."""
    ordered = sorted(set(pairs))
    if not ordered:
        return
    await connection.execute(
        f"INSERT INTO {table} (issue_key, {column})".encode()
        + b" SELECT * FROM unnest(%b::text[], %b::text[]) ON CONFLICT DO NOTHING",
        [[key for key, _ in ordered], [value for _, value in ordered]],
    )
