"""Attaches files to issues."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass

from postrail.blobs import BlobStore
from postrail.database import storable
from postrail.message_parts import Attachment
from postrail.operate.files.names import safe_name
from postrail.operate.issues.act import Actor, Desk, acting
from postrail.tracker.builtin.attachments import attach_to_issue
from postrail.workflow.rights import Act

# The table of Python itself: that of the machine differs from machine to machine.
TYPES = mimetypes.MimeTypes()


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to attach."""

    name: str
    content: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Attached:
    """The files as the issue has them, with their ids."""

    issue_key: str
    files: tuple[tuple[int, Attachment], ...]


async def attach(
    desk: Desk, actor: Actor, issue_key: str, files: Sequence[NewFile], blobs: BlobStore
) -> Attached:
    """Stores the contents as blobs, and adds the files to the issue; nobody is notified.

    Raises as `acting` does, and TransientError for a blob store that is unavailable.
    """
    # Blobs come before the rows that name them; without a row they are collected some day.
    parts = [await stored(one, blobs) for one in files]
    async with acting(desk, actor, Act.ATTACH, issue_key) as act:
        key = act.issue.issue_key
        ids = await attach_to_issue(act.connection, key, parts)
        for attachment_id, part in zip(ids, parts, strict=True):
            act.changed(
                "attachment",
                None,
                {
                    "id": attachment_id,
                    "name": part.name,
                    "type": part.content_type,
                    "size": part.size,
                    "sha256": part.sha256,
                },
            )
    return Attached(issue_key=key, files=tuple(zip(ids, parts, strict=True)))


async def stored(one: NewFile, blobs: BlobStore) -> Attachment:
    """Stores the content as a blob, and returns the file as rows name it."""
    blob = await blobs.put(one.content)
    given = storable(one.name)
    name = safe_name(given)
    return Attachment(
        name=name,
        content_type=TYPES.guess_type(name)[0] or "application/octet-stream",
        size=blob.size,
        sha256=blob.sha256,
        content_id=None,
        inline=False,
        original_name="" if name == given else given,
    )
