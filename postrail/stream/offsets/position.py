"""Names a place in a partition so that another log under the same name is recognized."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """The next offset of a partition, with the topic's id and the last record before it.

    A topic that was deleted and made anew has the same name and another id. A log that lost records
    and grew again has other records at the same offsets.
    """

    next_offset: int
    # None: stored by an earlier release.
    topic_id: str | None = None
    # Of the record before `next_offset`; None: it was not taken, or the broker does not say.
    leader_epoch: int | None = None
    # In milliseconds since 1970.
    timestamp_ms: int | None = None

    @property
    def place(self) -> tuple[str | None, int]:
        """Returns the topic's id and the offset, without the record before it."""
        return self.topic_id, self.next_offset

    def is_of(self, topic_id: str | None) -> bool:
        """Returns whether it may be a place in the topic with this id; an unknown id fits all."""
        return None in (self.topic_id, topic_id) or self.topic_id == topic_id

    def comes_after(self, leader_epoch: int | None, timestamp_ms: int) -> bool:
        """Returns whether the record before it may be one with this leader epoch and timestamp."""
        return self.timestamp_ms in (None, timestamp_ms) and (
            None in (self.leader_epoch, leader_epoch) or self.leader_epoch == leader_epoch
        )
