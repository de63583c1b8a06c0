"""Says what the answers so far make of a request, by its rule. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from postrail.approvals.request import Choice, Meaning, Rule


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The choice that decides the request, or whom to ask next."""

    # None: it stays open.
    choice: Choice | None = None
    # The place of the approver who is asked now.
    next_place: int | None = None


def result_of(
    rule: Rule,
    needed: int,
    choices: Sequence[Choice],
    answers: Mapping[int, str | None],
) -> Result:
    """Returns what follows from the answers.

    `answers` has the name of the choice by the place of each approver who may answer, in the order
    of their answers; None for those who have not answered.
    """
    by_name = {one.name: one for one in choices}
    given = [by_name[name] for name in answers.values() if name is not None]
    rejections = [one for one in given if one.meaning is Meaning.REJECT]
    if rule is Rule.ANY:
        return Result(choice=given[0] if given else None)
    if rule is Rule.COUNT:
        # At a deadline, fewer people may have taken the place of those who had not answered.
        needed = min(needed, len(answers))
        return _counted(needed, choices, given, len(answers) - len(given))
    if rejections:
        return Result(choice=rejections[0])
    open_places = [place for place, name in sorted(answers.items()) if name is None]
    if not open_places:
        return Result(choice=given[-1] if given else None)
    return Result(next_place=open_places[0] if rule is Rule.ORDER else None)


def _counted(
    needed: int, choices: Sequence[Choice], given: Sequence[Choice], still_open: int
) -> Result:
    """Decides when a choice has as many answers as needed, or an approval is impossible."""
    approvals = Counter(one.name for one in given if one.meaning is Meaning.APPROVE)
    best = max((approvals[one.name] for one in given), default=0)
    if best >= needed:
        return Result(choice=next(one for one in given if approvals[one.name] >= needed))
    if best + still_open >= needed:
        return Result()
    rejections = [one for one in (*given, *choices) if one.meaning is Meaning.REJECT]
    return Result(choice=rejections[0] if rejections else None)
