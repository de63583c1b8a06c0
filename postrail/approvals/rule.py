"""Says what the answers so far make of a request, by its rule. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from postrail.approvals.request import Choice, Meaning, Rule


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The choice that decides the request, whom to ask next, or that nothing can decide it."""

    # None: it stays open, unless it is impossible.
    choice: Choice | None = None
    # The place of the approver who is asked now.
    next_place: int | None = None
    # No answer that may still come decides it: it ends without a decision.
    impossible: bool = False


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
    given = {place: by_name[name] for place, name in answers.items() if name is not None}
    waiting = sorted(answers.keys() - given.keys())
    if rule is Rule.COUNT:
        # At a deadline, fewer people may have taken the place of those who had not answered.
        needed = min(needed, len(answers)) or 1
        return _counted(needed, list(given.values()), len(waiting))
    if choice := _chosen(rule, given, waiting):
        return Result(choice=choice)
    if not waiting:
        return Result(impossible=True)
    return Result(next_place=waiting[0] if rule is Rule.ORDER else None)


def _chosen(rule: Rule, given: Mapping[int, Choice], waiting: Sequence[int]) -> Choice | None:
    """Returns the choice by which one of the rules but COUNT decides."""
    if rule is Rule.ANY:
        return next(iter(given.values()), None)
    if rejection := _first_rejection(given.values()):
        return rejection
    if waiting or not given:
        return None
    if rule is Rule.ORDER:
        return given[max(given)]
    # Of several approving choices the one that most have made, and of these the earliest.
    return Counter(given.values()).most_common(1)[0][0]


def _counted(needed: int, given: Sequence[Choice], waiting: int) -> Result:
    """Decides when a choice has as many answers as needed, or no approving choice can have them."""
    approvals = Counter(one for one in given if one.meaning is Meaning.APPROVE)
    best = approvals.most_common(1)
    count = best[0][1] if best else 0
    if best and count >= needed:
        return Result(choice=best[0][0])
    if count + waiting >= needed:
        return Result()
    rejection = _first_rejection(given)
    return Result(choice=rejection, impossible=rejection is None)


def _first_rejection(given: Iterable[Choice]) -> Choice | None:
    return next((one for one in given if one.meaning is Meaning.REJECT), None)
