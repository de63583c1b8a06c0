"""A trial as a list of steps: each is timed, and the first one that fails ends it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

from postrail.errors import PipelineError

UNFORESEEN = "Switch debug on, and look at the dialogue in the fetcher's log"


@dataclass(frozen=True, slots=True)
class Step:
    """What was tried and what came of it. With `ok` the remedy is what could be better."""

    name: str
    ok: bool
    detail: str
    remedy: str
    milliseconds: float
    # The account's fields that a failure is about.
    setting: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a step that succeeded has found out."""

    detail: str
    # What works and could be better, and how.
    advice: str = ""


@dataclass(frozen=True, slots=True)
class ReadSoFar:
    """How far a folder was read by now."""

    uid_validity: int
    last_uid: int


# However slowly a server answers, a trial ends.
TRIAL_SECONDS = 120.0

Work = Callable[[], Found]
Steps = Sequence[tuple[str, Work]]


def in_order(steps: Steps) -> Generator[Step, None, bool]:
    """Does the steps one by one, up to the first that fails; returns whether none did."""
    for name, work in steps:
        step = _done(name, work)
        yield step
        if not step.ok:
            return False
    return True


@contextlib.contextmanager
def broken_off_after(interrupt: Callable[[], None]) -> Iterator[None]:
    """Calls `interrupt` when the block takes longer than a trial may."""
    timer = threading.Timer(TRIAL_SECONDS, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _done(name: str, work: Work) -> Step:
    started = time.perf_counter()
    try:
        found = work()
    except PipelineError as error:
        return Step(name, False, error.problem, error.remedy, _milliseconds(started), error.setting)
    # A trial meets servers that nobody foresaw: their faults belong to the answer.
    except Exception as error:  # noqa: BLE001
        problem = f"{type(error).__name__}: {error}"
        return Step(name, False, problem, UNFORESEEN, _milliseconds(started))
    return Step(name, True, found.detail, found.advice, _milliseconds(started))


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
