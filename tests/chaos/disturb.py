"""Kills, freezes and restarts what a running pipeline consists of, and keeps a log of it.

A process is killed only while its stage has enough mails in flight: all replicas of the stage are
frozen, what is in flight is measured, and then one is killed as it stands.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import psycopg
from kafka.errors import KafkaError

from postrail.records import Record
from postrail.stream.connection import client_options
from postrail.stream.topics import MAIL_FETCHED, MAIL_PARSED, OUTGOING_QUEUED, Topic, topic_name
from tests.chaos.plan import Plan, PlannedMail, message_id_of
from tests.processes.pipeline import DOMAIN, SERVICES, Offsets, Pipeline, Replica, letter

IN_FLIGHT_MIN = 50
# How many to wait for before a stage is let loose and killed in its work.
IN_FLIGHT_WANTED = 90
# Shorter than a session: a stage that is held back stays in its group.
HOLD_SECONDS = 3.0
# How long a stage is let go between two holds: long enough for a heartbeat, and for few mails.
PULSE_SECONDS = 0.03
IN_FLIGHT_FEW = 75
# How long it is then let loose.
LOOSE_SECONDS = (0.02, 0.3)
# What a stage gets that has run dry: a fast machine may finish a wave between two looks at it.
EXTRA_MAILS = 150
KILL_SECONDS = 120.0
BREATH_SECONDS = 0.4
# A zombie: frozen for longer than its session.
ZOMBIE_SECONDS_BEYOND_SESSION = 2.5
# How long the whole pipeline may stand still before a mail that is waited for counts as lost.
STILL_SECONDS = 60.0


class Server(Protocol):
    """A broker or a database of the test's own."""

    def kill(self) -> None:
        """Ends it by SIGKILL."""

    def start(self) -> None:
        """Starts it and waits until it answers."""


@dataclass(frozen=True, kw_only=True)
class Blow:
    """Something done to the pipeline."""

    at_seconds: float
    what: str
    whom: str
    in_flight: int | None = None

    def __str__(self) -> str:
        flying = "" if self.in_flight is None else f", {self.in_flight} in flight"
        return f"{self.at_seconds:6.1f} s  {self.what} {self.whom}{flying}"


