"""The demo of `postrail up --demo`: its configuration, its messages, and their outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import yaml
from rich.table import Table
from rich.text import Text

from postrail.clock import Clock
from postrail.configuration import load, store
from postrail.configuration.apply import apply_entries
from postrail.configuration.configured import Configured
from postrail.configuration.models.limit import DESCRIPTIONS, LIMIT, Limit, LimitName
from postrail.configuration.yaml_read import parse_file
from postrail.database import Pool, transaction
from postrail.embedded.endpoints import Endpoints
from postrail.errors import TransientError
from postrail.secrets import Secrets
from postrail.views.activity import HandledMail, Notified, handled_with, notified_of, watched_since
from services.cli.demo.mail_server import DemoMailServer, Matches
from services.cli.demo.messages import (
    BO,
    CLEO,
    EVE,
    PROJECT,
    SUPPORT,
    Sample,
    first_messages,
    later_messages,
)

AUTHOR = "postrail up --demo"
MAILBOX = "demo"
# As many automatic answers may go to one of the demo's people in ten minutes; usually it is one.
ANSWERS = 19
DEFAULT_ANSWERS = {"value": DESCRIPTIONS[LimitName.ADDRESS_ANSWERS].value}
OFF = {"enabled": False, "is_default": False}
# A first start on a busy machine is slow.
WAIT_SECONDS = 180.0
POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class SampleResult:
    """A sample message with its outcome and its notifications."""

    sample: Sample
    sent_at: datetime
    handled: HandledMail
    notified: tuple[Notified, ...]


def configuration(endpoints: Endpoints, password: str) -> str:
    """Returns the demo's `postrail.yaml`."""
    return yaml.safe_dump(
        {
            "connections": [
                {
                    "name": "demo",
                    "host": endpoints.smtp_host,
                    "port": endpoints.smtp_port,
                    "encryption": "none",
                    "from_address": SUPPORT,
                    "from_name": "Demo desk",
                }
            ],
            "projects": [
                {
                    "key": PROJECT,
                    "name": "Demo desk",
                    "issue_types": ["Request"],
                    "connection": "demo",
                    # Of an agent, a key alone would need the proof of a mail server.
                    "known_people": "outsider",
                }
            ],
            "accounts": [
                {
                    "name": MAILBOX,
                    "description": "The mailbox of postrail up --demo",
                    "host": endpoints.imap_host,
                    "port": endpoints.imap_port,
                    "encryption": "none",
                    "username": SUPPORT,
                    "password": password,
                    "address": SUPPORT,
                    "project": PROJECT,
                    "poll_seconds": 5,
                }
            ],
            "people": [{"address": EVE[1], "name": EVE[0]}],
            # Who starts the demo again soon sees its confirmations again.
            "limits": [{"name": LimitName.ADDRESS_ANSWERS.value, "value": ANSWERS}],
        },
        sort_keys=False,
    )


async def configure(
    pool: Pool, secrets: Secrets, endpoints: Endpoints, password: str, now: datetime
) -> None:
    """Writes the demo's configuration, as `postrail apply` would."""
    entries = parse_file(configuration(endpoints, password), "the demo")
    async with transaction(pool) as connection:
        await apply_entries(connection, entries, secrets, file="the demo", author=AUTHOR, now=now)


async def disable_demo(pool: Pool, now: datetime) -> bool:
    """Disables the demo's account and connection; returns whether they were enabled.

    Without their server the fetcher would keep trying, and other projects would send through it.
    """
    async with transaction(pool) as connection:
        await store.lock_configuration(connection)
        accounts = await load.mail_accounts(connection)
        connections = await load.outgoing_connections(connection)
        limits = await store.read(connection, LIMIT)
        demos: list[tuple[Configured, Mapping[str, int]]] = [
            *((one, {"enabled": False}) for one in accounts if one.address == SUPPORT),
            *((one, OFF) for one in connections if one.from_address == SUPPORT),
            *((one, DEFAULT_ANSWERS) for one in limits if _of_the_demo(one)),
        ]
        changed = [
            (thing, thing.model_copy(update=values))
            for thing, values in demos
            if thing.model_copy(update=values) != thing
        ]
        for before, after in changed:
            await store.save(connection, after, before=before, author=AUTHOR, now=now)
    return bool(changed)


def _of_the_demo(limit: Limit) -> bool:
    return (limit.name, limit.value) == (LimitName.ADDRESS_ANSWERS, ANSWERS)


