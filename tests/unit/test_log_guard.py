"""Tests the guard that fails a test for unexpected errors in the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from postrail.observe.log import log
from tests.log_guard import LogGuard

logger = log(__name__)


class Item:
    """A test that expects these events."""

    def __init__(self, *events: str) -> None:
        self._events = events

    def iter_markers(self, name: str) -> Iterator[pytest.Mark]:
        if self._events:
            yield pytest.Mark(name, self._events, {}, _ispytest=True)


def run(item: Item, body: Callable[[], None]) -> None:
    """Runs a test's body as pytest would with the guard."""
    hook = LogGuard().pytest_runtest_call(cast(Any, item))
    next(hook)
    body()
    with pytest.raises(StopIteration):
        hook.send(None)


@pytest.mark.logs_errors("boom")
def test_an_unexpected_error_fails_the_test() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"unexpected errors in the log:\n.*boom"):
        run(Item(), lambda: logger.error("boom"))


@pytest.mark.logs_errors("boom")
def test_an_expected_error_passes() -> None:
    run(Item("boom"), lambda: logger.error("boom"))


def test_an_expected_error_that_is_not_logged_fails_the_test() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"not logged: .*boom"):
        run(Item("boom"), lambda: logger.warning("boom"))


def test_warnings_pass() -> None:
    run(Item(), lambda: logger.warning("boom"))