class Gauges:
    """How many mails each stage has in flight."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._offsets: Offsets | None = None
        self.fed = 0

    def in_flight(self, service: str) -> int:
        """Mails that have reached a stage and not left it; -1 while that cannot be told."""
        measures: dict[str, Callable[[], int]] = {
            "fetcher": self._unfetched,
            "parser": self._unparsed,
            "handler": self._unhandled,
            "sender": self._unsent,
        }
        try:
            return measures[service]()
        except (psycopg.OperationalError, KafkaError, OSError):
            self.close()
            return -1

    def close(self) -> None:
        """Disconnects from the broker."""
        if self._offsets is not None:
            self._offsets.close()
        self._offsets = None

    def _broker(self) -> Offsets:
        if self._offsets is None:
            kafka = self._pipeline.settings.kafka
            self._offsets = Offsets(kafka.partitions, client_options(kafka))
        return self._offsets

    def _unfetched(self) -> int:
        rows: int = self._pipeline.value("SELECT count(*) FROM incoming_mail")
        return self.fed - rows

    def _unparsed(self) -> int:
        name = topic_name(MAIL_FETCHED, self._pipeline.settings.kafka)
        return self._broker().lag(name, self._pipeline.group("parser"))

    def _unhandled(self) -> int:
        due: int = self._pipeline.value(
            "SELECT count(*) FROM incoming_mail WHERE state IN ('new', 'working', 'waiting')"
        )
        return due + self._not_taken_in(MAIL_PARSED, "handler")

    def _unsent(self) -> int:
        due: int = self._pipeline.value(
            "SELECT count(*) FROM delivery WHERE state IN ('queued', 'sending', 'deferred')"
        )
        return due + self._not_taken_in(OUTGOING_QUEUED, "sender")

    def _not_taken_in(self, topic: Topic[Record], service: str) -> int:
        taken_in: int = self._pipeline.value(
            "SELECT coalesce(sum(next_offset), 0)::bigint FROM intake_offset"
            " WHERE consumer_group = %s",
            [service],
        )
        ends = self._broker().ends(topic_name(topic, self._pipeline.settings.kafka))
        return sum(ends.values()) - taken_in


class Chaos:
    """One run of a plan. What ends without being killed is started again, as a cluster would."""

    def __init__(self, pipeline: Pipeline, plan: Plan) -> None:
        self.pipeline = pipeline
        self.plan = plan
        self.gauges = Gauges(pipeline)
        pipeline.resources.callback(self.gauges.close)
        self.blows: list[Blow] = []
        self._random = random.Random(plan.seed)
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has gone on."""
        return time.monotonic() - self._started

    def kills(self, service: str) -> int:
        """How many processes of a service were killed."""
        return self._count("killed", service)

    def zombies(self, service: str) -> int:
        """How many processes of a service were frozen past their session."""
        return self._count("woke", service)

    def ended(self, service: str) -> int:
        """How many processes of a service ended by themselves."""
        return self._count("ended by itself", service)

    def _count(self, what: str, service: str) -> int:
        done = Counter((blow.what, blow.whom.rpartition("-")[0]) for blow in self.blows)
        return done[what, service]

    def _log(self, what: str, whom: str, in_flight: int | None = None) -> None:
        blow = Blow(at_seconds=self.seconds, what=what, whom=whom, in_flight=in_flight)
        self.blows.append(blow)

    def feed(self, wave: int) -> None:
        """Puts a wave's mails into their mailboxes; the fetchers are held, and left so."""
        written = {
            mailbox: [self._written(mail) for mail in mails]
            for mailbox, mails in self.plan.of_wave(wave).items()
        }
        self.hold("fetcher")
        for mailbox, mails in written.items():
            self.pipeline.dovecot.fill(mailbox, mails)
            self.gauges.fed += len(mails)

    def _written(self, mail: PlannedMail) -> bytes:
        subject, answered = mail.summary, message_id_of(mail.conversation, mail.answers)
        if mail.proof in ("key", "notification"):
            issue_key, notification = self._known(mail)
            answered = notification
            if mail.proof == "key":
                subject = f"More about {issue_key}"
        told = mail.proof in ("references", "notification")
        return letter(
            subject if mail.proof in ("new", "key") else f"Re: {subject}",
            sender=mail.author,
            to=f"{mail.mailbox}@{DOMAIN}",
            message_id=mail.message_id,
            in_reply_to=answered if told else None,
            references=[answered] if told else (),
            text=f"This is mail {mail.number}.\r\n",
        )

    def _known(self, mail: PlannedMail) -> tuple[str, str]:
        """The issue's key and the Message-ID of its first notification, which may be to come."""
        found: list[tuple[str, str]] = []

        def look() -> bool:
            rows = self.pipeline.rows(
                "SELECT issue.issue_key, outgoing_mail.message_id FROM issue"
                " JOIN outgoing_mail USING (issue_key) WHERE summary = %s"
                " ORDER BY sequence LIMIT 1",
                [mail.summary],
            )
            found.extend((key, message_id) for key, message_id in rows)
            return bool(found)

        self._wait_while_moving(look, f"the issue and notification of {mail.summary}")
        return found[0]

    def _wait_while_moving(self, condition: Callable[[], bool], what: str) -> None:
        """Waits for the condition; fails when the pipeline has stood still for too long.

        A busy machine may need any time; a mail that is lost, or a stage that is stuck, does not
        come however long one waits.
        """
        moved, at = self.pipeline.progress(), time.monotonic()
        while not self._holds(condition):
            if (now := self.pipeline.progress()) != moved:
                moved, at = now, time.monotonic()
            still = time.monotonic() - at
            assert still < STILL_SECONDS, f"stood still for {still:.0f} s: {what}; {self.state()}"
            self.breathe(0.05)

    def state(self) -> str:
        """What each stage has in flight, and what waits in the tables, for an error message."""
        flying = {service: self.gauges.in_flight(service) for service in SERVICES}
        return f"in flight {flying}; unfinished {self.pipeline.unfinished()}"

    def kill(self, service: str, number: int, in_flight: int) -> None:
        """Kills a replica and starts it again."""
        replica = self.pipeline.replica(service, number)
        replica.kill()
        self._log("killed", replica.name, in_flight)
        replica.start()

    def kill_within_work(self, service: str, number: int) -> None:
        """Kills a replica while its stage has at least `IN_FLIGHT_MIN` mails in flight."""
        stage = self.pipeline.replicas[service]
        deadline = time.monotonic() + KILL_SECONDS
        while True:
            self._gather(service, IN_FLIGHT_WANTED, deadline)
            self.release(service)
            self._let_work(service, self._random.uniform(*LOOSE_SECONDS))
            self.hold(service)
            in_flight = self.gauges.in_flight(service)
            if in_flight >= IN_FLIGHT_MIN and stage[number].running:
                self.kill(service, number, in_flight)
                self.release(service)
                return
            self.release(service)
            assert time.monotonic() < deadline, f"never enough in flight: {self.state()}"
            self.breathe(BREATH_SECONDS)

    def _gather(self, service: str, wanted: int, deadline: float) -> int:
        """Holds a stage until it has so many mails in flight; returns how many, as it stands."""
        while True:
            self.hold(service)
            self._try_until(lambda: self.gauges.in_flight(service) >= wanted)
            in_flight = self.gauges.in_flight(service)
            if in_flight >= wanted:
                return in_flight
            assert time.monotonic() < deadline, f"{service} never had {wanted}: {self.state()}"
            self.release(service)
            self.breathe(PULSE_SECONDS)
            if self._ran_dry(service):
                self.feed(self.plan.extra_wave(EXTRA_MAILS))
                self.release("fetcher")

    def _ran_dry(self, service: str) -> bool:
        """Whether nothing is on its way to a stage."""
        before = SERVICES[: SERVICES.index(service)]
        return all(self.gauges.in_flight(stage) == 0 for stage in before)

    def _let_work(self, service: str, seconds: float) -> None:
        """Lets so much time pass, or less when the mails in flight become few."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.gauges.in_flight(service) < IN_FLIGHT_FEW:
                return
            time.sleep(0.005)

    def hold(self, service: str) -> None:
        """Freezes all replicas of a stage, so that mails gather before it."""
        for replica in self.pipeline.replicas[service]:
            self._tend(replica)
            replica.freeze()

    def release(self, service: str) -> None:
        """Lets them go on."""
        for replica in self.pipeline.replicas[service]:
            replica.thaw()

    def freeze_within_work(self, service: str, number: int) -> float:
        """Freezes a replica while its stage has mails in flight; returns when."""
        in_flight = self._hold_until_busy(service)
        at = time.monotonic()
        for place, replica in enumerate(self.pipeline.replicas[service]):
            if place != number:
                replica.thaw()
        self._log("froze", self.pipeline.replica(service, number).name, in_flight)
        return at

    def _hold_until_busy(self, service: str) -> int:
        """Holds a stage when it has enough mails in flight; returns how many."""
        return self._gather(service, IN_FLIGHT_MIN, time.monotonic() + KILL_SECONDS)

    def wake(self, service: str, number: int, frozen_at: float) -> None:
        """Thaws a replica when its session has surely ended."""
        session = self.pipeline.settings.kafka.session_timeout_seconds
        frozen = self.pipeline.replica(service, number)
        left = frozen_at + session + ZOMBIE_SECONDS_BEYOND_SESSION - time.monotonic()
        # Not tended: it still runs, as far as anybody can see.
        time.sleep(max(0.0, left))
        frozen.thaw()
        self._log("woke", frozen.name)

    def restart(self, name: str, server: Server, service: str) -> None:
        """Kills a server while a stage has mails in flight, and starts it again."""
        in_flight = self._hold_until_busy(service)
        self.release(service)
        self._log("killing", name, in_flight)
        self.gauges.close()
        server.kill()
        self.breathe(1.0)
        server.start()
        self._log("restarted", name)

    def settle(self, seconds: float) -> bool:
        """Waits until nothing waits anywhere; False when it still does."""
        self.gauges.close()
        deadline = time.monotonic() + seconds
        while not self.pipeline.is_settled(self.gauges.fed):
            if time.monotonic() > deadline:
                return False
            self.breathe(0.2)
        return True

    def wait_until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Waits for the condition, and keeps the processes up meanwhile."""
        deadline = time.monotonic() + seconds
        while not self._holds(condition):
            assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
            self.breathe(0.05)

    def _try_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + HOLD_SECONDS
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.02)

    def _holds(self, condition: Callable[[], bool]) -> bool:
        try:
            return condition()
        except psycopg.OperationalError:
            return False

    def breathe(self, seconds: float) -> None:
        """Lets time pass, and starts again what has ended."""
        for group in self.pipeline.replicas.values():
            for replica in group:
                self._tend(replica)
        time.sleep(seconds)

    def _tend(self, replica: Replica) -> None:
        if not replica.running:
            self._log("ended by itself", replica.name, replica.exit_code)
            replica.start()
