"""What an act on an issue tells its author about the messages that it causes."""

from __future__ import annotations

import pytest

from postrail.operate.issues.act import Told
from postrail.outgoing.held import HeldDelivery
from services.cli.commands.issues.values import print_result

LIMIT = "limit issue_notifications: 1 notification in 60 minutes, which HELP-1 has reached"
GONE = "Not written to this address: not delivered: 5.1.1"


@pytest.mark.parametrize(
    ("told", "printed"),
    [
        # Nobody is to be told, and the command says why.
        (Told(issue_key="HELP-1"), ["Done. Notified by email: no watchers."]),
        (
            Told(issue_key="HELP-1", notified=("a@x.example",)),
            ["Done. Notified by email: a@x.example."],
        ),
        # One reason stands once; held recipients are no reason to say that there are none.
        (
            Told(
                issue_key="HELP-1",
                held=(
                    HeldDelivery(recipient="a@x.example", reason=LIMIT),
                    HeldDelivery(recipient="b@x.example", reason=LIMIT),
                ),
            ),
            [
                "Done. Notified by email: nobody.",
                f"Held for a@x.example, b@x.example: {LIMIT}.",
                "To send what is held: postrail outgoing release --all --issue HELP-1",
            ],
        ),
        (
            Told(
                issue_key="HELP-1",
                notified=("b@x.example",),
                held=(HeldDelivery(recipient="a@x.example", reason=GONE),),
            ),
            [
                "Done. Notified by email: b@x.example.",
                "Held for a@x.example: not written to this address: not delivered: 5.1.1.",
                "To write to an address again: postrail outgoing suppressed release ADDRESS"
                " --send-held",
            ],
        ),
    ],
)
def test_an_act_says_who_is_told_and_who_is_not(
    told: Told, printed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    print_result("Done.", told, nobody="no watchers")
    assert capsys.readouterr().out.splitlines() == printed
