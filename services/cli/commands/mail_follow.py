"""Which mails have changed since the last look: rows in, news out. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postrail.views.incoming import IncomingRow


class Following:
    """Remembers the state and revision in which each mail was last seen."""

    def __init__(self, at_start: Iterable[IncomingRow]) -> None:
        self._seen = {row.mail_id: row for row in at_start}

    def news(self, rows: Iterable[IncomingRow]) -> list[IncomingRow]:
        """The rows that are new or have changed, in their order."""
        changed = [row for row in rows if self._is_news(row)]
        self._seen |= {row.mail_id: row for row in changed}
        return changed

    def unfinished(self) -> list[str]:
        """The mails that are to be looked at again, however old they are."""
        return [mail_id for mail_id, row in self._seen.items() if row.state != "done"]

    def forget(self, fetched_before: datetime) -> None:
        """Drops finished mails that no look will bring again."""
        self._seen = {
            mail_id: row
            for mail_id, row in self._seen.items()
            if row.state != "done" or row.fetched_at >= fetched_before
        }

    def _is_news(self, row: IncomingRow) -> bool:
        seen = self._seen.get(row.mail_id)
        return seen is None or (seen.state, seen.revision, seen.attempts) != (
            row.state,
            row.revision,
            row.attempts,
        )
