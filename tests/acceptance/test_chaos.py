"""Everything is killed, in the middle of its work, and every mail has exactly one effect.

POSTRAIL_CHAOS_SEED chooses another plan; the figures and the log of kills are printed.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from postrail.database import migrate
from postrail.embedded.kafka import Kafka
from postrail.embedded.postgres import Postgres
from postrail.stream.topics import MAIL_DEAD
from tests.chaos import rules
from tests.chaos.bounces import Bounces
from tests.chaos.disturb import IN_FLIGHT_MIN, Chaos
from tests.chaos.plan import Plan
from tests.makers.settings import environment_of
from tests.processes.faulty.slow_parser import IN_FLIGHT
from tests.processes.pipeline import SERVICES, Inbox, Pipeline, Replica
from tests.servers.dovecot import Dovecot

pytestmark = [pytest.mark.debian, pytest.mark.timeout(540)]

SEED = int(os.environ.get("POSTRAIL_CHAOS_SEED", "1"))
KILLS = 5
# How many bounces come with a wave.
BOUNCES = 10
SETTLE_SECONDS = 150.0
# How long a run without a guard is given to show that mails never come.
GIVE_UP_SECONDS = 20.0
CHAOS_SETTINGS = {
    "POSTRAIL_KAFKA__PARTITIONS": "8",
    # Small steps, so that a stage can be met in the middle of a wave.
    "POSTRAIL_FETCHER__BATCH_MAX_MAILS": "4",
    "POSTRAIL_FETCHER__THREADS": "2",
    # One mail at a time, so that a kill leaves at most one in doubt.
    "POSTRAIL_SENDER__CONNECTIONS": "1",
    "POSTRAIL_SENDER__CLAIM_SECONDS": "8",
    # A kill between the final dot and the reply counts as an attempt of unknown outcome.
    "POSTRAIL_SENDER__UNKNOWN_PAUSE_SECONDS": "1",
    "POSTRAIL_SENDER__RETRY_PAUSES_SECONDS": "[1, 2, 5]",
}


@pytest.fixture
def pipeline(
    own_folder: Path, own_broker: Kafka, own_postgres: Postgres, dovecot: Dovecot
) -> Iterator[Pipeline]:
    asyncio.run(migrate(own_postgres.url))
    environment = environment_of(
        own_folder,
        bootstrap_servers=own_broker.bootstrap_servers,
        database_url=own_postgres.url,
        prefix="chaos.",
    )
    with Pipeline(own_folder, {**environment, **CHAOS_SETTINGS}, dovecot) as pipeline:
        yield pipeline
        pipeline.show_logs()


def test_no_mail_is_lost_or_takes_effect_twice_whatever_is_killed(
    pipeline: Pipeline,
    own_broker: Kafka,
    own_postgres: Postgres,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan = Plan(seed=SEED, mails=2000, mailboxes=20, waves=8)
    plan.watchers = rules.watchers
    configure(pipeline, plan)
    pipeline.start(replicas=2)
    chaos, bounces = Chaos(pipeline, plan), Bounces(pipeline, plan)
    kill_one_of_each(chaos, 0)
    kill_one_of_each(chaos, 1)
    chaos.feed(2)
    chaos.release("fetcher")
    chaos.restart("the broker", own_broker, "handler")
    kill_one_of_each(chaos, 3, bounces.letters(BOUNCES))
    make_zombies(chaos, 4)
    kill_one_of_each(chaos, 5, bounces.letters(BOUNCES))
    chaos.feed(6, bounces.letters(BOUNCES))
    chaos.release("fetcher")
    chaos.restart("PostgreSQL", own_postgres, "handler")
    kill_one_of_each(chaos, 7)
    settled = chaos.settle(SETTLE_SECONDS)
    with capsys.disabled():
        print_figures(chaos)
    assert settled, f"unfinished: {pipeline.unfinished()}"
    assert faults(chaos) == []
    assert list(rules.rule_faults(pipeline, plan)) == []
    assert list(bounces.faults()) == []
    for service in SERVICES:
        assert chaos.kills(service) >= KILLS
        assert chaos.zombies(service) == 1
    assert min(one.in_flight or 0 for one in chaos.disturbances if one.action == "killed") >= (
        IN_FLIGHT_MIN
    )
    allowed = chaos.kills("sender") + chaos.zombies("sender") + chaos.ended("sender")
    assert copies(pipeline) <= allowed


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "commits before the work"])
def test_the_same_checks_see_a_parser_that_commits_before_its_work(
    pipeline: Pipeline, guarded: bool
) -> None:
    # Few waves: no mail needs to know an issue, which might be one that was lost.
    plan = Plan(seed=SEED, mails=300, mailboxes=6, waves=2)
    pipeline.configure(Inbox(name=name) for name in plan.mailboxes)
    pipeline.start(["fetcher", "handler", "sender"])
    guard = "guarded" if guarded else "unguarded"
    pipeline.start_as("parser", ["-m", "tests.processes.faulty.slow_parser", guard])
    chaos = Chaos(pipeline, plan)
    parser = pipeline.replica("parser")
    for wave in range(plan.waves):
        done = parser.log.count(IN_FLIGHT)
        chaos.feed(wave)
        chaos.release("fetcher")
        wait_for_batch(chaos, parser, done + 1)
        chaos.kill("parser", 0, chaos.gauges.in_flight("parser"))
    settled = chaos.settle(SETTLE_SECONDS if guarded else GIVE_UP_SECONDS)
    print_figures(chaos)
    found = faults(chaos)
    assert settled == guarded
    assert (found == []) == guarded
    if not guarded:
        assert any("has no effect" in fault for fault in found)
        assert pipeline.unaccounted() > 0


def configure(pipeline: Pipeline, plan: Plan) -> None:
    """Configures the mailboxes of the plan, and ten rules."""
    pipeline.configure([Inbox(name=name) for name in plan.mailboxes], more=rules.things())


def wait_for_batch(chaos: Chaos, parser: Replica, number: int) -> None:
    """Waits until the parser has so many batches behind it or in hand."""
    chaos.wait_until(lambda: parser.log.count(IN_FLIGHT) >= number, 60, "a batch in hand")


def kill_one_of_each(chaos: Chaos, wave: int, bounces: Sequence[bytes] = ()) -> None:
    """Feeds a wave, and kills a process of each stage while it goes through."""
    chaos.feed(wave, bounces)
    for service in SERVICES:
        chaos.kill_within_work(service, chaos.kills(service) % 2)


def make_zombies(chaos: Chaos, wave: int) -> None:
    """Freezes a process of each stage until others have its work, and wakes it up again."""
    chaos.feed(wave)
    chaos.release("fetcher")
    frozen = [(service, chaos.freeze_within_work(service, 0)) for service in SERVICES]
    for service, at in frozen:
        chaos.thaw(service, 0, at)


def faults(chaos: Chaos) -> list[str]:
    """What is not as promised; empty when all is well."""
    return [
        *effect_faults(chaos),
        *order_faults(chaos),
        *notification_faults(chaos),
        *leftovers(chaos),
    ]


def effect_faults(chaos: Chaos) -> Iterator[str]:
    """Each mail has one row and one effect, on its conversation's issue."""
    rows = chaos.pipeline.rows(
        "SELECT message_id, state, outcome, incoming_mail.issue_key,"
        " (SELECT count(*) FROM issue WHERE issue.mail_id = incoming_mail.mail_id),"
        " (SELECT count(*) FROM comment WHERE comment.mail_id = incoming_mail.mail_id)"
        " FROM incoming_mail WHERE state <> 'fetched'"
    )
    found = {row[0]: row[1:] for row in rows}
    if len(found) != len(rows):
        yield f"{len(rows)} rows for {len(found)} mails"
    for mails in chaos.plan.conversations:
        keys = {found[mail.message_id][2] for mail in mails if mail.message_id in found}
        if len(keys) > 1:
            yield f"{mails[0].summary} has the issues {keys}"
        for mail in mails:
            made = "issue" if mail.place == 0 else "comment"
            wanted = ("done", made, int(made == "issue"), int(made == "comment"))
            if mail.message_id not in found:
                yield f"{mail.message_id} has no effect"
                continue
            state, outcome, _, issues, comments = found[mail.message_id]
            if (state, outcome, issues, comments) != wanted:
                yield f"{mail} has {(state, outcome, issues, comments)}, wanted {wanted}"


