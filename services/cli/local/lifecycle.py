"""Runs a local installation: its servers, services and demo, from the start to the stop."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import secrets as random
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.table import Table

from postrail import __version__, database
from postrail import instance as ownership
from postrail.clock import SystemClock
from postrail.embedded.endpoints import ENDPOINTS_FILE
from postrail.embedded.instance import Instance
from postrail.errors import ConfigurationError, TransientError
from postrail.secrets import Secrets
from postrail.settings import Settings, adopt, load_settings
from postrail.stream import topics
from postrail.tasks import until_one_ends
from services.cli.data_folder import DEFAULT_FOLDER
from services.cli.demo.mail_server import DemoMailServer
from services.cli.demo.messages import PEOPLE, SUPPORT
from services.cli.demo.story import DemoStory, configure, demo_table, disable_demo
from services.cli.installation import refuse_observer
from services.cli.local.activity_log import ActivityLog
from services.cli.local.children import LocalServices, addresses_before
from services.cli.local.display import Display
from services.cli.local.restart_plan import start_problem
from services.cli.local.supervisor import Supervisor

POLL_SECONDS = 0.5
# On two cores the start of five services takes up to 10 seconds, longer beside other work.
READY_SECONDS = 60.0
PICTURE_WIDTH = 110


@dataclass(frozen=True, kw_only=True)
class UpOptions:
    """The options of `postrail up`."""

    demo: bool
    exit_after_demo: bool
    picture: Path | None


class StopSignals:
    """SIGINT and SIGTERM: the first one stops everything in order, further ones are ignored."""

    def __init__(self) -> None:
        self._received = False
        self._wake: Callable[[], object] | None = None

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Handles the signals while the block runs."""
        before = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._received:
            return
        self._received = True
        if self._wake is None:
            # Interrupts a blocking call, such as the start of a server.
            raise KeyboardInterrupt
        self._wake()

    @contextlib.contextmanager
    def waking(self, wake: Callable[[], object]) -> Iterator[None]:
        """Lets a signal call `wake` while the block runs, instead of interrupting it."""
        self._wake = wake
        yield
        # The clean-up that follows must not be interrupted.
        self._wake = lambda: None


def run_installation(folder: Path, options: UpOptions) -> None:
    """Runs an installation until a signal, or until the end of the demo with that option."""
    signals, display = StopSignals(), Display()
    with signals.listening(), display:
        try:
            Installation(folder, options, signals, display).run()
        except KeyboardInterrupt:
            display.print("Stopped before everything was started.")
        except BrokenPipeError:
            raise
        except OSError as error:
            raise TransientError(
                start_problem(error), remedy=f"Check the disk of {folder}, then start it again"
            ) from error


