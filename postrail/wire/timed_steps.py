"""Runs a test as named steps: each is timed, and the first that fails is the last."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

from postrail.errors import PipelineError

UNFORESEEN = "Set debug: true, and read the dialogue in the log of the fetcher or the sender"


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was run, with its result. With `ok` the remedy is advice."""

    name: str
    ok: bool
    detail: str
    remedy: str
    milliseconds: float
    # The account's fields that a failure is about.
    setting: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """The result of a step that succeeded."""

    detail: str
    # How to improve what works already.
    advice: str = ""


@dataclass(frozen=True, slots=True)
class ReadSoFar:
    """The position in a folder up to which the fetcher has read it."""

    uid_validity: int
    last_uid: int


# A test ends by then, however slowly a server answers.
TRIAL_SECONDS = 120.0

Action = Callable[[], Findings]
Actions = Sequence[tuple[str, Action]]


def run_in_order(actions: Actions) -> Generator[Step, None, bool]:
    """Runs the actions one by one, up to the first that fails; returns whether all succeeded."""
    for name, action in actions:
        step = _run(name, action)
        yield step
        if not step.ok:
            return False
    return True


@contextlib.contextmanager
def time_limit(interrupt: Callable[[], None]) -> Iterator[None]:
    """Calls `interrupt`, in a thread of its own, when the block takes longer than TRIAL_SECONDS."""
    timer = threading.Timer(TRIAL_SECONDS, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _run(name: str, action: Action) -> Step:
    started = time.perf_counter()
    try:
        found = action()
    except PipelineError as error:
        return Step(name, False, error.problem, error.remedy, _milliseconds(started), error.setting)
    # Servers may fail in ways that we did not foresee; the user is to see these too.
    except Exception as error:  # noqa: BLE001
        problem = f"{type(error).__name__}: {error}"
        return Step(name, False, problem, UNFORESEEN, _milliseconds(started))
    return Step(name, True, found.detail, found.advice, _milliseconds(started))


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
