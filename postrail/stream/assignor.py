"""The assignor of our consumer groups: the library's, which also says what it could assign."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any

from kafka.coordinator.assignors.range import RangePartitionAssignor


def assignor_that_tells(tell: Callable[[Set[str]], None]) -> type[RangePartitionAssignor]:
    """Returns an assignor that calls `tell` with the topics whose partitions it knew.

    The member that leads the group runs it, in the thread that polls.
    """

    class Assignor(RangePartitionAssignor):  # type: ignore[misc]
        @classmethod
        def assign(cls, cluster: Any, members: Any) -> Any:
            wanted = {topic for member in members for topic in member.metadata.topics}
            tell({topic for topic in wanted if cluster.partitions_for_topic(topic)})
            return super().assign(cluster, members)

    return Assignor