class DemoStory:
    """Sends the sample messages, and waits for the outcome of each."""

    def __init__(self, pool: Pool, server: DemoMailServer, clock: Clock, since: datetime) -> None:
        """Takes as `since` the time when the servers were started."""
        self._since = since
        self._pool = pool
        self._server = server
        self._clock = clock
        self._sent: list[tuple[Sample, datetime]] = []

    async def run(self) -> list[SampleResult]:
        """Returns the results of all sample messages; raises TransientError after a time limit.

        The later messages answer notifications, so those must have arrived.
        """
        await self._watched()
        await self._send(first_messages(self._clock.now()))
        first = await self._all_handled()
        printer, meter, password, _ = (first[sample.message_id] for sample, _ in self._sent)
        to_bo = await self._server.wait_for(BO[1], _about(meter.issue_key), WAIT_SECONDS)
        to_cleo = await self._server.wait_for(CLEO[1], _about(password.issue_key), WAIT_SECONDS)
        now = self._clock.now()
        await self._send(
            later_messages(now, to_bo=to_bo, to_cleo=to_cleo, printer_key=printer.issue_key)
        )
        return await self._results(await self._all_handled())

    async def _watched(self) -> None:
        """Waits until the fetcher has opened the mailbox, so that its start is not measured."""
        deadline = self._deadline()
        while True:
            async with transaction(self._pool) as connection:
                if await watched_since(connection, MAILBOX, self._since):
                    return
            await self._wait(
                deadline,
                f"the fetcher has not opened the mailbox {MAILBOX!r}",
            )

    async def _send(self, samples: Iterable[Sample]) -> None:
        for sample in samples:
            sent_at = await self._server.send(sample.message, sample.sender)
            self._sent.append((sample, sent_at))

    async def _all_handled(self) -> dict[str, HandledMail]:
        """Returns the outcomes of all messages sent, by Message-ID."""
        ids = [sample.message_id for sample, _ in self._sent]
        deadline = self._deadline()
        while True:
            async with transaction(self._pool) as connection:
                handled = {mail.message_id: mail for mail in await handled_with(connection, ids)}
            if len(handled) == len(ids):
                return handled
            await self._wait(
                deadline, f"{len(ids) - len(handled)} of {len(ids)} messages have no outcome"
            )

    async def _results(self, handled: dict[str, HandledMail]) -> list[SampleResult]:
        """Waits until all notifications have ended, and returns the results."""
        deadline = self._deadline()
        while True:
            async with transaction(self._pool) as connection:
                keys = sorted({mail.issue_key for mail in handled.values()})
                notified = await notified_of(connection, keys)
            results = [
                _result(sample, sent_at, handled[sample.message_id], notified)
                for sample, sent_at in self._sent
            ]
            if missing := [address for one in results for address in _not_notified(one)]:
                await self._wait(deadline, f"notifications to {', '.join(missing)} are not sent")
            else:
                return results

    def _deadline(self) -> datetime:
        return self._clock.now() + timedelta(seconds=WAIT_SECONDS)

    async def _wait(self, deadline: datetime, problem: str) -> None:
        if self._clock.now() > deadline:
            raise TransientError(
                f"after {WAIT_SECONDS:.0f} s {problem}",
                remedy="See postrail status and the services' logs",
            )
        await self._clock.sleep(POLL_SECONDS)


def demo_table(results: Sequence[SampleResult]) -> Table:
    """Returns a table of the messages with outcome, issue, notifications and their times."""
    table = Table(title="From the mail server to issues, comments and notifications")
    table.add_column("message")
    table.add_column("outcome", no_wrap=True)
    table.add_column("issue", no_wrap=True, style="bold")
    table.add_column("ms", justify="right", no_wrap=True)
    table.add_column("notification", no_wrap=True)
    table.add_column("ms", justify="right", no_wrap=True)
    for one in results:
        style = "green" if one.handled.outcome == "issue" else "cyan"
        # A narrow terminal cuts the subjects only.
        message = Text(one.sample.subject, no_wrap=True, overflow="ellipsis")
        message.append(f"\n{_name(one.sample.sender)}: {one.sample.shows}", "dim")
        table.add_row(
            message,
            Text(one.handled.outcome, style),
            Text(one.handled.issue_key),
            _milliseconds(one.sent_at, one.handled.handled_at),
            "\n".join(f"{_name(sent.recipient)} {sent.state}" for sent in one.notified) or "nobody",
            "\n".join(_milliseconds(one.sent_at, sent.changed_at) for sent in one.notified),
        )
    table.caption = "ms: from acceptance by the mail server to the outcome, and to the delivery"
    return table


def _result(
    sample: Sample, sent_at: datetime, handled: HandledMail, notified: Iterable[Notified]
) -> SampleResult:
    cause = f"mail {handled.mail_id} revision {handled.revision}"
    mine = tuple(one for one in notified if one.cause == cause)
    return SampleResult(sample=sample, sent_at=sent_at, handled=handled, notified=mine)


def _not_notified(result: SampleResult) -> list[str]:
    ended = {one.recipient for one in result.notified if one.state in ("sent", "failed")}
    return [address for address in result.sample.notified if address not in ended]


def _milliseconds(start: datetime, end: datetime) -> str:
    return f"{(end - start).total_seconds() * 1000:.0f}"


def _name(address: str) -> str:
    return address.partition("@")[0]


def _about(issue_key: str) -> Matches:
    """Returns a test for notifications about this issue."""
    return lambda message: f"[{issue_key}]" in str(message["Subject"])
