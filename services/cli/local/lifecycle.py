"""The life of a local installation: servers, tables, topics, services, the demo, and the end."""

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

from postrail import __version__, database
from postrail import instance as ownership
from postrail.clock import SystemClock
from postrail.embedded.endpoints import ENDPOINTS_FILE
from postrail.embedded.instance import Instance
from postrail.errors import ConfigurationError, PipelineError, TransientError
from postrail.secrets import Secrets
from postrail.settings import Settings, adopt, load_settings
from postrail.stream import topics
from postrail.tasks import end_tasks
from services.cli.demo.mail_server import DemoPost
from services.cli.demo.mails import PEOPLE, SUPPORT
from services.cli.demo.story import DemoStory, configure, demo_table, turn_off
from services.cli.installation import DEFAULT_FOLDER, refuse_observer
from services.cli.local.activity_log import ActivityLog
from services.cli.local.children import LocalServices, addresses_before
from services.cli.local.screen import Screen

LOOK_SECONDS = 0.5
# Two cores need some seconds to start five services.
READY_SECONDS = 60.0
PICTURE_WIDTH = 110


@dataclass(frozen=True, kw_only=True)
class UpOptions:
    """What `postrail up` was asked for."""

    demo: bool
    exit_after_demo: bool
    picture: Path | None


class StopSignals:
    """SIGINT and SIGTERM: the first one ends everything in order, further ones are ignored."""

    def __init__(self) -> None:
        self._asked = False
        self._wake: Callable[[], object] | None = None

    @contextlib.contextmanager
    def by_signals(self) -> Iterator[None]:
        """Listens to the signals while the block runs."""
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
        if self._asked:
            return
        self._asked = True
        if self._wake is None:
            # Whatever blocks now, such as the start of a server, is broken off.
            raise KeyboardInterrupt
        self._wake()

    @contextlib.contextmanager
    def waking(self, wake: Callable[[], object]) -> Iterator[None]:
        """While the block runs, a signal calls `wake` instead of breaking off what runs."""
        self._wake = wake
        yield
        # What follows puts things away; nothing may break that off.
        self._wake = lambda: None


def run_installation(folder: Path, wishes: UpOptions) -> None:
    """Runs it until a signal, or the end of the demo if that was asked for."""
    ending, screen = StopSignals(), Screen()
    with ending.by_signals(), screen:
        try:
            Installation(folder, wishes, ending, screen).run()
        except KeyboardInterrupt:
            screen.say("Stopped before everything was started.")


