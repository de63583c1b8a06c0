"""A monotonic clock that tests set."""

from __future__ import annotations


class Time:
    """Returns the seconds that it is set to."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds
