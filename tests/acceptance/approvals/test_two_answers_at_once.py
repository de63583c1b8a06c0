"""Two approvers answer yes and no at once, and two handlers work: one decides, one is listed."""

from __future__ import annotations

import signal
from collections import Counter

import pytest

from postrail.stream.topics import MAIL_PARSED
from tests.acceptance.approvals.mail_programs import answer
from tests.acceptance.approvals.office import ADA, BEN, REQUESTER, Office
from tests.acceptance.approvals.receiver import Receiver

pytestmark = [pytest.mark.debian, pytest.mark.timeout(180)]

REQUESTS = 12


def test_one_decides_and_the_other_is_listed(office: Office) -> None:
    pipeline = office.pipeline
    pipeline.start()
    with Receiver() as receiver:
        keys = [
            office.ask(f"Release {number}", ADA, BEN, callback_url=receiver.url).key
            for number in range(REQUESTS)
        ]
        answers = [
            answer(office.request_to(person, key), person, text)
            for key in keys
            for person, text in ((ADA, "Approve"), (BEN, "Reject"))
        ]
        office.settle()
        for replica in pipeline.replicas.pop("handler"):
            assert replica.stop() in (0, -signal.SIGTERM)
        for one in answers:
            office.put(one)
        pipeline.wait_until(
            lambda: pipeline.records(MAIL_PARSED) == len(answers), 60, "all answers are parsed"
        )
        pipeline.start(["handler"], replicas=2)
        office.settle()
        pipeline.wait_until(lambda: len(receiver.done) == REQUESTS, 60, "all are called back")

    choices = Counter(require_one_decision(office, key) for key in keys)
    assert choices.total() == REQUESTS
    told = Counter(one["request"]["key"] for one in receiver.done.values())
    assert told == dict.fromkeys(keys, 1)
    assert office.outcomes() == {"approval": REQUESTS, "ignored": REQUESTS}
    logs = [replica.log for replica in pipeline.replicas["handler"]]
    assert not any(word in log for log in logs for word in ("deadlock", "working its mails one"))
    office.require_whole_ledger()


def require_one_decision(office: Office, key: str) -> str:
    """Checks that one of the two has decided, and that the other is listed; returns the choice."""
    shown = office.show(key)
    kinds = Counter(one["kind"] for one in shown["ledger"])
    assert kinds == {"requested": 1, "asked": 2, "answered": 1, "decided": 1, "refused": 1}
    (answered,) = [one for one in shown["approvers"] if one["state"] == "answered"]
    assert answered["choice"] == shown["choice"]
    assert office.refused(key) == [("decided", True)]
    (refused,) = shown["refused"]
    assert {answered["address"], refused["sender"]} == {ADA, BEN}
    assert len(office.about(REQUESTER, key)) == 1
    return str(shown["choice"])
