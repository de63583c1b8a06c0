"""Tests the start and end of a service: signals, exit codes, and an unavailable broker."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx
import pytest

REPOSITORY = Path(__file__).parents[2]

PRELUDE = """
    import asyncio
    from postrail import errors, process
    from postrail.process import Process, run_process
    from postrail.stream.producer import Producer

    async def connected(self):
        pass

"""
# A broker that answers at once; other tests connect to a real one.
CONNECTED = "    Producer.start = connected\n"


@contextmanager
def service(
    main: str,
    *,
    prelude: str = PRELUDE + CONNECTED,
    stderr: int | IO[str] = subprocess.STDOUT,
    **environment: str,
) -> Iterator[subprocess.Popen[str]]:
    """Starts a process that runs `main` as a service; kills it at the end."""
    code = textwrap.dedent(prelude) + textwrap.dedent(main) + "\nrun_process('parser', main)\n"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "POSTRAIL_SERVER__HOST": "127.0.0.1",
            "POSTRAIL_SERVER__PORT": "0",
            "POSTRAIL_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Waits for the end; returns the exit code and the output."""
    output, _ = process.communicate(timeout=30)
    return process.returncode, output


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def wait_for_line(process: subprocess.Popen[str], text: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return line
    raise AssertionError(f"{text!r} was never printed")


STAYS = """
    async def main(process: Process) -> None:
        print('at work', flush=True)
        await process.stop.wait()
"""


def test_an_observer_stays_alive_and_never_begins_its_work() -> None:
    # No broker runs here, so the test would hang if the service needed one.
    with service(STAYS, prelude=PRELUDE, POSTRAIL_OBSERVER="true") as process:
        line = wait_for_line(process, '"started"')
        address = line.partition('"address": "')[2].partition('"')[0]
        output = wait_for_line(process, "an observer: this service does no work")
        until(lambda: httpx.get(f"http://{address}/readyz").status_code == httpx.codes.OK)
        process.terminate()
        code, rest = ended(process)
    assert code == 0, rest
    assert "at work" not in output + rest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    with service(STAYS) as process:
        wait_for_line(process, "at work")
        process.send_signal(number)
        code, output = ended(process)
    assert code == 0, output
    assert '"stopped"' in output


def holds_stop_signals(pid: int) -> bool:
    """Tells whether the process lets SIGTERM and SIGINT wait (proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    (blocked,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigBlk"))
    return all(int(blocked, 16) >> (number - 1) & 1 for number in (signal.SIGTERM, signal.SIGINT))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this machine has no /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    "arguments",
    [
        *(["services." + name] for name in ("fetcher", "handler", "monitor", "parser", "sender")),
        ["postrail", "run", "parser"],
    ],
)
def test_a_signal_in_its_first_second_ends_it_cleanly(
    arguments: list[str], number: signal.Signals
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "POSTRAIL_SERVER__HOST": "127.0.0.1",
            "POSTRAIL_SERVER__PORT": "0",
            "POSTRAIL_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1",
            "POSTRAIL_DATABASE__URL": "postgresql://x@127.0.0.1:1/x",
            "POSTRAIL_BLOBS__URL": "memory:///",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        until(lambda: process.poll() is not None or holds_stop_signals(process.pid))
        process.send_signal(number)
        code, output = ended(process)
    finally:
        process.kill()
        process.communicate()
    assert code == 0, output
    assert '"stopping"' in output


def test_a_second_signal_ends_it_at_once() -> None:
    stubborn = """
        async def main(process: Process) -> None:
            print('at work', flush=True)
            await process.stop.wait()
            print('stopping slowly', flush=True)
            await asyncio.sleep(60)
    """
    with service(stubborn) as process:
        wait_for_line(process, "at work")
        process.terminate()
        wait_for_line(process, "stopping slowly")
        process.terminate()
        code, _ = ended(process)
    assert code == 128 + signal.SIGTERM


@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [
        ("errors.ConfigurationError('no key', setting='POSTRAIL_X')", 2, "Setting: POSTRAIL_X"),
        ("errors.FatalError('Kafka did not acknowledge')", 1, "did not acknowledge"),
        ("ValueError('a fault of ours')", 1, "Traceback"),
        # The errors of all failed tasks are printed, and the worst one decides.
        ("ExceptionGroup('', [errors.ConfigurationError('no key')])", 2, "no key"),
        (
            "ExceptionGroup('', [errors.ConfigurationError('x'), errors.FatalError('gone')])",
            1,
            "gone",
        ),
    ],
)
def test_the_exit_code_depends_on_the_error(failure: str, code: int, said: str) -> None:
    main = f"async def main(process: Process) -> None:\n    raise {failure}\n"
    with service(main) as process:
        found, output = ended(process)
    assert (found, said in output) == (code, True), output


def test_a_thread_that_hangs_does_not_delay_the_end() -> None:
    main = """
        import time
        async def main(process: Process) -> None:
            asyncio.get_running_loop().run_in_executor(None, time.sleep, 60)
            raise errors.FatalError('gone')
    """
    with service(main) as process:
        code, output = ended(process)
    assert code == 1, output


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this machine has no /dev/full")
def test_a_full_disk_under_the_log_ends_nothing() -> None:
    busy = """
        from postrail.observe.log import log
        async def main(process: Process) -> None:
            for number in range(2000):
                log('postrail.x').warning('a line', number=number)
            print('at work', flush=True)
            await process.stop.wait()
    """
    with Path("/dev/full").open("w") as full, service(busy, stderr=full) as process:
        wait_for_line(process, "at work")
        process.terminate()
        code, _ = ended(process)
    assert code == 0


def test_a_wrong_setting_is_named() -> None:
    with service(STAYS, POSTRAIL_KAFKA__PARTITIONS="many") as process:
        code, output = ended(process)
    assert code == 2
    assert "POSTRAIL_KAFKA__PARTITIONS" in output


def test_a_busy_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with service(STAYS, POSTRAIL_SERVER__PORT=port) as process:
            code, output = ended(process)
    assert code == 2
    assert "POSTRAIL_SERVER__PORT" in output


def test_waits_for_a_broker_that_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with service(STAYS, prelude=PRELUDE, POSTRAIL_SERVER__PORT=port) as process:

        def answer(path: str) -> httpx.Response | None:
            try:
                return httpx.get(f"http://127.0.0.1:{port}{path}")
            except httpx.TransportError:
                return None

        until(lambda: answer("/readyz") is not None)
        ready, alive = answer("/readyz"), answer("/healthz")
        assert ready is not None
        assert alive is not None
        assert (ready.status_code, alive.status_code) == (503, 200)
        assert "kafka" in ready.text
        process.terminate()
        code, output = ended(process)
    assert code == 0, output
    assert "at work" not in output
