"""Selects which due messages one batch works: bounded by memory, suspects alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from postrail.decision.decision import AddComment, CreateIssue
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
    batch: Sequence[Decided],
    watchers: Mapping[int, int],
    named: Mapping[str, int],
    max_bytes: int,
) -> Sequence[Decided]:
    """Returns the first messages whose effects hold at most `max_bytes`, and at least one.

    Each recipient of a notification costs the text once more: the issue's `watchers`, and those
    `named` by a rule of its project.
    """
    held = 0
    for number, decided in enumerate(batch):
        held += _bytes_of(decided, watchers, named)
        if number and held > max_bytes:
            return batch[:number]
    return batch


def _bytes_of(decided: Decided, watchers: Mapping[int, int], named: Mapping[str, int]) -> int:
    """Returns the bytes of a message's texts, for itself and for each person to notify."""
    mail, size = decided.due.mail, decided.due.size
    read = sum(blob.size for blob in (mail.reply_blob, mail.text_blob) if blob)
    # Its author may be told, too, of a text that is not read as a whole.
    held = 2 * size
    for effect in decided.decision.effects:
        if isinstance(effect, AddComment):
            issue = effect.issue
            people = watchers.get(issue.issue_id, 0) + named.get(issue.project, 0)
            held += read + (size + read) * people
        elif isinstance(effect, CreateIssue):
            held += size * named.get(effect.project, 0)
    return held
