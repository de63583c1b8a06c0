"""Finds the messages that changed since the last poll. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from postrail.views.incoming import IncomingRow


class Changes:
    """Remembers the state, revision and attempts in which each message was last seen."""

    def __init__(self, at_start: Iterable[IncomingRow]) -> None:
        self._seen = {row.mail_id: row for row in at_start}

    def among(self, rows: Iterable[IncomingRow]) -> list[IncomingRow]:
        """Returns the rows that are new or have changed, in their order."""
        changed = [row for row in rows if self._has_changed(row)]
        self._seen |= {row.mail_id: row for row in changed}
        return changed

    def unfinished(self) -> list[str]:
        """Returns the messages to poll again, however old they are."""
        return [mail_id for mail_id, row in self._seen.items() if row.state != "done"]

    def forget(self, fetched_before: datetime) -> None:
        """Drops finished messages that are too old to be in a later poll."""
        self._seen = {
            mail_id: row
            for mail_id, row in self._seen.items()
            if row.state != "done" or (row.refetched_at or row.fetched_at) >= fetched_before
        }

    def _has_changed(self, row: IncomingRow) -> bool:
        seen = self._seen.get(row.mail_id)
        return seen is None or (seen.state, seen.revision, seen.attempts) != (
            row.state,
            row.revision,
            row.attempts,
        )
