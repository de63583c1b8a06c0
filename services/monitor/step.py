"""Adds the figures of one report to the windows of its time."""

from __future__ import annotations

from typing import Any, Protocol

from postrail.records import PipelineProgress
from services.monitor.tallies import (
    Value,
    added,
    counted_before,
    mailboxes,
    process_key,
    process_value,
)


class Window(Protocol):
    """A key's windows; `value` is that of the current report's time."""

    def value(self) -> Any:
        """Returns the window's value; at first an empty dictionary."""


class WindowedTable(Protocol):
    """The part of a windowed table that a step needs."""

    def __getitem__(self, key: str) -> Window: ...

    def __setitem__(self, key: str, value: Value) -> None: ...


def take_in(report: PipelineProgress, mails: WindowedTable, contacts: WindowedTable) -> None:
    """Adds a report to the tables, unless it was added before."""
    process = process_key(report).text
    if counted_before(report, mails[process].value()):
        return
    mails[process] = process_value(report)
    for key, progress in mailboxes(report):
        mails[key.text] = added(mails[key.text].value(), progress)
        if progress.last_contact_at:
            contacts[key.text] = {"at": progress.last_contact_at.timestamp()}
