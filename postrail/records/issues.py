"""Defines the record of an act on an issue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postrail.message_parts import (
    CommentWritten,
    FieldChange,
)

# The name of a custom field in history and records begins so.
CUSTOM_PREFIX = "field:"


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueChanged:
    """An act on an issue by a person: by a command or page, or in the name of the help desk.

    It holds all that the act changed, so that a restored installation can repeat it: a new issue is
    the changes of its fields from a missing value. Values before the act are left out where the
    record would be too large for Kafka.
    """

    # One for all parts of the act, its notifications included.
    act_id: str
    # See `postrail.workflow.rights`.
    act: str
    issue_id: int
    # The key and project after the act.
    issue_key: str
    project: str
    conversation: str
    # "" for the operator of the installation.
    actor_address: str
    actor_name: str
    # command or page.
    channel: str
    changed_at: datetime
    changes: list[FieldChange]
    # The comment that the act has added or edited.
    comment: CommentWritten | None = None
