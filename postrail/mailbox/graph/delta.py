"""The role Deltas: how far Microsoft Graph has told of the changes of one folder.

It is kept so that another process goes on from there, and moves only behind what is recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Delta:
    """A link that gives what has changed since, and when the whole folder was last listed."""

    # What the link stands for: the folder's id, and what the account narrows it to.
    selection: str
    link: str
    listed_at: datetime


class Deltas(Protocol):
    """The state of one folder of one mailbox. Blocking: for threads."""

    def load(self) -> Delta | None:
        """What was saved last, by whomever; raises TransientError while PostgreSQL is away."""

    def save(self, delta: Delta) -> None:
        """Keeps it for the next process; raises TransientError while PostgreSQL is away."""
