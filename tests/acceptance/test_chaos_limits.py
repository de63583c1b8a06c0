"""Limits hold messages and notifications while the handler is killed; released, all is complete."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postrail.configuration.models.limit import Limit
from tests.acceptance.test_chaos import SETTLE_SECONDS, faults
from tests.chaos import rules
from tests.chaos.disturb import Chaos
from tests.chaos.plan import Plan
from tests.makers.commands import Postrail
from tests.processes.pipeline import Inbox, Pipeline
from tests.servers.dovecot import Dovecot

pytestmark = [pytest.mark.debian, pytest.mark.timeout(540)]

HELD_MAILS = "SELECT count(*) FROM incoming_mail WHERE state = 'quarantined'"
HELD_NOTIFICATIONS = "SELECT count(*) FROM delivery WHERE state = 'held'"
# A conversation has two messages at most, and an issue one notification, until they are released.
LIMITS = [
    Limit.model_validate({"name": "conversation_messages", "value": 2}),
    Limit.model_validate({"name": "issue_notifications", "value": 1}),
]
QUICK = {
    "POSTRAIL_KAFKA__SESSION_TIMEOUT_SECONDS": "6",
    "POSTRAIL_FETCHER__BATCH_MAX_MAILS": "4",
    "POSTRAIL_SENDER__CONNECTIONS": "1",
    "POSTRAIL_SENDER__CLAIM_SECONDS": "8",
    "POSTRAIL_SENDER__UNKNOWN_PAUSE_SECONDS": "1",
}


@pytest.fixture
def pipeline(own_folder: Path, environment: dict[str, str], dovecot: Dovecot) -> Iterator[Pipeline]:
    with Pipeline(own_folder, {**environment, **QUICK}, dovecot) as pipeline:
        yield pipeline
        pipeline.show_logs()


def test_what_limits_held_is_complete_after_its_release(
    pipeline: Pipeline, postrail: Postrail
) -> None:
    plan = Plan(seed=1, mails=400, mailboxes=6, waves=4)
    plan.watchers = rules.watchers
    inboxes = [Inbox(name=name) for name in plan.mailboxes]
    pipeline.configure(inboxes, more=[*rules.things(), *LIMITS])
    pipeline.start(replicas=2)
    chaos = Chaos(pipeline, plan)
    for wave in range(plan.waves):
        chaos.feed(wave)
        chaos.release("fetcher")
        chaos.kill_within_work("handler", wave % 2)
    assert chaos.settle(SETTLE_SECONDS), pipeline.unfinished()
    held, unsent = pipeline.value(HELD_MAILS), pipeline.value(HELD_NOTIFICATIONS)
    print(f"held: {held} messages, {unsent} notifications")
    assert held > 0
    assert unsent > 0
    assert any("has" in fault for fault in faults(chaos))

    # The handler is killed while it works on what was released, too.
    run(postrail, "mail", "release", "--all", "--yes")
    pipeline.wait_until(lambda: pipeline.value(HELD_MAILS) < held, 60, "the release")
    chaos.kill("handler", 0, chaos.gauges.in_flight("handler"))
    pipeline.wait_until(lambda: pipeline.value(HELD_MAILS) == 0, 120, "all to be released")
    assert chaos.settle(SETTLE_SECONDS), pipeline.unfinished()
    run(postrail, "outgoing", "release", "--all", "--yes")
    assert chaos.settle(SETTLE_SECONDS), pipeline.unfinished()
    assert pipeline.value(HELD_NOTIFICATIONS) == 0
    assert faults(chaos) == []
    assert list(rules.rule_faults(pipeline, plan)) == []


def run(postrail: Postrail, *arguments: str) -> None:
    """Runs a command that has to succeed."""
    code, output, errors = postrail(*arguments)
    assert code == 0, output + errors