def order_faults(chaos: Chaos) -> Iterator[str]:
    """Comments are in the order in which their mails lie in the mailbox, and arrived."""
    rows = chaos.pipeline.rows(
        "SELECT message_id, arrival FROM comment JOIN incoming_mail USING (mail_id)"
        " ORDER BY comment.comment_id"
    )
    arrivals = dict(rows)
    places = {message_id: place for place, (message_id, _) in enumerate(rows)}
    for mails in chaos.plan.conversations:
        comments = [mail.message_id for mail in mails[1:] if mail.message_id in places]
        if comments != sorted(comments, key=places.__getitem__):
            yield f"comments of {mails[0].summary} are not in order"
        if comments != sorted(comments, key=arrivals.__getitem__):
            yield f"mails of {mails[0].summary} did not arrive in order"


def notification_faults(chaos: Chaos) -> Iterator[str]:
    """Each person is told as often as the plan says, by mails that differ; copies are the same."""
    rows = chaos.pipeline.rows(
        "SELECT first.subject, recipient, delivery.state, delivery.message_id, maybe_twice"
        " FROM outgoing_mail JOIN delivery USING (outgoing_id)"
        " LEFT JOIN issue ON issue.issue_key = outgoing_mail.issue_key AND purpose = ''"
        " LEFT JOIN incoming_mail AS first ON first.mail_id = issue.mail_id"
    )
    told = Counter(
        (int(subject.rpartition(" ")[2]), recipient)
        for subject, recipient, state, _, _ in rows
        # What handlers send beside notifications is about no issue.
        if state == "sent" and subject
    )
    if told != chaos.plan.notifications:
        missing, extra = chaos.plan.notifications - told, told - chaos.plan.notifications
        yield f"notifications missing: {dict(missing)}, unplanned: {dict(extra)}"
    sent = chaos.pipeline.sent()
    recipients = {message_id: (recipient,) for _, recipient, _, message_id, _ in rows}
    if {mail.message_id for mail in sent} != set(recipients):
        yield "what was sent is not what was to be sent"
    noted = {message_id for _, _, _, message_id, twice in rows if twice}
    for message_id, count in Counter(mail.message_id for mail in sent).items():
        if count > 1 and message_id not in noted:
            yield f"{message_id} was sent {count} times, and nobody noted it"
    if any(mail.recipients != recipients.get(mail.message_id) for mail in sent):
        yield "a mail went to somebody else"