class Installation:
    """One run of `postrail up`."""

    def __init__(
        self, folder: Path, wishes: UpOptions, ending: StopSignals, screen: Screen
    ) -> None:
        self._wishes = wishes
        self._ending = ending
        self._screen = screen
        self._clock = SystemClock()
        # The demo's mail server forgets everything when it ends, also its passwords.
        self._password = random.token_urlsafe(12)
        addresses = [SUPPORT, *(address for _, address in PEOPLE)]
        self._instance = Instance(
            folder,
            mail_server=wishes.demo,
            mail_users=dict.fromkeys(addresses, self._password),
            announce=self._announce,
        )
        self._started = time.monotonic()
        self._started_at = self._clock.now()

    @property
    def _folder(self) -> Path:
        return self._instance.folder

    def run(self) -> None:
        """From the first server's start to the last one's end."""
        self._screen.say(f"Postrail {__version__}, data in {self._folder}", "bold")
        before = addresses_before(self._folder)
        with self._instance as instance:
            settings = self._prepare()
            services = LocalServices(self._folder, before, self._announce)
            try:
                asyncio.run(self._serve(settings, services))
            finally:
                self._screen.status("Stopping")
                services.stop()
        self._screen.say(f"Stopped. The data stay in {instance.folder}")

    def _announce(self, line: str) -> None:
        self._screen.status(line)
        self._screen.say(line, "dim")

    def _prepare(self) -> Settings:
        """Settings, tables and topics of the servers that run now."""
        adopt(self._instance.endpoints.environment())
        settings = load_settings()
        url = settings.database.url.get_secret_value()
        if applied := asyncio.run(database.migrate(url)):
            self._announce(f"PostgreSQL: {len(applied)} migrations applied")
        asyncio.run(self._take_possession(settings))
        if made := topics.apply_topics(settings.kafka):
            self._announce(f"Kafka: {len(made)} topics made")
        return settings

    async def _take_possession(self, settings: Settings) -> None:
        """Marks the database as ours; another's can only be adopted while its server runs."""
        if settings.observer:
            self._screen.say("An observer: nothing is fetched, handled or sent.", "yellow")
            return
        async with database.one_connection(settings.database) as connection:
            await ownership.claim(connection, settings.instance, self._clock.now())
            found = await ownership.owner(connection)
        try:
            ownership.require_same(found, settings.instance)
        except ConfigurationError as error:
            self._screen.say(f"Nothing is fetched, handled or sent: {error}", "red")

    async def _serve(self, settings: Settings, services: LocalServices) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        with self._ending.waking(lambda: loop.call_soon_threadsafe(stop.set)):
            working = asyncio.create_task(self._work(settings, services))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            await end_tasks((working, stopping))
            if not working.cancelled():
                working.result()

    async def _work(self, settings: Settings, services: LocalServices) -> None:
        pool = await database.open_pool(settings.database)
        try:
            if self._wishes.demo:
                refuse_observer(settings)
                secrets, endpoints = Secrets(settings.secrets), self._instance.endpoints
                await configure(pool, secrets, endpoints, self._password, self._clock.now())
            elif not settings.observer and await turn_off(pool, self._clock.now()):
                self._announce("The mailbox of the demo is off; postrail up --demo turns it on")
            services.start()
            self._instance.publish_services(services.addresses)
            supervising = asyncio.create_task(self._supervise(services))
            try:
                await self._live(pool, services)
            finally:
                await end_tasks([supervising])
        finally:
            await pool.close()

    async def _live(self, pool: database.Pool, services: LocalServices) -> None:
        await self._wait_until_ready(services)
        seconds = time.monotonic() - self._started
        self._screen.say(f"Everything runs, after {seconds:.0f} s.", "bold")
        if self._wishes.demo:
            await self._show_demo(pool)
        self._say_how_to_go_on()
        if not self._wishes.exit_after_demo:
            await ActivityLog(pool, self._screen, services, self._clock).follow()

    async def _supervise(self, services: LocalServices) -> None:
        """Starts again what ends by itself: services, and the servers below them."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if services.look():
                self._instance.publish_services(services.addresses)
            if name := self._instance.ended_part():
                await self._restart(name)

    async def _restart(self, name: str) -> None:
        instance = self._instance
        servers = (instance.kafka, instance.postgres, instance.greenmail)
        (server,) = (server for server in servers if server is not None and server.name == name)
        self._announce(f"{name}: ended, starting it again")
        try:
            await asyncio.to_thread(server.start)
        except PipelineError as error:
            self._announce(f"{name}: {error}")
        else:
            self._announce(f"{name}: runs again")

    async def _wait_until_ready(self, services: LocalServices) -> None:
        """Until all services are ready, or it takes so long that somebody should look."""
        deadline = time.monotonic() + READY_SECONDS
        while problems := await asyncio.to_thread(services.problems):
            waiting = ", ".join(sorted(problems))
            self._screen.status(f"Waiting for {waiting}")
            if time.monotonic() > deadline:
                for name, problem in sorted(problems.items()):
                    self._screen.say(f"{name} is not ready: {problem}", "yellow")
                return
            await asyncio.sleep(LOOK_SECONDS / 2)

    async def _show_demo(self, pool: database.Pool) -> None:
        self._screen.status("Sending sample mails")
        post = DemoPost(self._instance.endpoints, self._password, self._clock)
        try:
            told = await DemoStory(pool, post, self._clock, self._started_at).run()
        except TransientError as error:
            if self._wishes.exit_after_demo:
                raise
            # What runs can be looked into.
            self._screen.say(str(error), "red")
            return
        finally:
            await post.close()
        table = demo_table(told)
        self._screen.show(table)
        if self._wishes.picture:
            save_picture(table, self._wishes.picture)
            self._screen.say(f"The table as a picture: {self._wishes.picture}")

    def _say_how_to_go_on(self) -> None:
        command, option = own_command(), self._data_option()
        if self._wishes.demo:
            self._say_how_to_mail(command, option)
        else:
            self._screen.say(
                f"Connect it:    {command} init, fill in postrail.yaml, {command} apply{option}"
            )
        title = "Look further:"
        for look in ("status", "issues list", "mails list", "doctor"):
            self._screen.say(f"{title:<14} {command} {look}{option}")
            title = ""
        self._screen.say(f"Data and logs: {self._folder}, addresses in its {ENDPOINTS_FILE}")
        if not self._wishes.exit_after_demo:
            self._screen.say("Ctrl-C ends everything; the next start finds all data.")

    def _say_how_to_mail(self, command: str, option: str) -> None:
        endpoints = self._instance.endpoints
        smtp = f"{endpoints.smtp_host}:{endpoints.smtp_port}"
        imap = f"{endpoints.imap_host}:{endpoints.imap_port}"
        self._screen.say(
            f'Send a mail:   {command} demo send "No coffee" "The machine is broken."{option}'
        )
        self._screen.say(f"               or by SMTP to {smtp}, {SUPPORT}")
        self._screen.say(
            f"Read mail:     IMAP at {imap}, without encryption, as {PEOPLE[0][1]},"
            f" password {self._password}"
        )

    def _data_option(self) -> str:
        """What commands need to find this folder from here; nothing where they look by default."""
        if self._folder == DEFAULT_FOLDER.resolve():
            return ""
        return f" --data {shlex.quote(str(self._folder))}"


def own_command() -> str:
    """How this command is called from here: its name, or its path where the name is not found."""
    called = Path(sys.argv[0])
    found = shutil.which("postrail")
    if called.name != "postrail" or (found and Path(found).samefile(called)):
        return "postrail"
    # Not the file that a link in a virtual environment leads to.
    called = Path(os.path.abspath(called))  # noqa: PTH100
    here = Path.cwd()
    return shlex.quote(str(called.relative_to(here) if called.is_relative_to(here) else called))


def save_picture(table: object, file: Path) -> None:
    """Writes a table as SVG, as a terminal shows it."""
    from rich.console import Console

    page = Console(record=True, width=PICTURE_WIDTH, file=io.StringIO())
    page.print(table)
    svg = page.export_svg(title="postrail up --demo")
    # A picture should not fetch fonts from the network of whoever looks at it.
    file.write_text(re.sub(r"@font-face\s*{[^}]*}\s*", "", svg), encoding="utf-8")
