"""Tests what `postrail outgoing cancel` and its like show of a flood of deliveries."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from postrail.operate.deliveries import CANCEL, Selection
from postrail.views.outgoing import OutgoingRow
from services.cli.commands.outgoing.by_hand import GROUPS_SHOWN, _print_selection

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def row(number: int, reply: str) -> OutgoingRow:
    return OutgoingRow(
        outgoing_id=str(number),
        conversation="c",
        recipient=f"ann{number}@example.org",
        name="",
        state="deferred",
        subject="Printer",
        issue_key=None,
        connection="relay",
        sent_over="",
        cause="",
        message_id="",
        given_id="",
        queued_at=NOW,
        due_at=NOW,
        changed_at=NOW,
        attempts=1,
        reply=reply,
        maybe_twice=False,
        unknown_attempts=0,
        purpose="",
        forwards=None,
        released_by="",
    )


def test_replies_with_ids_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    alike = [row(number, "421 closing") for number in range(3)]
    single = [row(number, f"450 later (id {number})") for number in range(20_000)]
    start = time.monotonic()

    _print_selection(CANCEL, Selection(chosen=single + alike, suppressed=[]))

    # Each reply was compared with all others: minutes.
    assert time.monotonic() - start < 20
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("And 19981 more, of 19981 other states and replies")
    (largest,) = (line for line in lines if "421 closing" in line)
    assert largest.split()[0] == "3"
    assert sum("450 later" in line for line in lines) == GROUPS_SHOWN - 1
