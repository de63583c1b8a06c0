"""Measures a server's clock again and again, and corrects the clock of the process by it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from postrail.clock.samples import Sample, Samples
from postrail.clock.shared_clock import SharedClock
from postrail.clock_sync.deviation import Deviation
from postrail.errors import TransientError
from postrail.observe.health import Health
from postrail.observe.log import log
from postrail.tasks import set_within

logger = log(__name__)

# Very often until there is a time at all, and often until the best of several samples is known.
UNKNOWN_SECONDS = 0.1
FIRST_SECONDS = 1.0
EVERY_SECONDS = 10.0
WAIT_SECONDS = 5.0

# Reads the server's clock; returns None when it has no new reading.
Measure = Callable[[], Awaitable[Sample | None]]


class ClockSync:
    """Makes a process's clock follow one server's, and compares the machine's with it."""

    def __init__(self, clock: SharedClock, health: Health, server: str, measure: Measure) -> None:
        """`server` names the one whose clock `measure` reads."""
        self._clock = clock
        self._deviation = Deviation(health)
        self._server = server
        self._measure = measure
        self._samples: Samples | None = None
        self._known = asyncio.Event()

    async def switch_to(self, server: str, measure: Measure) -> None:
        """Follows another server from now on; raises what its first measurement raises."""
        sample = await measure()
        self._server, self._measure, self._samples = server, measure, None
        if sample is not None:
            self._add(sample)
        self._compare()

    async def run(self, stop: asyncio.Event) -> None:
        """Measures until `stop` is set; a measurement that fails is left out."""
        while not await set_within(stop, self._pause_seconds()):
            await self.measure()

    async def wait(self) -> None:
        """Waits for the first measurement, but not for ever: an old topic has no broker's time."""
        if not await set_within(self._known, WAIT_SECONDS):
            logger.warning(
                "working by the machine's clock",
                reason=f"{self._server} does not tell the time",
                remedy="Run: postrail topics apply",
            )

    def _pause_seconds(self) -> float:
        if not self._known.is_set():
            return UNKNOWN_SECONDS
        full = self._samples is not None and self._samples.is_full
        return EVERY_SECONDS if full else FIRST_SECONDS

    async def measure(self) -> None:
        """Measures once, corrects the clock, and compares the machine's with it."""
        measure = self._measure
        try:
            sample = await measure()
        except TransientError as error:
            logger.debug("no time from the server", server=self._server, reason=str(error))
            sample = None
        # A clock without corrections drifts slowly; that is no reason to end the process.
        except Exception:
            logger.exception("no time from the server", server=self._server)
            sample = None
        # Not if it has switched to another server meanwhile.
        if sample is not None and measure is self._measure:
            self._add(sample)
        self._compare()

    def _add(self, sample: Sample) -> None:
        if self._samples is None:
            self._samples = Samples()
            self._clock.restart(self._samples.add(sample))
            self._known.set()
        else:
            self._clock.correct(self._samples.add(sample))

    def _compare(self) -> None:
        # As often as possible, since the machine's clock may be set at any time.
        if self._clock.is_set:
            self._deviation.report(self._clock.machine_ahead_seconds, self._server)
