"""Reads one issue of the built-in tracker with all that belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString

from postrail.database import Connection, rows, rows_as
from postrail.tracker.builtin.links import INVERSE_WORDS
from postrail.views.history import HistoryRow, changes_of, present_key
from postrail.views.where import OF_ISSUE


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueFields:
    """The values of an issue's built-in fields, by the names that history and queries have."""

    key: str
    project: str
    summary: str
    type: str
    status: str
    resolution: str | None
    # 1 is the most urgent.
    priority: int
    priority_name: str
    assignee: str | None
    reporter: str
    reporter_name: str
    labels: Sequence[str]
    components: Sequence[str]
    due: date | None
    created: datetime
    updated: datetime
    resolved: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueHead(IssueFields):
    """An issue with all that stands above its description."""

    # to do, in progress or done.
    category: str
    assignee_name: str
    # The message that made it.
    mail_id: str | None
    # When that was handled first, if it was held or had failed before it made the issue.
    arrived: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomValue:
    """The value of a custom field: a text, a number, a date in ISO 8601, or texts."""

    field: str
    value: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class AttachmentRow:
    """A file of an issue or a comment; its content is the blob of that SHA-256."""

    attachment_id: int
    name: str
    # The name as the sender gave it; None: the same.
    original_name: str | None
    content_type: str
    size: int
    sha256: str
    # A text shows the file where it has this id, in the form [cid:ID].
    content_id: str | None
    # None: the file belongs to the issue itself.
    comment_id: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentRow:
    """A comment: the new text of a message, and apart from it its quotation and signature.

    Texts that are too large for the table are in blobs: `body_blob` is a whole text, `reply_blob`
    holds all parts of a reply (see `postrail.incoming.reply_parts`).
    """

    comment_id: int
    author_address: str
    author_name: str
    body: str
    body_blob: str | None
    quoted_text: str
    signature: str
    reply_blob: str | None
    # Only agents, leads and administrators of the project may see it.
    internal: bool
    mail_id: str | None
    created_at: datetime
    edited_at: datetime | None
    # Its author took no part in the issue.
    outsider: bool = False
    # A person has accepted it, and its author takes part since then.
    accepted_at: datetime | None = None
    # When it was added, if its message was held or had failed until then: `created_at` is the time
    # at which it would have been added else.
    added_late_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentEditRow:
    """An edit of a comment, with the text before it.

    A text that was too large for the table is in `body_blob`, or with other parts in `reply_blob`.
    """

    comment_id: int
    edited_at: datetime
    editor_address: str
    editor_name: str
    body: str
    body_blob: str | None
    reply_blob: str | None
    internal: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkRow:
    """Another issue, and its relation as seen from this one: "blocks", "is blocked by", …"""

    relation: str
    issue_key: str
    summary: str
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UndeliveredRow:
    """A recipient whom messages about the issue did not reach, and the latest report of it."""

    recipient: str
    # See `postrail.decision.decision.DeliveryEvent`.
    event: str
    status: str
    reason: str
    # The address that failed, where the recipient's passes messages on; else "".
    address: str
    reported_at: datetime
    # Nothing is sent to the recipient until a person releases the address.
    suppressed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueDetail:
    """An issue with its texts, files, people, links and history."""

    issue: IssueHead
    fields: Sequence[CustomValue]
    # "" for one in a blob.
    description: str
    description_blob: str | None
    comments: Sequence[CommentRow]
    edits: Sequence[CommentEditRow]
    attachments: Sequence[AttachmentRow]
    # Oldest first.
    changes: Sequence[HistoryRow]
    watchers: Sequence[str]
    # The watched addresses at which its messages arrived.
    addresses: Sequence[str]
    links: Sequence[LinkRow]
    # The issues that this one has taken over.
    merged_from: Sequence[str]
    # The keys that it had in other projects.
    former_keys: Sequence[str]
    undelivered: Sequence[UndeliveredRow]


_HEAD: LiteralString = """
SELECT issue.issue_key AS key, issue.project_key AS project, summary, issue_type AS type, status,
    coalesce(category, '') AS category, resolution, priority,
    coalesce(priority.name, '') AS priority_name, assignee,
    coalesce(person.name, '') AS assignee_name, reporter_address AS reporter, reporter_name, labels,
    components, due_on AS due, issue.created_at AS created, changed_at AS updated,
    resolved_at AS resolved, mail_id::text,
    (SELECT first_handled_at FROM incoming_mail AS mail WHERE mail.mail_id = issue.mail_id)
        AS arrived
FROM issue
    LEFT JOIN project_status AS known
        ON known.project_key = issue.project_key AND known.name = issue.status
    LEFT JOIN priority ON priority.level = issue.priority
    LEFT JOIN person_address AS own ON own.address = issue.assignee
    LEFT JOIN person ON person.person_id = own.person_id
WHERE issue.issue_key = %s"""

_FIELDS: LiteralString = """
SELECT custom_field.name AS field,
    CASE WHEN custom_field.kind = 'choices' THEN jsonb_agg(held.value ORDER BY held.place)
        ELSE (jsonb_agg(held.value ORDER BY held.place)) -> 0 END AS value
FROM (
    SELECT project_key, field, place,
        coalesce(to_jsonb(text_value), to_jsonb(number_value), to_jsonb(date_value)) AS value
    FROM custom_value WHERE issue_key = %s
) AS held JOIN custom_field
    ON custom_field.project_key = held.project_key AND custom_field.name = held.field
GROUP BY custom_field.name, custom_field.kind, custom_field.place ORDER BY custom_field.place"""

_COMMENTS: LiteralString = """
SELECT comment_id, author_address, author_name, body, body_blob, quoted_text, signature,
    reply_blob, internal, mail_id::text, created_at, edited_at, outsider, accepted_at,
    added_late_at
FROM comment WHERE issue_key = %s ORDER BY created_at, comment_id"""

_EDITS: LiteralString = """
SELECT comment_id, comment_edit.edited_at, editor_address, editor_name, comment_edit.body,
    comment_edit.body_blob, CASE WHEN comment_edit.body = '' THEN reply_blob END AS reply_blob,
    comment_edit.internal
FROM comment_edit JOIN comment USING (comment_id)
WHERE issue_key = %s ORDER BY comment_edit.edited_at"""

_ATTACHMENTS: LiteralString = """
SELECT attachment_id, name, original_name, content_type, size, sha256, content_id, comment_id
FROM attachment WHERE issue_key = %s ORDER BY attachment_id"""

_WORDS = {"kinds": list(INVERSE_WORDS), "inverses": list(INVERSE_WORDS.values())}
_LINKS: LiteralString = """
SELECT relation, issue.issue_key, issue.summary, issue.status
FROM (
    SELECT kind AS relation, linked_key AS other FROM issue_link WHERE issue_key = %(key)s
    UNION
    SELECT inverse, issue_key FROM issue_link
        JOIN unnest(%(kinds)s::text[], %(inverses)s::text[]) AS words (kind, inverse) USING (kind)
        WHERE linked_key = %(key)s
) AS linked JOIN issue ON issue.issue_key = linked.other
ORDER BY relation, issue.project_key, issue.number"""

_WATCHERS: LiteralString = (
    "SELECT address FROM watcher JOIN issue_index USING (issue_id)"
    " WHERE tracker = 'builtin' AND issue_key = %s ORDER BY 1"
)

_ADDRESSES: LiteralString = (
    "SELECT address FROM issue_address JOIN issue_index USING (issue_id)"
    " WHERE tracker = 'builtin' AND issue_key = %s ORDER BY 1"
)

_MERGED: LiteralString = (
    "WITH RECURSIVE merged AS ("
    " SELECT issue_key, project_key, number FROM issue WHERE merged_into = %s"
    " UNION SELECT older.issue_key, older.project_key, older.number"
    "  FROM issue AS older JOIN merged ON older.merged_into = merged.issue_key"
    ") SELECT issue_key FROM merged ORDER BY project_key, number"
)

_FORMER_KEYS: LiteralString = (
    "SELECT alias_key FROM issue_alias JOIN issue_index USING (issue_id)"
    " WHERE issue_index.tracker = 'builtin' AND issue_index.issue_key = %s"
    " AND NOT EXISTS (SELECT 1 FROM issue WHERE issue.issue_key = alias_key) ORDER BY 1"
)


_UNDELIVERED: LiteralString = (
    """
SELECT DISTINCT ON (lower(recipient)) recipient, report.event, status, report.reason,
    report.address, reported_at, suppression.address IS NOT NULL AS suppressed
FROM outgoing_mail AS mail JOIN delivery_report AS report USING (outgoing_id)
    LEFT JOIN suppression ON suppression.address = lower(recipient) AND released_at IS NULL
WHERE report.event IN ('hard', 'soft', 'doubted', 'elsewhere', 'delayed', 'complaint')
    AND mail."""
    + OF_ISSUE
    + " ORDER BY lower(recipient), reported_at DESC, report.event"
)


async def issue_detail(connection: Connection, issue_key: str) -> IssueDetail:
    """Returns the issue that has this key, or had it before it was moved or merged.

    Raises IssueNotFound.
    """
    key = await present_key(connection, issue_key)
    (head,) = await rows_as(connection, IssueHead, _HEAD, [key])
    ((description, description_blob),) = await rows(
        connection, "SELECT description, description_blob FROM issue WHERE issue_key = %s", [key]
    )
    return IssueDetail(
        issue=head,
        fields=await rows_as(connection, CustomValue, _FIELDS, [key]),
        description=description,
        description_blob=description_blob,
        comments=await rows_as(connection, CommentRow, _COMMENTS, [key]),
        edits=await rows_as(connection, CommentEditRow, _EDITS, [key]),
        attachments=await rows_as(connection, AttachmentRow, _ATTACHMENTS, [key]),
        changes=await changes_of(connection, key),
        watchers=await _first_column(connection, _WATCHERS, key),
        addresses=await _first_column(connection, _ADDRESSES, key),
        links=await rows_as(connection, LinkRow, _LINKS, {"key": key, **_WORDS}),
        merged_from=await _first_column(connection, _MERGED, key),
        former_keys=await _first_column(connection, _FORMER_KEYS, key),
        undelivered=await rows_as(connection, UndeliveredRow, _UNDELIVERED, [key]),
    )


async def attachments_of(connection: Connection, issue_key: str) -> tuple[str, list[AttachmentRow]]:
    """Returns the issue's present key, and its files and those of its comments as they came.

    Raises IssueNotFound.
    """
    key = await present_key(connection, issue_key)
    return key, await rows_as(connection, AttachmentRow, _ATTACHMENTS, [key])


async def _first_column(
    connection: Connection, statement: LiteralString, issue_key: str
) -> list[str]:
    return [text for (text,) in await rows(connection, statement, [issue_key])]