def leftovers(chaos: Chaos) -> Iterator[str]:
    """Nothing waits anywhere, nothing was given up, nothing is unaccounted, all is seen."""
    pipeline = chaos.pipeline
    if waiting := pipeline.unfinished():
        yield f"unfinished: {waiting}"
    if count := pipeline.records(MAIL_DEAD):
        yield f"{count} records in mail.dead"
    if count := pipeline.unaccounted():
        yield f"{count} mails are unaccounted"
    for mailbox in chaos.plan.mailboxes:
        seen, there = pipeline.seen(mailbox)
        if seen != there:
            yield f"{there - seen} mails in {mailbox} are not marked as seen"


def copies(pipeline: Pipeline) -> int:
    """How many mails the sink got beyond the first of each Message-ID."""
    sent = pipeline.sent()
    return len(sent) - len({mail.message_id for mail in sent})


def print_figures(chaos: Chaos) -> None:
    """What was done and what came of it."""
    pipeline = chaos.pipeline
    print("", *chaos.disturbances, sep="\n")
    outcomes = dict(pipeline.rows("SELECT outcome, count(*) FROM incoming_mail GROUP BY outcome"))
    print(
        f"seed {chaos.plan.seed}: {chaos.gauges.fed} mails in {len(chaos.plan.mailboxes)}"
        f" mailboxes, {chaos.seconds:.0f} s; outcomes {outcomes};"
        f" notifications {sum(chaos.plan.notifications.values())} wanted,"
        f" {len(pipeline.sent())} sent, of these {copies(pipeline)} copies"
    )
    for service in SERVICES:
        print(
            f"{service}: killed {chaos.kills(service)} times, {chaos.zombies(service)} zombies,"
            f" ended by itself {chaos.ended(service)} times"
        )
