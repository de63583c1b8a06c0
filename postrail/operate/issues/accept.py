"""Accepts what somebody wrote who takes no part in an issue: from then on it is as any comment."""

from __future__ import annotations

from dataclasses import dataclass

from postrail.blobs import BlobStore
from postrail.effects.notify import Announcement, Hearers
from postrail.errors import PermanentError
from postrail.incoming.reply_parts import parts_from
from postrail.incoming.senders import OF_PEOPLE, kind_of
from postrail.notifications.events import COMMENTED
from postrail.operate.issues.act import ActInProgress, Actor, Desk, Told, acting
from postrail.operate.issues.comment import CommentNotFound
from postrail.operate.issues.watch import watches
from postrail.tracker import issues
from postrail.tracker.builtin.comments import (
    ReceivedComment,
    accept_comment,
    received_comment,
)
from postrail.tracker.issues import Involvement, Watcher
from postrail.workflow.rights import Act


class NothingToAccept(PermanentError):
    """The comment is by somebody who takes part in the issue, so it waits for nobody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted(Told):
    """An accepted comment, and whether that is new."""

    comment_id: int
    # The author, who takes part in the issue from now on.
    author: str
    changed: bool


async def accept(
    desk: Desk, actor: Actor, issue_key: str, comment_id: int, blobs: BlobStore
) -> Accepted:
    """Lets the author of the comment take part in the issue, and notifies the other watchers.

    Insiders were notified when the comment came. Raises as `acting` does, CommentNotFound,
    NothingToAccept, and what the blob store does for a large text.
    """
    async with acting(desk, actor, Act.ACCEPT, issue_key) as act:
        found = await _comment(act, comment_id)
        if not found.accepted:
            await accept_comment(act.connection, comment_id, act.now)
            value = {"id": comment_id, "author": found.author_address}
            act.changed("accepted comment", None, value)
            await _involve(act, found)
            if not found.internal:
                text = await _text(found, blobs)
                act.announcements.append(_announcement(act, comment_id, found, text))
    return Accepted(
        issue_key=act.issue.issue_key,
        comment_id=comment_id,
        author=found.author_address,
        changed=not found.accepted,
        notified=act.notified,
        held=act.held,
    )


async def _comment(act: ActInProgress, comment_id: int) -> ReceivedComment:
    key = act.issue.issue_key
    found = await received_comment(act.connection, key, comment_id)
    if found is None:
        raise CommentNotFound(
            f"{key} has no comment {comment_id}",
            remedy=f"List them with: postrail issues show {key}",
        )
    if not found.outsider:
        raise NothingToAccept(
            f"the author of comment {comment_id} takes part in {key}",
            remedy="Only comments that postrail issues show marks can be accepted",
        )
    return found


async def _involve(act: ActInProgress, found: ReceivedComment) -> None:
    """Lets the author take part, and watch the issue unless it is a machine or one of ours."""
    address = found.author_address
    if not address or act.snapshot.is_own(address):
        return
    taking_part = Involvement(
        issue_id=act.issue.issue_id, watchers=(), participants=(address,), arrived_at=None
    )
    await issues.record_involvements(act.connection, [taking_part])
    if await kind_of(act.connection, found.mail_id) in OF_PEOPLE:
        await watches(act, address)


async def _text(found: ReceivedComment, blobs: BlobStore) -> str:
    """Returns the new text of the comment, wherever it is."""
    if found.body_blob:
        return (await blobs.get(found.body_blob)).decode(errors="replace")
    if found.reply_blob and not found.body:
        return parts_from(await blobs.get(found.reply_blob)).new_text
    return found.body


def _announcement(
    act: ActInProgress, comment_id: int, found: ReceivedComment, text: str
) -> Announcement:
    return Announcement(
        issue_id=act.issue.issue_id,
        event=COMMENTED,
        cause=act.cause,
        author=Watcher(address=found.author_address, name=found.author_name),
        body=text,
        comment_id=comment_id,
        hearers=Hearers.OUTSIDERS,
    )
