"""Estimates from samples how far a server's clock is from the machine's steady seconds. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

SAMPLES_KEPT = 8
# How far a machine's steady clock may drift: quartz is good for 100 parts in a million.
DRIFT = 200e-6
# Samples that differ by more than their errors explain, and this, are of differently set clocks.
TOLERANCE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Sample:
    """A server's time in seconds since 1970, read between two readings of the steady clock."""

    sent: float
    received: float
    server: float

    @property
    def offset(self) -> float:
        """Returns the server's time less steady seconds, if both ways took the same time."""
        return self.server - (self.sent + self.received) / 2

    def error_at(self, steady: float) -> float:
        """Returns how wrong the offset can be at a later moment, in seconds."""
        return (self.received - self.sent) / 2 + (steady - self.received) * DRIFT


class Samples:
    """The last samples of one server."""

    def __init__(self) -> None:
        self._kept: deque[Sample] = deque(maxlen=SAMPLES_KEPT)
        self._doubtful: Sample | None = None

    @property
    def is_full(self) -> bool:
        """Returns whether more samples would improve the estimate no further."""
        return len(self._kept) == SAMPLES_KEPT

    def add(self, sample: Sample) -> float:
        """Adds a sample; returns the offset of the one that can be least wrong by now.

        A sample that contradicts the others counts when the next one agrees with it: the server's
        clock was set, another server has taken its place, or our machine stood still unnoticed.
        """
        if not self._kept or _agree(sample, self._best(sample.received)):
            self._kept.append(sample)
            self._doubtful = None
        elif self._doubtful is not None and _agree(sample, self._doubtful):
            self._kept.clear()
            self._kept.extend((self._doubtful, sample))
            self._doubtful = None
        else:
            self._doubtful = sample
        return self._best(sample.received).offset

    def _best(self, steady: float) -> Sample:
        return min(self._kept, key=lambda sample: sample.error_at(steady))


def _agree(later: Sample, earlier: Sample) -> bool:
    errors = later.error_at(later.received) + earlier.error_at(later.received)
    return abs(later.offset - earlier.offset) <= errors + TOLERANCE_SECONDS
