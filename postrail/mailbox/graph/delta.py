"""The role Deltas: stores up to which change of a folder Microsoft Graph was followed.

Another process continues from there. It is saved only after the messages before it are recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Delta:
    """A link to the changes since it was made, and when the whole folder was last listed."""

    # The folder's id and the account's filter, for which alone the link is valid.
    selection: str
    link: str
    listed_at: datetime


class Deltas(Protocol):
    """The state of one folder of one mailbox. Blocking: called from the mailbox's thread."""

    def load(self) -> Delta | None:
        """Returns what any process saved last; raises TransientError without PostgreSQL."""

    def save(self, delta: Delta) -> None:
        """Saves it for the next process; raises TransientError without PostgreSQL."""
