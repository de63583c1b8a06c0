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
        held += _bytes_of(decided, watchers)
        if number and held > max_bytes:
            return batch[:number]
    return batch


def _bytes_of(decided: Decided, watchers: Mapping[int, int]) -> int:
    """Returns the bytes of a message's texts, for itself and for each person to notify."""
    mail = decided.due.mail
    commented = [
        effect.issue.issue_id
        for effect in decided.decision.effects
        if isinstance(effect, AddComment)
    ]
    if not commented:
        # At most its author is notified.
        return 2 * decided.due.size
    read = sum(blob.size for blob in (mail.reply_blob, mail.text_blob) if blob)
    people = sum(watchers.get(issue_id, 0) for issue_id in commented)
    return (decided.due.size + read) * (1 + people)
