"""The system that asked is called back once for each decision, however it answers."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from tests.acceptance.approvals.office import ADA, REQUESTER, WAIT_SECONDS, Office
from tests.acceptance.approvals.receiver import (
    Receiver,
    answers_twice,
    hangs_up,
    refuses,
    takes,
)

pytestmark = [pytest.mark.debian, pytest.mark.timeout(180)]

REFUSALS = (500, 503, 429, 404, 302)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def decide(office: Office, receiver: Receiver) -> str:
    """Lets a request be approved, whose decision the receiver is told; returns its key."""
    office.pipeline.start()
    key = office.ask("Release 4.2", callback_url=receiver.url).key
    office.answer(ADA, key, "Approve\n\nThe backup is done.")
    office.settle()
    assert office.state(key) == ("decided", "approve")
    return key


def wait_for_post(office: Office, state: str, status: int | None = None) -> None:
    """Waits until an attempt has left the post in the state, with this answer if it is given."""

    def reached() -> bool:
        found = office.pipeline.rows(
            "SELECT state, last_status FROM webhook_post WHERE attempts > 0"
        )
        return any(one == state and status in (None, last) for one, last in found)

    office.pipeline.wait_until(reached, WAIT_SECONDS, f"the post is {state} after {status}")


def let_time_pass(office: Office) -> None:
    """Makes posts due, as if the pause until the next attempt were over."""
    office.pipeline.rows("UPDATE webhook_post SET next_at = made_at RETURNING 1")


def require_told_once(office: Office, receiver: Receiver, key: str) -> None:
    """Checks that the receiver has one decision, which is signed and complete."""
    (content,) = receiver.done.values()
    assert (content["event"], content["choice"]) == ("approval.decided", "approve")
    assert content["meaning"] == "approve"
    assert (content["request"]["key"], content["comment"]) == (key, "The backup is done.")
    assert [one["address"] for one in content["answers"]] == [ADA]
    for call in receiver.calls:
        assert call.is_signed
        assert call.delivery == call.idempotency_key == content["id"]
    # The requester is told once by email, too.
    assert len(office.about(REQUESTER, key)) == 1
    office.require_whole_ledger()


def test_a_receiver_that_is_down_is_told_when_it_is_back(
    office: Office, receiver: Receiver
) -> None:
    key = decide(office, receiver)
    wait_for_post(office, "waiting")
    (post,) = office.desk.asked("webhooks", "list")
    assert (post["about"], post["state"]) == (key, "waiting")
    receiver.open()
    let_time_pass(office)
    wait_for_post(office, "posted", 200)
    require_told_once(office, receiver, key)


def test_a_receiver_that_refuses_is_asked_again(office: Office, receiver: Receiver) -> None:
    receiver.respond = refuses(REFUSALS[0])
    receiver.open()
    key = decide(office, receiver)
    for status in REFUSALS:
        receiver.respond = refuses(status)
        let_time_pass(office)
        wait_for_post(office, "waiting", status)
    assert receiver.done == {}
    receiver.respond = takes
    # An operator need not wait for the next attempt.
    (post,) = office.desk.asked("webhooks", "list")
    office.desk.run("webhooks", "retry", post["post_id"])
    wait_for_post(office, "posted", 200)
    require_told_once(office, receiver, key)


def test_a_receiver_that_wants_no_more_is_left_alone(office: Office, receiver: Receiver) -> None:
    receiver.respond = refuses(410)
    receiver.open()
    key = decide(office, receiver)
    wait_for_post(office, "failed")
    assert len(receiver.calls) == 1
    # The system can still poll.
    assert office.state(key) == ("decided", "approve")


def test_a_slow_receiver_delays_no_other(office: Office, receiver: Receiver) -> None:
    def is_slow(_: BaseHTTPRequestHandler) -> bool:
        receiver.wait_until_closed(WAIT_SECONDS)
        return False

    receiver.respond = is_slow
    receiver.open()
    with Receiver() as other:
        slow = decide(office, receiver)
        key = office.ask("Release 4.3", callback_url=other.url).key
        office.answer(ADA, key, "Approve")
        office.pipeline.wait_until(lambda: other.done, WAIT_SECONDS, "the other is told")
    # It has the post, but no attempt ended well.
    wait_for_post(office, "waiting")
    assert receiver.done == {}
    receiver.close()
    receiver.respond = takes
    receiver.open()
    let_time_pass(office)
    office.pipeline.wait_until(lambda: receiver.done, WAIT_SECONDS, "the slow one is told")
    require_told_once(office, receiver, slow)


def test_a_receiver_whose_answer_is_lost_gets_the_same_post_again(
    office: Office, receiver: Receiver
) -> None:
    receiver.respond = hangs_up
    receiver.open()
    key = decide(office, receiver)
    wait_for_post(office, "waiting")
    receiver.respond = takes
    let_time_pass(office)
    wait_for_post(office, "posted", 200)
    assert len(receiver.calls) > 1
    require_told_once(office, receiver, key)


def test_a_receiver_that_answers_twice_has_taken_it(office: Office, receiver: Receiver) -> None:
    receiver.respond = answers_twice
    receiver.open()
    key = decide(office, receiver)
    wait_for_post(office, "posted")
    require_told_once(office, receiver, key)
    assert len(receiver.calls) == 1


def test_a_system_that_asks_twice_makes_one_request(office: Office, receiver: Receiver) -> None:
    receiver.open()
    office.pipeline.start()
    order = {"callback_url": receiver.url, "idempotency_key": "build-42"}
    key = office.ask("Release 4.2", **order).key
    assert office.ask("Release 4.2", **order).key == key
    office.answer(ADA, key, "Approve\n\nThe backup is done.")
    office.settle()
    # Also after the decision.
    assert office.ask("Release 4.2", **order).key == key
    wait_for_post(office, "posted")
    assert len(office.about(ADA, key)) == 1
    require_told_once(office, receiver, key)
    assert len(office.desk.asked("approvals", "list")) == 1
