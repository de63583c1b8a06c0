"""Writes the lines of the log to stderr; a full disk under it costs lines and stops no message."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TextIO


class LogStream:
    """A stream that counts the lines that cannot be written, and reports them once it can."""

    def __init__(self, stream: TextIO, report: Callable[[int], str]) -> None:
        """`report` makes the line that says how many were lost."""
        self._stream = stream
        # Beneath the buffers, since these keep a text that fails, and then fail again by it.
        self._raw = getattr(getattr(stream, "buffer", None), "raw", None)
        self._report = report
        self._lost = 0
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        """Writes whole lines, or drops them."""
        with self._lock:
            try:
                if self._lost:
                    # The last one may have been written in part.
                    self._put("\n" + self._report(self._lost) + "\n")
                    self._lost = 0
                self._put(text)
            except OSError:
                self._lost += 1
        return len(text)

    def flush(self) -> None:
        """Does nothing: a line is written at once."""

    def _put(self, text: str) -> None:
        if self._raw is None:
            self._stream.write(text)
            self._stream.flush()
            return
        rest = memoryview(text.encode(errors="backslashreplace"))
        while rest:
            # A pipe that does not block answers None when its reader is slow.
            if (written := self._raw.write(rest)) is None:
                raise BlockingIOError
            rest = rest[written:]
