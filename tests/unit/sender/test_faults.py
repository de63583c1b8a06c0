"""What people are told of the deliveries about an issue that failed in one round."""

from __future__ import annotations

from dataclasses import replace

from postrail.outgoing.results import AttemptResult
from services.sender.alerts.faults import RECIPIENTS_NAMED, undelivered
from tests.unit.sender.test_attempt_results import NOW, claimed


def failed(recipient: str, outgoing_id: str = "1c2d3e4f-0000") -> AttemptResult:
    return AttemptResult(
        claimed=replace(claimed(), recipient=recipient, outgoing_id=outgoing_id),
        state="failed",
        reply="550 no",
        due_at=NOW,
        maybe_twice=False,
        unknown_attempts=0,
    )


def test_all_recipients_of_a_message_are_named() -> None:
    fault = undelivered("HELP-1", [failed("ann@x.org"), failed("bo@x.org")])
    assert fault.names["recipient"] == "ann@x.org, bo@x.org"
    assert [command for _, command in fault.acts] == [
        "postrail outgoing show 1c2d3e4f",
        "postrail outgoing retry 1c2d3e4f",
    ]


def test_several_messages_are_found_by_their_issue() -> None:
    fault = undelivered("HELP-1", [failed("ann@x.org"), failed("ann@x.org", "5a6b7c8d-0000")])
    assert fault.names["recipient"] == "ann@x.org"
    assert [command for _, command in fault.acts] == [
        "postrail outgoing list --state failed --issue HELP-1",
        "postrail outgoing retry --all --state failed --issue HELP-1",
    ]


def test_very_many_recipients_are_cut() -> None:
    fault = undelivered("HELP-1", [failed(f"{n}@x.org") for n in range(RECIPIENTS_NAMED + 1)])
    assert fault.names["recipient"].endswith("9@x.org, …")
