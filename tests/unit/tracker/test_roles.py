"""The two roles of a tracker: their errors, and the difference that a connection makes."""

from __future__ import annotations

import inspect

import pytest

from postrail.errors import PermanentError, TransientError
from postrail.tracker import (
    CapabilityMissing,
    IssueNotFound,
    Tracker,
    TrackerUnavailable,
    TransactionalTracker,
)
from postrail.tracker.builtin.tracker import BuiltinTracker
from tests.fakes.http_tracker import HttpTracker


def methods(role: type) -> dict[str, inspect.Signature]:
    """Returns the methods that a class declares itself."""
    functions = {name: value for name, value in vars(role).items() if inspect.isfunction(value)}
    return {
        name: inspect.signature(value)
        for name, value in functions.items()
        if not name.startswith("_")
    }


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        # The handler keeps the message waiting.
        (TrackerUnavailable, TransientError),
        # The handler sets the message to failed: no repetition can help.
        (IssueNotFound, PermanentError),
        (CapabilityMissing, PermanentError),
    ],
)
def test_errors_say_whether_to_try_again(error: type[Exception], kind: type[Exception]) -> None:
    assert issubclass(error, kind)


def test_a_tracker_outside_of_our_database_never_sees_a_connection() -> None:
    assert all("connection" not in one.parameters for one in methods(Tracker).values())


def test_a_tracker_inside_of_it_has_no_effect_without_one() -> None:
    assert all("connection" in one.parameters for one in methods(TransactionalTracker).values())


@pytest.mark.parametrize(
    ("role", "tracker"), [(Tracker, HttpTracker), (TransactionalTracker, BuiltinTracker)]
)
def test_implementations_have_the_methods_of_their_role(role: type, tracker: type) -> None:
    assert methods(role).items() <= methods(tracker).items()