class Installation:
    """One run of `postrail up`."""

    def __init__(
        self, folder: Path, options: UpOptions, signals: StopSignals, display: Display
    ) -> None:
        self._options = options
        self._signals = signals
        self._display = display
        self._clock = SystemClock()
        # The demo's mail server keeps nothing on disk, so each start has a new password.
        self._password = random.token_urlsafe(12)
        addresses = [SUPPORT, *(address for _, address in PEOPLE)]
        self._instance = Instance(
            folder,
            mail_server=options.demo,
            mail_users=dict.fromkeys(addresses, self._password),
            announce=self._announce,
        )
        self._started = time.monotonic()
        self._started_at = self._clock.now()

    @property
    def _folder(self) -> Path:
        return self._instance.folder

    def run(self) -> None:
        """Starts the servers and services, waits for the end, and stops them."""
        self._display.print(f"Postrail {__version__}, data in {self._folder}", "bold")
        before = addresses_before(self._folder)
        with self._instance as instance:
            settings = self._prepare()
            services = LocalServices(self._folder, before, self._announce)
            try:
                asyncio.run(self._serve(settings, services))
            finally:
                self._display.status("Stopping")
                services.stop()
        self._display.print(f"Stopped. The data are kept in {instance.folder}")

    def _announce(self, line: str) -> None:
        self._display.status(line)
        self._display.print(line, "dim")

    def _prepare(self) -> Settings:
        """Creates tables and topics on the running servers; returns the settings that name them."""
        adopt(self._instance.endpoints.environment())
        if self._options.demo:
            # Its messages follow each other at once, and each shows what it causes.
            adopt({"POSTRAIL_NOTIFICATIONS__BUNDLE_SECONDS": "0"})
        settings = load_settings()
        url = settings.database.url.get_secret_value()
        if applied := asyncio.run(database.migrate(url)):
            self._announce(f"PostgreSQL: {len(applied)} migrations applied")
        asyncio.run(self._claim_database(settings))
        applied_topics = topics.apply_topics(settings.kafka)
        if made := applied_topics.created:
            self._announce(f"Kafka: {len(made)} topics created")
        if altered := applied_topics.altered:
            self._announce(f"Kafka: {len(altered)} topics altered")
        return settings

    async def _claim_database(self, settings: Settings) -> None:
        """Claims the database for this instance; only warns when it belongs to another one.

        The servers keep running, as the other database can only be adopted then.
        """
        if settings.observer:
            self._display.print(
                "This is an observer: nothing is fetched, handled or sent.", "yellow"
            )
            return
        async with database.one_connection(settings.database) as connection:
            await ownership.claim(connection, settings.instance, self._clock.now())
            found = await ownership.owner(connection)
        try:
            ownership.require_same(found, settings.instance)
        except ConfigurationError as error:
            self._display.print(f"Nothing is fetched, handled or sent: {error}", "red")

    async def _serve(self, settings: Settings, services: LocalServices) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        with self._signals.waking(lambda: loop.call_soon_threadsafe(stop.set)):
            await until_one_ends(self._work(settings, services), stop.wait())

    async def _work(self, settings: Settings, services: LocalServices) -> None:
        pool = await database.open_pool(settings.database)
        try:
            if self._options.demo:
                refuse_observer(settings)
                secrets, endpoints = Secrets(settings.secrets), self._instance.endpoints
                await configure(pool, secrets, endpoints, self._password, self._clock.now())
            elif not settings.observer and await disable_demo(pool, self._clock.now()):
                self._announce("The demo's mailbox is disabled; postrail up --demo enables it")
            supervisor = Supervisor(self._instance, services, self._announce)
            supervisor.start()
            await until_one_ends(self._live(pool, services), supervisor.run())
        finally:
            await pool.close()

    async def _live(self, pool: database.Pool, services: LocalServices) -> None:
        await self._wait_until_ready(services)
        seconds = time.monotonic() - self._started
        self._display.print(f"Started in {seconds:.0f} s.", "bold")
        if self._options.demo:
            await self._show_demo(pool)
        self._print_next_steps()
        if not self._options.exit_after_demo:
            await ActivityLog(pool, self._display, services, self._clock).follow()

    async def _wait_until_ready(self, services: LocalServices) -> None:
        """Waits until all services are ready; prints their problems after a time limit."""
        deadline = time.monotonic() + READY_SECONDS
        while problems := await asyncio.to_thread(services.problems):
            waiting = ", ".join(sorted(problems))
            self._display.status(f"Waiting for {waiting}")
            if time.monotonic() > deadline:
                for name, problem in sorted(problems.items()):
                    self._display.print(f"{name} is not ready: {problem}", "yellow")
                return
            await asyncio.sleep(POLL_SECONDS / 2)

    async def _show_demo(self, pool: database.Pool) -> None:
        self._display.status("Sending sample messages")
        server = DemoMailServer(self._instance.endpoints, self._password, self._clock)
        try:
            results = await DemoStory(pool, server, self._clock, self._started_at).run()
        except TransientError as error:
            if self._options.exit_after_demo:
                raise
            # The installation keeps running, so that its tables and logs can be inspected.
            self._display.print(str(error), "red")
            return
        finally:
            await server.close()
        table = demo_table(results)
        self._display.show(table)
        if self._options.picture:
            save_picture(table, self._options.picture)
            self._display.print(f"Saved the table as a picture: {self._options.picture}")

    def _print_next_steps(self) -> None:
        command, option = own_command(), self._data_option()
        if self._options.demo:
            self._print_mail_access(command, option)
        else:
            self._print_step(
                "Set it up:", f"{command} init, fill in postrail.yaml, {command} apply{option}"
            )
        title = "Inspect it:"
        for arguments in ("status", "issues list", "mail list", "doctor"):
            self._print_step(title, f"{command} {arguments}{option}")
            title = ""
        self._print_step(
            "Data and logs:", f"{self._folder}; its {ENDPOINTS_FILE} has the addresses"
        )
        if not self._options.exit_after_demo:
            self._display.print("Ctrl-C stops everything; the next start finds all data.")

    def _print_mail_access(self, command: str, option: str) -> None:
        endpoints = self._instance.endpoints
        smtp = f"{endpoints.smtp_host}:{endpoints.smtp_port}"
        imap = f"{endpoints.imap_host}:{endpoints.imap_port}"
        send = f'{command} demo send "No coffee" "The machine is broken."{option}'
        self._print_step("Send a message:", send)
        self._print_step("", f"or by SMTP to {smtp}, {SUPPORT}")
        self._print_step(
            "Read mail:",
            f"IMAP at {imap}, without encryption, as {PEOPLE[0][1]}, password {self._password}",
        )

    def _print_step(self, title: str, text: str) -> None:
        self._display.print(f"{title:<15} {text}")

    def _data_option(self) -> str:
        """Returns the option by which commands find this folder; blank for the default folder."""
        if self._folder == DEFAULT_FOLDER.resolve():
            return ""
        return f" --data {shlex.quote(str(self._folder))}"


def own_command() -> str:
    """Returns how to call this command from here: its name, or its path if the PATH lacks it."""
    called = Path(sys.argv[0])
    found = shutil.which("postrail")
    if called.name != "postrail" or (found and Path(found).samefile(called)):
        return "postrail"
    # Links of a virtual environment are not resolved.
    called = Path(os.path.abspath(called))  # noqa: PTH100
    here = Path.cwd()
    return shlex.quote(str(called.relative_to(here) if called.is_relative_to(here) else called))


def save_picture(table: Table, file: Path) -> None:
    """Writes a table as SVG, as a terminal shows it."""
    page = Console(record=True, width=PICTURE_WIDTH, file=io.StringIO())
    page.print(table)
    svg = page.export_svg(title="postrail up --demo")
    # Opening the picture should not fetch fonts from the network.
    file.write_text(re.sub(r"@font-face\s*{[^}]*}\s*", "", svg), encoding="utf-8")
