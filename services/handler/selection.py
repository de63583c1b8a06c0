"""Selects which due messages one batch works: bounded by memory, suspects alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from postrail.decision.decision import AddComment
from postrail.effects.batch import Decided
from postrail.in_flight.mark import Deaths
from postrail.incoming.queue import DueRow


class Selection:
    """Selects among due messages; those that were in flight at a death are worked alone.

    Batches of the others and single suspects take turns, so that neither delays the other.
    """

    def __init__(self) -> None:
        self._suspect_next = False

    def of(self, due: Sequence[DueRow], deaths: Mapping[str, Deaths]) -> list[DueRow]:
        """Returns the messages to work now, in order; at least one, if any is due."""
        suspects = [row for row in due if row.mail_id in deaths and not given_up(row, deaths)]
        others = [row for row in due if row not in suspects]
        if suspects and (self._suspect_next or not others):
            self._suspect_next = False
            return suspects[:1]
        self._suspect_next = bool(suspects)
        return others


def given_up(row: DueRow, deaths: Mapping[str, Deaths]) -> bool:
    """Tells whether too many processes died of this message."""
    return row.mail_id in deaths and deaths[row.mail_id].too_many


def bounded(
    batch: Sequence[Decided], watchers: Mapping[int, int], max_bytes: int
) -> Sequence[Decided]:
    """Returns the first messages whose effects hold at most `max_bytes`, and at least one.

    Each recipient of a notification costs the text once more.
    """
    held = 0
    for number, decided in enumerate(batch):
        held += _bytes_of(decided) * (1 + _audience(decided, watchers))
        if number and held > max_bytes:
            return batch[:number]
    return batch


def _bytes_of(decided: Decided) -> int:
    mail = decided.due.mail
    read = [mail.reply_blob, mail.text_blob] if _comments(decided) else []
    return decided.due.size + sum(blob.size for blob in read if blob)


def _audience(decided: Decided, watchers: Mapping[int, int]) -> int:
    """Returns the most people who may be notified."""
    issue = decided.decision.issue
    return watchers.get(issue.issue_id, 0) if issue and _comments(decided) else 1


def _comments(decided: Decided) -> bool:
    return any(isinstance(effect, AddComment) for effect in decided.decision.effects)
