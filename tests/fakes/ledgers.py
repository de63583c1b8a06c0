"""A ledger in memory."""

from __future__ import annotations

from collections.abc import Sequence


class MemoryLedger:
    """Gives each key the next number, and keeps it; implements the role Ledger."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, keys: Sequence[str], *, whole: bool = True) -> dict[str, int]:
        for key in keys:
            self.numbers.setdefault(key, len(self.numbers) + 1)
        return {key: self.numbers[key] for key in keys}
