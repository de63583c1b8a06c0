"""Tracks the health of the process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

# A main loop that waits for Kafka's acknowledgement may be silent for over two minutes.
SILENT_AFTER_SECONDS = 180.0
# The part that the consumer loop reports while it pauses.
STAGE = "stage"


class Health:
    """The parts that are down, and the time of the main loop's last beat."""

    def __init__(
        self,
        *,
        silent_after_seconds: float = SILENT_AFTER_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._silent_after_seconds = silent_after_seconds
        self._monotonic = monotonic
        self._last_beat = monotonic()
        self._down: dict[str, str] = {}
        self._lock = threading.Lock()

    def up(self, part: str) -> None:
        """Notes that the part (kafka, database, blobs, smtp, stage, ...) answers."""
        if part in self._down:
            with self._lock:
                self._down.pop(part, None)

    def down(self, part: str, because: str) -> None:
        """Notes that the part does not answer; the process is not ready until it is up again."""
        with self._lock:
            self._down[part] = because

    def beat(self) -> None:
        """Notes that the main loop is alive; a loop that pauses beats too."""
        self._last_beat = self._monotonic()

    @property
    def ready(self) -> bool:
        """Returns whether all parts are up."""
        return not self._down

    @property
    def silent_seconds(self) -> float:
        """Returns the seconds since the last beat."""
        return self._monotonic() - self._last_beat

    @property
    def alive(self) -> bool:
        """Returns whether the last beat is recent; otherwise only a restart helps."""
        return self.silent_seconds < self._silent_after_seconds

    @property
    def problems(self) -> dict[str, str]:
        """Returns the parts that are down, each with its reason."""
        with self._lock:
            return dict(self._down)
