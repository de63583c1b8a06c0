"""Fails a test when the code under test logs an error that the test does not expect.

Only lines that the test's own process logs through `postrail.observe.log` count. A test that
brings an error about names the events:

    @pytest.mark.logs_errors("dead letter")

It fails when another error is logged, and when a named one is not.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, MutableMapping
from typing import Any

import pytest
import structlog

MARKER = "logs_errors"
LEVELS = frozenset({"error", "critical", "exception", "fatal"})


class LogGuard:
    """A pytest plugin that compares the logged errors of each test with the expected ones."""

    def __init__(self) -> None:
        self._logged: list[MutableMapping[str, Any]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Runs a test, then fails it for unexpected or missing errors."""
        self._logged.clear()
        # Changed in place, since loggers that are bound already hold this very list.
        processors = structlog.get_config()["processors"]
        processors.insert(0, self._note)
        try:
            result = yield
        finally:
            processors.remove(self._note)
        self._check(expected_events(item))
        return result

    def _note(self, _: object, level: str, event: MutableMapping[str, Any]) -> Any:
        if level in LEVELS:
            self._logged.append(dict(event))
        return event

    def _check(self, expected: Collection[str]) -> None:
        unexpected = [event for event in self._logged if event.get("event") not in expected]
        if unexpected:
            lines = "\n".join(str(event) for event in unexpected)
            pytest.fail(f"unexpected errors in the log:\n{lines}", pytrace=False)
        missing = set(expected) - {str(event.get("event")) for event in self._logged}
        if missing:
            pytest.fail(f"expected errors that were not logged: {sorted(missing)}", pytrace=False)


def expected_events(item: pytest.Item) -> set[str]:
    """Returns the events that the markers of a test name."""
    return {event for marker in item.iter_markers(MARKER) for event in marker.args}
