"""Kills, freezes and restarts the parts of a running pipeline, and keeps a log of it.

A process is killed only while its stage has enough messages in flight: all replicas of the stage
are frozen, the messages in flight are counted, and one frozen replica is killed.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
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
# The number to wait for before a stage is released and killed at its work.
IN_FLIGHT_WANTED = 90
# Shorter than a session, so that a held stage stays in its consumer group.
HOLD_SECONDS = 3.0
# The pause between two holds: long enough for a heartbeat, and short enough for few messages.
PULSE_SECONDS = 0.03
IN_FLIGHT_FEW = 75
# The time for which a stage is then released.
LOOSE_SECONDS = (0.02, 0.3)
# Extra messages for a stage that has run dry: a fast machine may finish a wave between two polls.
EXTRA_MAILS = 150
KILL_SECONDS = 120.0
BREATH_SECONDS = 0.4
# A zombie is a process that was frozen for longer than its session.
ZOMBIE_SECONDS_BEYOND_SESSION = 2.5
# When the whole pipeline stands still for this time, an awaited message counts as lost.
STILL_SECONDS = 60.0


class Server(Protocol):
    """A broker or a database that belongs to the test."""

    def kill(self) -> None:
        """Kills it by SIGKILL."""

    def start(self) -> None:
        """Starts it and waits until it answers."""


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """A disturbance of the pipeline, as it was done."""

    at_seconds: float
    action: str
    target: str
    in_flight: int | None = None

    def __str__(self) -> str:
        flying = "" if self.in_flight is None else f", {self.in_flight} in flight"
        return f"{self.at_seconds:6.1f} s  {self.action} {self.target}{flying}"


class Gauges:
    """The number of messages that each stage has in flight."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._offsets: Offsets | None = None
        self.fed = 0

    def in_flight(self, service: str) -> int:
        """Counts the messages that entered a stage and have not left it; -1 while unknown."""
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
    """One run of a plan. Processes that end by themselves are started again, as a cluster would."""

    def __init__(self, pipeline: Pipeline, plan: Plan) -> None:
        self.pipeline = pipeline
        self.plan = plan
        self.gauges = Gauges(pipeline)
        pipeline.resources.callback(self.gauges.close)
        self.disturbances: list[Disturbance] = []
        self._random = random.Random(plan.seed)
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Returns how long the run has lasted."""
        return time.monotonic() - self._started

    def kills(self, service: str) -> int:
        """Returns how many processes of a service were killed."""
        return self._count("killed", service)

    def zombies(self, service: str) -> int:
        """Returns how many processes of a service were frozen past their session."""
        return self._count("thawed", service)

    def ended(self, service: str) -> int:
        """Returns how many processes of a service ended by themselves."""
        return self._count("ended by itself", service)

    def _count(self, action: str, service: str) -> int:
        counted = Counter((one.action, one.target.rpartition("-")[0]) for one in self.disturbances)
        return counted[action, service]

    def _log(self, action: str, target: str, in_flight: int | None = None) -> None:
        self.disturbances.append(
            Disturbance(at_seconds=self.seconds, action=action, target=target, in_flight=in_flight)
        )

    def feed(self, wave: int, bounces: Sequence[bytes] = ()) -> None:
        """Puts a wave's messages into their mailboxes; leaves the fetchers held."""
        written = {
            mailbox: [self._written(mail) for mail in mails]
            for mailbox, mails in self.plan.of_wave(wave).items()
        }
        self.hold("fetcher")
        written[self.plan.mailboxes[0]] = [*written.get(self.plan.mailboxes[0], ()), *bounces]
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
            # The colleague takes part in the conversation.
            to=f"{mail.mailbox}@{DOMAIN}, colleague{mail.conversation}@customer.test",
            message_id=mail.message_id,
            in_reply_to=answered if told else None,
            references=[answered] if told else (),
            text=f"This is mail {mail.number}.\r\n",
        )

    def _known(self, mail: PlannedMail) -> tuple[str, str]:
        """Waits for the issue's key and the Message-ID of its first notification."""
        found: list[tuple[str, str]] = []

        def is_known() -> bool:
            rows = self.pipeline.rows(
                "SELECT issue.issue_key, delivery.message_id FROM issue"
                " JOIN outgoing_mail USING (issue_key) JOIN delivery USING (outgoing_id)"
                " WHERE summary = %s ORDER BY outgoing_mail.sequence LIMIT 1",
                [mail.summary],
            )
            found.extend((key, message_id) for key, message_id in rows)
            return bool(found)

        self._wait_while_moving(is_known, f"the issue and notification of {mail.summary}")
        return found[0]

    def _wait_while_moving(self, condition: Callable[[], bool], what: str) -> None:
        """Waits for the condition; fails when the pipeline has stood still for `STILL_SECONDS`.

        The total time has no limit, as the machine may be busy; a lost message or a stuck stage
        shows in a pipeline that stands still.
        """
        moved, at = self.pipeline.progress(), time.monotonic()
        while not self._holds(condition):
            if (now := self.pipeline.progress()) != moved:
                moved, at = now, time.monotonic()
            still = time.monotonic() - at
            assert still < STILL_SECONDS, f"stood still for {still:.0f} s: {what}; {self.state()}"
            self.pause(0.05)

    def state(self) -> str:
        """Returns the messages in flight and the waiting rows, for an error message."""
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
            assert time.monotonic() < deadline, f"too few messages in flight: {self.state()}"
            self.pause(BREATH_SECONDS)

    def _gather(self, service: str, wanted: int, deadline: float) -> int:
        """Holds a stage until this number of messages is in flight; returns how many there are."""
        while True:
            self.hold(service)
            self._try_until(lambda: self.gauges.in_flight(service) >= wanted)
            in_flight = self.gauges.in_flight(service)
            if in_flight >= wanted:
                return in_flight
            assert time.monotonic() < deadline, (
                f"{service} never had {wanted} in flight: {self.state()}"
            )
            self.release(service)
            self.pause(PULSE_SECONDS)
            if self._ran_dry(service):
                self.feed(self.plan.extra_wave(EXTRA_MAILS))
                self.release("fetcher")

    def _ran_dry(self, service: str) -> bool:
        """Tells whether a stage has no more messages to come."""
        before = SERVICES[: SERVICES.index(service)]
        return all(self.gauges.in_flight(stage) == 0 for stage in before)

    def _let_work(self, service: str, seconds: float) -> None:
        """Waits for this time, or until few messages are in flight."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.gauges.in_flight(service) < IN_FLIGHT_FEW:
                return
            time.sleep(0.005)

    def hold(self, service: str) -> None:
        """Freezes all replicas of a stage, so that messages gather before it."""
        for replica in self.pipeline.replicas[service]:
            self._restart_if_ended(replica)
            replica.freeze()

    def release(self, service: str) -> None:
        """Thaws all replicas of a stage."""
        for replica in self.pipeline.replicas[service]:
            replica.thaw()

    def freeze_within_work(self, service: str, number: int) -> float:
        """Freezes a replica while its stage has messages in flight; returns when."""
        in_flight = self._hold_until_busy(service)
        at = time.monotonic()
        for place, replica in enumerate(self.pipeline.replicas[service]):
            if place != number:
                replica.thaw()
        self._log("froze", self.pipeline.replica(service, number).name, in_flight)
        return at

    def _hold_until_busy(self, service: str) -> int:
        """Holds a stage when it has enough messages in flight; returns how many."""
        return self._gather(service, IN_FLIGHT_MIN, time.monotonic() + KILL_SECONDS)

    def thaw(self, service: str, number: int, frozen_at: float) -> None:
        """Thaws a replica when its session has surely ended."""
        session = self.pipeline.settings.kafka.session_timeout_seconds
        frozen = self.pipeline.replica(service, number)
        left = frozen_at + session + ZOMBIE_SECONDS_BEYOND_SESSION - time.monotonic()
        # Not tended in the meantime: as far as the cluster can see, the process still runs.
        time.sleep(max(0.0, left))
        frozen.thaw()
        self._log("thawed", frozen.name)

    def restart(self, name: str, server: Server, service: str) -> None:
        """Kills a server while a stage has messages in flight, and starts it again."""
        in_flight = self._hold_until_busy(service)
        self.release(service)
        self._log("killing", name, in_flight)
        self.gauges.close()
        server.kill()
        self.pause(1.0)
        server.start()
        self._log("restarted", name)

    def settle(self, seconds: float) -> bool:
        """Waits until no message waits in any stage; returns False when the time is over."""
        self.gauges.close()
        deadline = time.monotonic() + seconds
        while not self.pipeline.is_settled(self.gauges.fed):
            if time.monotonic() > deadline:
                return False
            self.pause(0.2)
        return True

    def wait_until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Waits for the condition, and meanwhile starts again what has ended."""
        deadline = time.monotonic() + seconds
        while not self._holds(condition):
            assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
            self.pause(0.05)

    def _try_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + HOLD_SECONDS
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.02)

    def _holds(self, condition: Callable[[], bool]) -> bool:
        try:
            return condition()
        except psycopg.OperationalError:
            return False

    def pause(self, seconds: float) -> None:
        """Waits for this time, and starts again what has ended."""
        for group in self.pipeline.replicas.values():
            for replica in group:
                self._restart_if_ended(replica)
        time.sleep(seconds)

    def _restart_if_ended(self, replica: Replica) -> None:
        if not replica.running:
            self._log("ended by itself", replica.name, replica.exit_code)
            replica.start()
