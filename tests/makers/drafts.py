"""Drafts of issues and comments, with fields that a test may replace."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from postrail.message_parts import Attachment
from postrail.tracker import CommentDraft, IssueDraft

CONVERSATION = "11111111-1111-1111-1111-111111111111"


def issue_draft(**fields: Any) -> IssueDraft:
    """Returns a draft of an issue in the project HELP, made by a message of its own."""
    return IssueDraft(
        **{
            "project": "HELP",
            "issue_type": "Request",
            "status": "Open",
            "summary": "Printer on fire",
            "description": "It burns.",
            "description_blob": None,
            "reporter_address": "ada@example.org",
            "reporter_name": "Ada",
            "conversation": CONVERSATION,
            "mail_id": str(uuid.uuid4()),
            "revision": 1,
            "attachments": (),
            **fields,
        }
    )


def comment_draft(issue_key: str, **fields: Any) -> CommentDraft:
    """Returns a draft of a comment on the issue, made by a message of its own."""
    return CommentDraft(
        **{
            "issue_key": issue_key,
            "body": "Use water.",
            "body_blob": None,
            "author_address": "agent@example.com",
            "author_name": "Agent",
            "mail_id": str(uuid.uuid4()),
            "revision": 1,
            "attachments": (),
            **fields,
        }
    )


def attachment(name: str, content: bytes) -> Attachment:
    """Returns the description of a file with this content."""
    return Attachment(
        name=name,
        content_type="application/octet-stream",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content_id=None,
        inline=False,
    )
