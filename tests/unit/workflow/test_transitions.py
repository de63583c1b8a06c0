"""Transitions: which statuses may follow, and what becomes of the resolution."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postrail.configuration.models.project import Project, Status
from postrail.workflow.rights import Act
from postrail.workflow.transitions import (
    Progress,
    TransitionNotAllowed,
    act_of,
    next_statuses,
    progress_in,
    status_named,
    transition,
)
from postrail.workflow.values import InvalidValue
from tests.unit.workflow.projects import EARLIER, HELP, NOW

NEW = Progress(status="New")
WORKING = Progress(status="Working")
SIGNED_OFF = Progress(status="Signed off")
DONE = Progress(status="Done", resolution="Fixed", resolved_at=EARLIER)
DROPPED = Progress(status="Dropped", resolution="Won't do", resolved_at=EARLIER)


@pytest.mark.parametrize(
    ("status", "following"),
    [
        ("New", ["Working", "Done"]),
        # Without a list, any other status may follow.
        ("Working", ["New", "Signed off", "Done", "Dropped"]),
        ("Signed off", ["New", "Working", "Done", "Dropped"]),
        # The list may spell the names in another case.
        ("Done", ["New", "Dropped"]),
        ("Dropped", []),
    ],
)
def test_the_statuses_that_may_follow(status: str, following: list[str]) -> None:
    assert [one.name for one in next_statuses(HELP, status)] == following


@pytest.mark.parametrize(
    ("before", "wanted", "resolution", "after"),
    [
        (NEW, "working", "", WORKING),
        (NEW, "New", "", NEW),
        (WORKING, "Signed off", "", SIGNED_OFF),
        (NEW, "Done", "", Progress(status="Done", resolution="Done", resolved_at=NOW)),
        (NEW, "Done", "Fixed", Progress(status="Done", resolution="Fixed", resolved_at=NOW)),
        # The time when it was resolved, and the resolution, outlast a change within the category.
        (DONE, "Dropped", "", Progress(status="Dropped", resolution="Fixed", resolved_at=EARLIER)),
        (DONE, "Done", "", DONE),
        (DONE, "Done", "No", Progress(status="Done", resolution="No", resolved_at=EARLIER)),
        (DROPPED, "Dropped", "", DROPPED),
        (DONE, "New", "", NEW),
    ],
)
def test_a_transition(before: Progress, wanted: str, resolution: str, after: Progress) -> None:
    assert transition(HELP, before, wanted, resolution=resolution, now=NOW) == after


@pytest.mark.parametrize(
    ("before", "wanted", "resolution", "error", "words"),
    [
        (NEW, "Dropped", "", TransitionNotAllowed, "may not follow 'New' in project HELP. Use one"),
        (NEW, "Signed off", "", TransitionNotAllowed, "Use one of: Working, Done"),
        (DROPPED, "New", "", TransitionNotAllowed, "No status may follow 'Dropped'"),
        (NEW, "Closed", "", InvalidValue, "project HELP has no status 'Closed'. Use one of: New"),
        (NEW, "Working", "Fixed", InvalidValue, "category is in progress. Give it with one of: Do"),
        (DONE, "New", "Fixed", InvalidValue, "'New' takes no resolution"),
    ],
)
def test_a_transition_that_is_refused(
    before: Progress, wanted: str, resolution: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error) as refused:
        transition(HELP, before, wanted, resolution=resolution, now=NOW)
    assert words in str(refused.value)


def test_a_status_that_needs_an_approval_takes_another_right() -> None:
    assert act_of(status_named(HELP, "Signed off")) is Act.APPROVE
    assert act_of(status_named(HELP, "Working")) is Act.TRANSITION


OTHER = Project(
    key="OTHER",
    name="Another project",
    statuses=[
        Status(name="Open", category="to do"),
        Status(name="working", category="to do"),
        Status(name="Closed", category="done"),
        Status(name="Dropped", category="to do"),
    ],
)


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        # Of the same name, whatever its category.
        (WORKING, "", Progress(status="working")),
        (DROPPED, "", Progress(status="Dropped")),
        # Of the same category.
        (NEW, "", Progress(status="Open")),
        (DONE, "", Progress(status="Closed", resolution="Fixed", resolved_at=EARLIER)),
        # The status of new issues, where the category has none.
        (SIGNED_OFF, "", Progress(status="Open")),
        # As the person says.
        (NEW, "closed", Progress(status="Closed", resolution="Done", resolved_at=NOW)),
        (DONE, "Open", Progress(status="Open")),
    ],
)
def test_the_progress_in_another_project(before: Progress, wanted: str, after: Progress) -> None:
    assert progress_in(OTHER, HELP, before, wanted=wanted, now=NOW) == after


def test_an_unknown_status_of_the_other_project_is_refused() -> None:
    with pytest.raises(InvalidValue, match="project OTHER has no status 'New'"):
        progress_in(OTHER, HELP, NEW, wanted="New", now=NOW)


STEPS = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["", "Fixed"])), max_size=20)


@given(STEPS)
def test_a_resolution_is_there_exactly_while_an_issue_is_done(steps: list[tuple[int, str]]) -> None:
    progress = NEW
    for hours, (place, resolution) in enumerate(steps):
        before, wanted = progress, HELP.statuses[place].name
        now = NOW + timedelta(hours=hours)
        with contextlib.suppress(TransitionNotAllowed, InvalidValue):
            progress = transition(HELP, before, wanted, resolution=resolution, now=now)
        moved = progress_in(OTHER, HELP, progress, now=now)
        for project, found in ((HELP, progress), (OTHER, moved)):
            done = status_named(project, found.status).category == "done"
            assert (found.resolution is not None) == (found.resolved_at is not None) == done
        if before.resolved_at and progress.resolved_at:
            assert progress.resolved_at == before.resolved_at
