"""Child processes that never outlive us, and the pid files by which the next start finds them.

On Linux a child gets a signal when we end, however we end. Where that does not exist, or fails,
its pid file names the process with its start time, and the next start ends it (`end_orphan`).
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from postrail.errors import ConfigurationError, TransientError

LAUNCHER = Path(__file__).with_name("launcher.py")
LOG_TAIL_BYTES = 2000
LOG_MAX_BYTES = 5 * 1024 * 1024


class ChildEndedError(TransientError):
    """A child process ended although it should run; the end of its log says why."""

    def __init__(self, name: str, exit_code: int | None, log_file: Path) -> None:
        self.name = name
        self.exit_code = exit_code
        self.log_tail = log_tail(log_file)
        super().__init__(
            f"{name} ended with exit code {exit_code}: {self.log_tail}",
            remedy=f"Its log is {log_file}",
        )


@dataclass(frozen=True)
class ProcessId:
    """One process for good: a pid alone may belong to another process tomorrow."""

    pid: int
    # Boot and start time in the system's own notation; only compared, never interpreted.
    started: str

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """The process that has this pid now; None if there is none, or only its zombie."""
        started = _start_time(pid)
        return cls(pid, started) if started else None

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return ProcessId.of(self.pid) == self


def _start_time(pid: int) -> str:
    if Path("/proc/self/stat").exists():
        return _start_time_of_linux(pid)
    shown = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout.strip()


def _start_time_of_linux(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    # proc(5): the name in brackets may hold anything, so count the fields after the last bracket.
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else f"{boot}:{fields[18]}"


def write_atomically(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Replaces the file in one step, so that a reader never sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def log_tail(log_file: Path, max_bytes: int = LOG_TAIL_BYTES) -> str:
    """The end of a log file, for an error message."""
    try:
        with log_file.open("rb") as file:
            file.seek(max(0, log_file.stat().st_size - max_bytes))
            return file.read().decode(errors="replace").strip()
    except FileNotFoundError:
        return ""


def end_orphan(pid_file: Path, *, wait_seconds: float = 20.0) -> ProcessId | None:
    """Ends the process that an earlier run left behind; a recycled pid is left alone.

    Returns the process it ended, if any. The pid file is gone afterwards.
    """
    orphan = _read_pid_file(pid_file)
    found = orphan if orphan is not None and orphan.alive else None
    if found is not None:
        end_process(found, signal.SIGTERM, wait_seconds)
    pid_file.unlink(missing_ok=True)
    return found


def _read_pid_file(pid_file: Path) -> ProcessId | None:
    try:
        content = json.loads(pid_file.read_text(encoding="utf-8"))
        return ProcessId(int(content["pid"]), str(content["started"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def end_process(process: ProcessId, first: signal.Signals, wait_seconds: float) -> None:
    """Sends `first`, waits, and sends SIGKILL to what is left."""
    for number in (first, signal.SIGKILL):
        if not process.alive:
            return
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return
        until(lambda: not process.alive, wait_seconds)


def until(condition: Callable[[], bool], wait_seconds: float, *, every: float = 0.02) -> bool:
    """Waits for the condition; False when the time is over and it still does not hold."""
    deadline = time.monotonic() + wait_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


class Spawner:
    """The one thread that starts children.

    Linux sends the parent-death signal when the *thread* that made the child ends (prctl(2)), so
    children must not be made by a thread that ends before the process does.
    """

    def __init__(self) -> None:
        self._orders: queue.Queue[tuple[Callable[[], Any], queue.Queue[Any]]] = queue.Queue()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def call(self, make: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        """Runs `make` in the thread; raises what it raises."""
        with self._start:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="spawner", daemon=True)
                self._thread.start()
        answer: queue.Queue[Any] = queue.Queue()
        self._orders.put((make, answer))
        result = answer.get()
        if isinstance(result, subprocess.Popen):
            return result
        raise result

    def _run(self) -> None:
        while True:
            make, answer = self._orders.get()
            try:
                answer.put(make())
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                answer.put(error)


_SPAWNER = Spawner()


class Child:
    """One child process with a log file and a pid file, in a session of its own.

    The session of its own keeps Ctrl-C in the terminal to ourselves: we decide the order of ending.
    `environment` replaces ours; None passes ours on. `death_signal` is what it gets when we end
    without stopping it; None: the same as from `stop`. With `whole_group`, signals go to the
    child's own children too.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log_file: Path,
        pid_file: Path | None = None,
        working_folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        stop_seconds: float = 20.0,
        death_signal: signal.Signals | None = None,
        whole_group: bool = False,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log_file = log_file
        self._pid_file = pid_file
        self._working_folder = working_folder
        self._environment = environment
        self._stop_signal = stop_signal
        self._stop_seconds = stop_seconds
        self._death_signal = death_signal or stop_signal
        self._whole_group = whole_group
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The pid of the running child; raises ConfigurationError when it was never started."""
        if self._process is None:
            raise ConfigurationError(f"{self.name} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the child was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How the child ended (negative: by that signal); None while it runs or before."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Starts the child; what an earlier run left behind is ended first."""
        if self.running:
            return
        if self._pid_file is not None:
            end_orphan(self._pid_file)
        self._process = _SPAWNER.call(self._popen)
        if self._pid_file is not None and (identity := ProcessId.of(self._process.pid)):
            write_atomically(self._pid_file, json.dumps(asdict(identity)))

    def _popen(self) -> subprocess.Popen[bytes]:
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_MAX_BYTES:
            self.log_file.replace(self.log_file.with_name(self.log_file.name + ".1"))
        wrapped = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid())]
        with self.log_file.open("ab") as log:
            return subprocess.Popen(
                [*wrapped, str(int(self._death_signal)), *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._working_folder,
                env=None if self._environment is None else dict(self._environment),
                start_new_session=True,
            )

    def wait_until(self, condition: Callable[[], bool], wait_seconds: float) -> None:
        """Waits for the condition; raises ChildEndedError when the child ends or takes too long."""
        until(lambda: not self.running or condition(), wait_seconds)
        if not self.running or not condition():
            raise ChildEndedError(self.name, self.exit_code, self.log_file)

    def stop(self) -> None:
        """Asks the child to end, waits, and ends it by SIGKILL if it does not."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._send(self._process, self._stop_signal)
            try:
                self._process.wait(self._stop_seconds)
            except subprocess.TimeoutExpired:
                self._send(self._process, signal.SIGKILL)
                self._process.wait()
        self._forget()

    def kill(self) -> None:
        """Ends the child at once, by SIGKILL."""
        if self._process is not None:
            self._send(self._process, signal.SIGKILL)
            self._process.wait()
            self._forget()

    def _send(self, process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        if self._whole_group and process.poll() is None:
            # The child leads a session, so its group has its pid.
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)

    def _forget(self) -> None:
        if self._pid_file is not None:
            self._pid_file.unlink(missing_ok=True)
