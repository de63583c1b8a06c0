"""The roles Ledger and Deltas in memory; they survive the mailboxes that use them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from postrail.mailbox.graph.delta import Delta


class MemoryLedger:
    """Gives each key a permanent number."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self._next = itertools.count(1)
        # The keys of each call for the whole folder.
        self.whole: list[list[str]] = []

    def number(self, keys: Sequence[str], *, whole: bool = True) -> dict[str, int]:
        if whole:
            self.whole.append(list(keys))
        for key in keys:
            if key not in self.numbers:
                self.numbers[key] = next(self._next)
        return {key: self.numbers[key] for key in keys}


class MemoryDeltas:
    """Keeps all links that were saved."""

    def __init__(self) -> None:
        self.saved: list[Delta] = []

    def load(self) -> Delta | None:
        return self.saved[-1] if self.saved else None

    def save(self, delta: Delta) -> None:
        self.saved.append(delta)
