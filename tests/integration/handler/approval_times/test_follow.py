"""An issue follows the decision of its request: it is moved, and gets one internal comment."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import pytest

from postrail.approvals.request import AtDeadline, Choice, Meaning
from postrail.configuration.models.project import Project
from postrail.operate.issues.merge import merge
from postrail.operate.issues.move import move
from tests.integration.handler.approval_times.scene import (
    ANN,
    EVE,
    LEAD,
    PROJECT,
    STATUSES_OF_PROJECT,
    Asked,
    ask,
    asked_of,
    pass_deadline,
    work,
)
from tests.integration.handler.bench import Bench
from tests.makers.acts import OPERATOR
from tests.makers.records import mail_parsed

FOLLOWED = (
    "SELECT status, (SELECT count(*) FROM comment WHERE internal),"
    " (SELECT count(*) FROM approval_event WHERE kind IN ('followed', 'not_followed')),"
    " (SELECT count(*) FROM timer WHERE kind = 'approval_follow') FROM issue"
)
BEFORE, AFTER = ("Open", 0, 0, 1), ("Released", 1, 1, 0)
STATUSES: dict[str, Any] = {"approved_status": "Released", "rejected_status": "Refused"}


async def decided(bench: Bench, issue: str, choice: str = "approve", **changes: Any) -> Asked:
    """Asks Ann and Bob about the issue; Ann decides."""
    asked = await ask(bench, issue_key=issue, **{**STATUSES, **changes})
    bench.clock.move(60)
    await asked.answer(ANN, choice, "Not before 22:00.")
    return asked


async def comments(bench: Bench) -> list[str]:
    """Returns the internal comments on the issue."""
    found = await bench.rows("SELECT body FROM comment WHERE internal ORDER BY comment_id")
    return [body for (body,) in found]


@pytest.mark.parametrize(
    ("choice", "status", "word"),
    [("approve", "Released", "Approve"), ("reject", "Refused", "Reject")],
)
async def test_the_issue_is_moved_and_says_who_decided(
    approving: Bench, issue: str, choice: str, status: str, word: str
) -> None:
    asked = await decided(approving, issue, choice)
    await work(approving)
    assert await approving.rows(FOLLOWED) == [(status, 1, 1, 0)]
    assert (await asked.events())[-1] == "followed"
    (text,) = await comments(approving)
    assert text.startswith(f"{asked.key} Deploy 4.2: {word}\n\nAnn: {word} (")
    assert text.endswith("\nNot before 22:00.")
    found = await approving.rows(
        "SELECT actor_name, actor_address, channel FROM issue_change WHERE field = 'status'"
    )
    assert found == [(asked.key, "", "command")]


async def test_a_choice_of_the_caller_moves_by_its_meaning(approving: Bench, issue: str) -> None:
    choices = [
        Choice(name="blue", label="The blue one"),
        Choice(name="none", label="None of them", meaning=Meaning.REJECT),
    ]
    await decided(approving, issue, "none", choices=choices)
    await work(approving)
    assert await approving.rows(FOLLOWED) == [("Refused", 1, 1, 0)]
    assert (await comments(approving))[0].startswith("A-1 Deploy 4.2: None of them\n")


async def test_without_a_status_the_issue_stays_and_has_the_comment(
    approving: Bench, issue: str
) -> None:
    asked = await decided(approving, issue, approved_status="", rejected_status="")
    await work(approving)
    assert await approving.rows(FOLLOWED) == [("Open", 1, 1, 0)]
    assert (await asked.events())[-1] == "followed"


@pytest.mark.parametrize(
    ("at_deadline", "status", "event"),
    [(AtDeadline.EXPIRE, "Open", "expired"), (AtDeadline.REJECT, "Refused", "decided reject")],
)
async def test_the_issue_says_that_nobody_decided_in_time(
    approving: Bench, issue: str, at_deadline: AtDeadline, status: str, event: str
) -> None:
    asked = await ask(approving, issue_key=issue, at_deadline=at_deadline, **STATUSES)
    await pass_deadline(approving)
    await work(approving)
    assert await approving.rows(FOLLOWED) == [(status, 1, 1, 0)]
    assert await asked.events() == [event, "followed"]
    assert "Nobody decided in time." in (await comments(approving))[0]


async def test_a_transition_that_is_not_allowed_is_told_and_blocks_nothing(
    approving: Bench, issue: str
) -> None:
    asked = await decided(approving, issue)
    # The workflow has changed in the meantime.
    opened, *others = STATUSES_OF_PROJECT
    closed = {**opened, "next_statuses": ["Refused"]}
    await approving.save(Project.model_validate({**PROJECT, "statuses": [closed, *others]}))
    before = await asked_of(approving)
    await work(approving)
    assert await approving.rows(FOLLOWED) == [("Open", 1, 1, 0)]
    assert await asked.state() == ("decided", "approve")
    assert (await asked.events())[-1] == "not_followed"
    (text,) = await comments(approving)
    assert f"{issue} does not follow the decision of {asked.key}." in text
    assert "'Released' may not follow 'Open' in project HELP" in text
    told = (await asked_of(approving))[len(before) :]
    assert told.count(LEAD.partition("@")[0]) == 1
    (subject,) = (
        await approving.rows("SELECT subject FROM outgoing_mail WHERE purpose = 'notice'")
    )[0]
    assert subject == f"Postrail: {issue} does not follow the decision of {asked.key}"


async def test_the_approvers_of_a_project_decide_for_no_other(approving: Bench, issue: str) -> None:
    asked = await decided(approving, issue)
    other = {**PROJECT, "key": "PAY", "leads": [EVE], "address": "pay@example.com"}
    await approving.save(Project.model_validate(other))
    moved = await move(approving.desk, OPERATOR, issue, "PAY")
    await work(approving)
    assert await approving.rows(FOLLOWED) == [("Open", 1, 1, 0)]
    assert (await asked.events())[-1] == "not_followed"
    assert (
        "PAY-1 is in project PAY, and A-1 was asked in project HELP"
        in (await comments(approving))[0]
    )
    assert moved.issue_key == "PAY-1"


async def test_a_merged_issue_moves_no_other(approving: Bench, issue: str) -> None:
    asked = await decided(approving, issue)
    await approving.handle(mail_parsed(subject="Another thing"))
    await merge(approving.desk, OPERATOR, issue, "HELP-2")
    await work(approving)
    found = await approving.rows("SELECT status FROM issue WHERE issue_key = 'HELP-2'")
    assert found == [("Open",)]
    assert (await asked.events())[-1] == "not_followed"
    assert "the issue of A-1 was merged into HELP-2" in (await comments(approving))[-1]


async def test_an_issue_without_an_address_to_comment_from_is_moved_all_the_same(
    approving: Bench, issue: str
) -> None:
    asked = await decided(approving, issue)
    await approving.rows("UPDATE outgoing_connection SET is_default = false RETURNING 1")
    await approving.rows("UPDATE project SET connection = '' RETURNING 1")
    await work(approving)
    assert await approving.rows(FOLLOWED) == [("Released", 0, 1, 0)]
    assert (await asked.events())[-1] == "not_followed"


class DeathError(Exception):
    """Ends a transaction as the death of its process would."""


@pytest.mark.logs_errors("a timer failed")
@pytest.mark.parametrize(
    "point",
    [
        "operate.approvals.timed.follow.transition",
        "operate.approvals.timed.follow.comment",
        "timers.queue.remove",
    ],
)
async def test_a_fault_before_the_commit_leaves_nothing_and_it_is_done_once(
    approving: Bench, issue: str, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    await decided(approving, issue)
    with monkeypatch.context() as patched:
        failing = after(point)
        patched.setattr(f"postrail.{point}", failing)
        await work(approving)
    assert await approving.rows(FOLLOWED) == [BEFORE]
    for _ in range(3):
        approving.clock.move(timedelta(hours=1).total_seconds())
        await work(approving)
    assert await approving.rows(FOLLOWED) == [AFTER]


def after(point: str) -> Any:
    """Returns the function at this place, which fails when it has done its work."""
    module, _, name = f"postrail.{point}".rpartition(".")
    function = getattr(sys.modules[module], name)

    async def failing(*arguments: Any, **named: Any) -> None:
        await function(*arguments, **named)
        raise DeathError

    return failing
