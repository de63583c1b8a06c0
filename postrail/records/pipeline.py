"""Defines the records about the processes: their progress, and what they cannot read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postrail.message_parts import (
    MailboxProgress,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineProgress:
    """What one process did in about a second. Best effort: no promise depends on it."""

    process: str
    service: str
    version: str
    started_at: datetime
    reported_at: datetime
    address: str
    ready: bool
    mailboxes: list[MailboxProgress]


@dataclass(frozen=True, kw_only=True, slots=True)
class MailDead:
    """A record that does not decode: its bytes, its place and the error."""

    service: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    error: str
    died_at: datetime
