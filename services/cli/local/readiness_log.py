"""Prints why services are not ready, and when they are again, for `postrail up`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.cli.local.children import NOT_ANSWERING

# A fault that is over sooner is not worth a line.
POLLS = 3
# Of an outage with many reasons, such as time limits of several parts, the first ones are enough.
REASONS = 3


class ReadinessLog:
    """Prints each reason of an outage once."""

    def __init__(self, announce: Callable[[str], None]) -> None:
        self._announce = announce
        self._polls: dict[str, int] = {}
        self._printed: dict[str, list[str]] = {}

    def note(self, problems: Mapping[str, str]) -> None:
        """Takes the services that are not ready now, with their reasons."""
        for name in self._polls.keys() - problems.keys():
            del self._polls[name]
            if self._printed.pop(name, None):
                self._announce(f"{name}: ready again")
        for name, problem in problems.items():
            self._polls[name] = self._polls.get(name, 0) + 1
            # Its end and its start are announced by the supervisor.
            if self._polls[name] >= POLLS and problem not in NOT_ANSWERING:
                self._print(name, "; ".join(problem.splitlines()))

    def _print(self, name: str, reason: str) -> None:
        printed = self._printed.setdefault(name, [])
        if reason not in printed and len(printed) < REASONS:
            printed.append(reason)
            self._announce(f"{name}: waits: {reason}")
