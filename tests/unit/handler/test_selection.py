"""Which due messages a batch works: suspects alone and in turn, and texts bounded by memory."""

from __future__ import annotations

import pytest

from postrail.decision.decision import AddComment, CreateIssue, Decision, Effect, Outcome
from postrail.decision.facts import IssueRef
from postrail.effects.batch import Decided
from postrail.in_flight.mark import DEATHS_MAX, Deaths
from postrail.incoming.queue import DueMail, DueRow
from postrail.records import BlobReference
from services.handler.selection import Selection, bounded
from tests.makers.records import mail_parsed

HELP_1 = IssueRef(issue_id=1, issue_key="HELP-1", project="HELP")
COMMENT = AddComment(issue=HELP_1, muted=False)
MIB = 1024 * 1024


def row(name: str) -> DueRow:
    return DueRow(
        mail_id=name,
        parsed=b"",
        conversation="",
        queue="",
        attempts=0,
        revision=0,
        limit_tries=0,
        claimed_by=None,
    )


def names(rows: list[DueRow]) -> str:
    return "".join(one.mail_id for one in rows)


DUE = [row(name) for name in "abcd"]
ONCE = Deaths(together=1)
ALONE = Deaths(alone=DEATHS_MAX)


def test_without_deaths_all_are_worked_together() -> None:
    assert names(Selection().of(DUE, {})) == "abcd"


def test_suspects_are_worked_alone_in_turn_with_the_others() -> None:
    selection = Selection()
    deaths = {"a": ONCE, "b": ONCE}
    assert [names(selection.of(DUE, deaths)) for _ in range(4)] == ["cd", "a", "cd", "a"]


def test_suspects_do_not_wait_for_others_that_are_not_there() -> None:
    selection = Selection()
    deaths = {"a": ONCE, "b": ONCE}
    assert [names(selection.of(DUE[:2], deaths)) for _ in range(2)] == ["a", "a"]


def test_a_message_that_is_given_up_is_no_suspect() -> None:
    assert names(Selection().of(DUE, {"a": ALONE})) == "abcd"


def decided(effect: Effect, size: int = 0, blob: int = 0) -> Decided:
    reference = BlobReference(sha256="x", size=blob) if blob else None
    due = DueMail(
        mail=mail_parsed(text_blob=reference),
        conversation="",
        queue="",
        attempts=0,
        revision=0,
        size=size,
    )
    return Decided(due, Decision(outcome=Outcome.COMMENT, reason="", effects=(effect,)))


@pytest.mark.parametrize(
    ("batch", "watchers", "named", "kept"),
    [
        # 3 MiB for each of 13: 39 MiB, so that one is worked in each batch.
        ([decided(COMMENT, blob=3 * MIB)] * 50, 12, 0, 1),
        ([decided(COMMENT, blob=3 * MIB)] * 50, 0, 0, 10),
        ([decided(COMMENT, size=10_000)] * 50, 12, 0, 50),
        ([decided(COMMENT, size=10_000)] * 50, 1000, 0, 3),
        # An issue has one reporter, and its large text is not read.
        ([decided(CreateIssue(project="HELP", muted=False), blob=99 * MIB)] * 50, 12, 0, 50),
        # Those whom a rule names.
        ([decided(COMMENT, size=10_000)] * 50, 12, 988, 3),
        ([decided(CreateIssue(project="HELP", muted=False), size=10_000)] * 50, 0, 1000, 3),
    ],
)
def test_a_batch_is_bounded_by_its_bytes_times_the_people(
    batch: list[Decided], watchers: int, named: int, kept: int
) -> None:
    assert len(bounded(batch, {1: watchers}, {"HELP": named}, 32 * MIB)) == kept


def test_at_least_one_message_is_worked() -> None:
    assert len(bounded([decided(COMMENT, blob=99 * MIB)] * 2, {}, {}, 1024)) == 1
