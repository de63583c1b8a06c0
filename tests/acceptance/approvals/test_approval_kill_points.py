"""Services are killed at each step from the answer to what follows: one decision, one effect.

The request is about an issue, which moves to another status, and the system that asked is called
back.
"""

from __future__ import annotations

import signal
from collections import Counter

import pytest

from postrail.stream.topics import APPROVAL_DECIDED, MAIL_DEAD
from tests.acceptance.approvals.mail_programs import answer
from tests.acceptance.approvals.office import ADA, REQUESTER, Office
from tests.acceptance.approvals.receiver import Receiver

pytestmark = [pytest.mark.debian, pytest.mark.timeout(360)]

KILL_SECONDS = 100.0
# Each service, and some points of its work, in their order.
KILLS = (
    ("fetcher", ("fetched", "acknowledged", "recorded", "moved")),
    ("parser", ("parsed",)),
    ("handler", ("taken in", "handler: locked", "handler: gathered", "handler: decided")),
    ("handler", ("approval: answered", "approval: closed", "approval: in the ledger")),
    ("handler", ("effect: AnswerRequest", "handler: finished", "handler: published", "handled")),
    ("handler", ("approval: followed", "timer: removed", "queued")),
    ("sender", ("webhook: claimed", "webhook: posted", "outgoing taken in")),
)


@pytest.mark.parametrize(("service", "points"), KILLS, ids=lambda one: str(one)[:60])
def test_each_decision_has_its_effects_once(
    office: Office, service: str, points: tuple[str, ...]
) -> None:
    # After this time another sender takes over what a killed one was sending.
    office.pipeline.environment["POSTRAIL_SENDER__CLAIM_SECONDS"] = "3"
    office.pipeline.start()
    with Receiver() as receiver:
        keys = {}
        for point in points:
            keys[point] = ask_about_issue(office, point, receiver.url)
            kill_while_deciding(office, service, point, keys[point])
            office.pipeline.start([service])
            wait_for_effects(office, keys[point], receiver)
        office.settle()
        for number, (point, key) in enumerate(keys.items(), 1):
            require_effects_once(office, key, f"REL-{number}", point)

    told = Counter(one["request"]["key"] for one in receiver.done.values())
    assert told == dict.fromkeys(keys.values(), 1)
    assert office.outcomes() == {"approval": len(points)}
    # A sender of records that was killed may repeat one: the receivers know it by its event_id.
    assert office.pipeline.records(APPROVAL_DECIDED) in (len(points), len(points) + 1)
    assert office.pipeline.records(MAIL_DEAD) == 0
    assert office.pipeline.unaccounted() == 0
    office.require_whole_ledger()


def ask_about_issue(office: Office, subject: str, callback_url: str) -> str:
    """Makes an issue, and a request that moves it once approved; returns the request's key."""
    issue = office.desk.asked("issues", "create", "REL", subject)["issue_key"]
    asked = office.ask(subject, ADA, issue=issue, approved_status="Done", callback_url=callback_url)
    return asked.key


def kill_while_deciding(office: Office, service: str, point: str, key: str) -> None:
    """Lets a service work on the approver's answer until the point."""
    pipeline = office.pipeline
    approval = answer(office.request_to(ADA, key), ADA, "Approve")
    office.settle()
    for replica in pipeline.replicas.pop(service):
        # On a busy machine it may not have begun.
        assert replica.stop() in (0, -signal.SIGTERM)
    office.put(approval)
    arguments = ["-m", "tests.processes.faulty.killed_at", point]
    victim = pipeline.process(f"victim {point}", arguments)
    victim.start()
    assert victim.wait_for_end(KILL_SECONDS) == -signal.SIGKILL, victim.log_end


def wait_for_effects(office: Office, key: str, receiver: Receiver) -> None:
    """Waits until the request is decided and all has followed."""

    def has_all() -> bool:
        # As if the time were over in which a sender that was killed holds its posts.
        office.pipeline.rows(
            "UPDATE webhook_post SET claim_expires_at = made_at WHERE state = 'posting' RETURNING 1"
        )
        called_back = any(one["request"]["key"] == key for one in [*receiver.done.values()])
        return called_back and office.events(key)["followed"] > 0

    office.pipeline.wait_until(has_all, KILL_SECONDS, f"all that follows from {key}")


def require_effects_once(office: Office, key: str, issue_key: str, point: str) -> None:
    """Checks that the request has been decided once, and has had each effect once."""
    kinds = ("requested", "asked", "answered", "decided", "followed")
    assert office.events(key) == dict.fromkeys(kinds, 1), point
    assert office.state(key) == ("decided", "approve")
    issue = office.desk.issue(issue_key)
    assert issue["issue"]["status"] == "Done"
    changes = [one["after"] for one in issue["changes"] if one["field"] == "status"]
    assert changes == ["Open", "Done"], point
    assert len(issue["comments"]) == 1, point
    # A sender that was killed between the final dot and its record may send a message again.
    told = {str(mail["Message-ID"]) for mail in office.about(REQUESTER, key)}
    assert len(told) == 1, point
    posts = office.pipeline.rows("SELECT state FROM webhook_post WHERE about = %s", [key])
    assert posts == [("posted",)], point
