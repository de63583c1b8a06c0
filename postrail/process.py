"""Runs a service as a process: settings, log, health, producer, signals and exit codes.

A service's `__main__.py` passes its main function. The exit code is 0 after SIGTERM, 1 when the
service could not go on, 2 when a setting is wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import TypeVar

from postrail import __version__
from postrail.clock import Clock
from postrail.clock.shared_clock import SharedClock
from postrail.clock_sync.follow import ClockSync
from postrail.clock_sync.postgres_time import POSTGRESQL, pooled_sample
from postrail.database import Pool, open_pool
from postrail.errors import ConfigurationError, PipelineError
from postrail.observe.health import Health
from postrail.observe.health_server import HealthServer
from postrail.observe.log import configure_log, log
from postrail.retry_loop import RetryLoop
from postrail.settings import Settings, load_settings
from postrail.stream.producer import Producer
from postrail.stream.progress import Progress
from postrail.tasks import end_tasks, set_within

logger = log(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
CLEAN_STOP = 0
FAILED = 1
MISCONFIGURED = 2
RETRY_BASE_SECONDS = 0.5
RETRY_MAX_SECONDS = 10.0
CLOSE_SECONDS = 10.0
OBSERVER_BEAT_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Process:
    """The resources of a service. `stop` is set when the service must end."""

    name: str
    settings: Settings
    clock: Clock
    clock_sync: ClockSync
    health: Health
    producer: Producer
    progress: Progress
    stop: asyncio.Event


Found = TypeVar("Found")
Main = Callable[[Process], Awaitable[None]]


def run_process(name: str, main: Main) -> None:
    """Runs a service until SIGTERM, SIGINT or an error; never returns."""
    try:
        settings = load_settings()
        configure_log(settings, name)
        # The runner is not closed: threads that still wait for a server must not delay the end,
        # and their work is repeated after a restart.
        code = asyncio.Runner().run(live(name, settings, main))
    except ConfigurationError as error:
        print(f"postrail {name}: {error}", file=sys.stderr)  # noqa: T201  There is no log yet.
        code = MISCONFIGURED
    _end(code)


async def live(name: str, settings: Settings, main: Main) -> int:
    """Runs a service from its first probe to its exit code, which it returns."""
    stop = asyncio.Event()
    _stop_on_signals(stop)
    clock, health = SharedClock(), Health()
    producer = Producer(settings.kafka, clock)
    server = HealthServer(settings.server, health)
    server.start()
    progress = Progress(service=name, health=health, server=server, producer=producer, clock=clock)
    process = Process(
        name=name,
        settings=settings,
        clock=clock,
        # Until `open_database`; the parser and the monitor have none.
        clock_sync=ClockSync(clock, health, "Kafka", producer.broker_time),
        health=health,
        producer=producer,
        progress=progress,
        stop=stop,
    )
    chosen = settings.model_dump(mode="json", exclude_defaults=True)
    logger.info("started", version=__version__, address=server.address, settings=chosen)
    try:
        await _work(process, main)
    except Exception as error:  # noqa: BLE001  The edge of the process: it becomes the exit code.
        return _report(error)
    finally:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(producer.close(), CLOSE_SECONDS)
        server.stop()
    logger.info("stopped")
    return CLEAN_STOP


async def _work(process: Process, main: Main) -> None:
    """Connects, then runs the service with a progress report each second."""
    if process.settings.observer:
        await _observe(process)
        return
    await _connect(process)
    if process.stop.is_set():
        return
    finished = asyncio.Event()
    reports = asyncio.create_task(process.progress.run(finished))
    following = asyncio.create_task(process.clock_sync.run(finished))
    try:
        await main(process)
    finally:
        await end_tasks([following])
        finished.set()
        await reports


async def _observe(process: Process) -> None:
    """Stays alive without working: every service writes, at least to topics and groups."""
    logger.warning("an observer: this service does no work", instance=process.settings.instance)
    while not await set_within(process.stop, OBSERVER_BEAT_SECONDS):
        process.health.beat()


async def _connect(process: Process) -> None:
    """Starts the producer; while Kafka is unavailable the process is alive, and not ready."""
    await patiently(process, "kafka", process.producer.start)


async def open_database(process: Process) -> Pool | None:
    """Opens the pool, and makes the process's clock follow PostgreSQL's.

    Waits while PostgreSQL is unavailable; returns None when the process stops.
    """
    return await patiently(process, "database", lambda: _timed_pool(process))


async def _timed_pool(process: Process) -> Pool:
    pool = await open_pool(process.settings.database)
    try:
        await process.clock_sync.switch_to(POSTGRESQL, lambda: pooled_sample(pool))
    except BaseException:
        await pool.close()
        raise
    return pool


async def patiently(
    process: Process, part: str, connect: Callable[[], Coroutine[None, None, Found]]
) -> Found | None:
    """Connects to a part, retries while it is unavailable; returns None when the process stops."""
    process.health.down(part, "not connected yet")
    connecting = RetryLoop(
        event="waiting",
        part=part,
        health=process.health,
        pause=lambda seconds: set_within(process.stop, seconds),
        base_seconds=RETRY_BASE_SECONDS,
        max_seconds=RETRY_MAX_SECONDS,
    )
    return await connecting.run(lambda: _unless_stopped(process.stop, connect()), process.stop)


async def _unless_stopped(stop: asyncio.Event, work: Coroutine[None, None, Found]) -> Found | None:
    """Waits for the work; returns None when the process stops first."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        return working.result()
    working.cancel()
    return None


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            # The second signal ends the process at once; all data survive a kill.
            _end(128 + number)
        logger.info("stopping", signal=number.name)
        stop.set()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, on_signal, number)
    # Those that came while the process started (services.hold_stop_signals) are delivered now.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def _report(error: Exception) -> int:
    """Logs why the process ends and returns its exit code."""
    causes = list(_leaves(error))
    for cause in causes:
        if isinstance(cause, PipelineError):
            logger.error("the process ends", kind=type(cause).__name__, reason=str(cause))
        else:
            logger.error("the process ends by a fault of its own", exc_info=cause)
    configuration = all(isinstance(cause, ConfigurationError) for cause in causes)
    return MISCONFIGURED if configuration else FAILED


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Yields the errors in a group of tasks that failed together, or the one error."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _end(code: int) -> None:
    # A full disk under the output must not change the exit code.
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)
