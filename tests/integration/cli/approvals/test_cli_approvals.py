"""`postrail approvals`: requests and acts on them, as people and programs see them."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from postrail.settings import Settings
from tests.makers.commands import Postrail, answer

ANN = "ann@example.com"
BOB = "bob@example.com"
CID = "cid@example.com"
BOTH = ("--approver", ANN, "--approver", BOB)


def lines_of(output: str) -> list[str]:
    """Returns the lines with single blanks."""
    return [" ".join(line.split()) for line in output.splitlines()]


def test_a_request_is_made_listed_and_shown(postrail: Postrail, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("All tests pass.")
    code, output, errors = postrail(
        *("approvals", "request", "deploy", "Deploy 4.2", *BOTH, "--text", "It is ready."),
        *("--field", "Version=4.2", "--attach", "notes.txt", "--deadline", "2d"),
        *("--at-deadline", "reject", "--remind-after", "4h", "--issue", "help-1"),
        *("--requester", CID, "--rule", "2", "--approved-status", "released"),
    )
    assert code == 0, errors
    assert output == (
        "Requested A-1. Told by email: ann@example.com, bob@example.com.\n"
        "To see who has answered: postrail approvals show A-1\n"
    )
    (listed,) = answer(
        postrail, "approvals", "list", "--state", "open", "--approver", "ANN@home.example"
    )
    assert listed["key"] == "A-1"
    assert (listed["waiting_for"], listed["answers"], listed["refused"]) == ([ANN, BOB], 0, 0)
    assert (listed["issue_key"], listed["requester"]) == ("HELP-1", CID)
    _, output, _ = postrail("approvals", "list")
    assert "A-1 open Deploy 4.2 ann@example.com, bob@example.com" in lines_of(output)[1]
    code, output, errors = postrail("approvals", "show", "a-1", "--ledger")
    assert code == 0, errors
    lines = lines_of(output)
    for line in (
        "Request A-1",
        "State open",
        "Waits for ann@example.com, bob@example.com",
        "Rule 2 of 2 must approve",
        "Choices approve, reject",
        "Reminders every 4h",
        "Issue HELP-1",
        "Once approved moves to released",
        "Asked by cid@example.com",
        "Attachments notes.txt",
        "Version 4.2",
        "It is ready.",
    ):
        assert line in lines, line
    assert any(line.endswith(": the request is rejected") for line in lines)
    assert any(line.startswith("1 ann@example.com has not answered, asked ") for line in lines)
    assert any(line.startswith("1 ") and " requested " in line for line in lines)


def test_programs_poll_for_the_state(postrail: Postrail) -> None:
    made = answer(postrail, "approvals", "request", "deploy", "Deploy 4.2", *BOTH)
    assert (made["key"], made["is_new"], made["notified"]) == ("A-1", True, [ANN, BOB])
    shown = answer(postrail, "approvals", "show", "A-1")
    assert (shown["state"], shown["choice"], shown["meaning"]) == ("open", "", "")
    assert [one["address"] for one in shown["approvers"]] == [ANN, BOB]
    assert "callback_url" not in shown
    assert shown["ledger"] == []
    withdrawn = answer(postrail, "approvals", "withdraw", "A-1", "--reason", "too late")
    assert withdrawn == {"key": "A-1", "notified": [ANN, BOB], "held": []}
    assert answer(postrail, "approvals", "show", "A-1")["state"] == "withdrawn"
    with_ledger = answer(postrail, "approvals", "show", "A-1", "--ledger")["ledger"]
    assert [one["kind"] for one in with_ledger] == ["requested", "asked", "asked", "withdrawn"]


def test_the_same_key_makes_no_second_request(postrail: Postrail) -> None:
    again = ("approvals", "request", "deploy", "Deploy", *BOTH, "--idempotency-key", "build 7")
    postrail(*again, "--deadline", "2d")
    code, output, _ = postrail(*again, "--deadline", "2d")
    assert (code, output) == (
        0,
        "A-1 was made before with this idempotency key; nobody is asked again.\n",
    )
    code, _, errors = postrail(*again, "--deadline", "3d")
    assert code == 1
    assert "has made A-1 already" in errors


def test_named_choices_and_a_corrected_request(postrail: Postrail) -> None:
    postrail("approvals", "request", "deploy", "Wehre?", *BOTH)
    _, output, _ = postrail(
        *("approvals", "request", "deploy", "Where?", *BOTH, "--rule", "order"),
        *("--choice", "berlin=In Berlin", "--choice", "rome", "--choice", "nowhere:reject"),
        *("--replaces", "A-1"),
    )
    assert "In their turn: bob@example.com.\nA-1 is withdrawn.\n" in output
    lines = lines_of(postrail("approvals", "show", "A-2")[1])
    assert (
        "Choices berlin (In Berlin), which means approve, rome, which means approve, nowhere, which"
        " means reject"
    ) in lines
    assert any("is asked once those before have approved" in line for line in lines)
    assert answer(postrail, "approvals", "show", "A-1")["state"] == "withdrawn"


def test_acts_on_a_request(postrail: Postrail) -> None:
    postrail("approvals", "request", "deploy", "Deploy", *BOTH)
    _, output, _ = postrail("approvals", "reassign", "A-1", "ann@home.example", CID)
    assert output.startswith(f"A-1 asks {CID} in the place of {ANN}. Told by email: ")
    _, output, _ = postrail("approvals", "remind", "A-1", "--approver", CID)
    assert output == f"A-1: asked again. Told by email: {CID}.\n"
    code, _, errors = postrail("approvals", "remind", "A-1", "--author", ANN)
    assert code == 1
    assert "may not change whom A-1 asks" in errors
    _, output, _ = postrail("approvals", "withdraw", "A-1")
    assert output.startswith("A-1 is withdrawn. Told by email: ")
    assert any(
        line.startswith(f"1 {ANN} asked no longer: reassigned")
        for line in lines_of(postrail("approvals", "show", "A-1")[1])
    )


def test_delegations_are_made_listed_and_ended(postrail: Postrail) -> None:
    postrail("approvals", "request", "deploy", "Deploy", *BOTH)
    code, output, errors = postrail(
        "approvals", "delegate", ANN, CID, "--until", "14d", "--author", ANN
    )
    assert code == 0, errors
    assert output.startswith(f"{CID} answers for {ANN} from ")
    assert output.endswith("(delegation 1).\nAsked about: A-1.\n")
    assert "Waits for ann@example.com, cid@example.com (for ann@example.com), bob@example.com" in (
        lines_of(postrail("approvals", "show", "A-1")[1])
    )
    (listed,) = answer(postrail, "approvals", "delegations")
    assert (listed["delegator"], listed["delegate"], listed["made_by"]) == (ANN, CID, ANN)
    _, output, _ = postrail("approvals", "delegations")
    assert f"1 {ANN} {CID}" in lines_of(output)[1]
    _, output, _ = postrail("approvals", "delegations", "--end", "1")
    assert output == f"{CID} answers for {ANN} no longer.\nAsked no longer about: A-1.\n"
    assert postrail("approvals", "delegations")[1] == "No delegations.\n"
    assert len(answer(postrail, "approvals", "delegations", "--all")) == 1


def test_a_changed_ledger_is_found(postrail: Postrail, settings: Settings) -> None:
    assert postrail("approvals", "verify")[1] == "The ledger is whole: 0 events.\n"
    postrail("approvals", "request", "deploy", "Deploy", *BOTH)
    code, output, _ = postrail("approvals", "verify")
    assert code == 0
    assert output.startswith("The ledger is whole: 3 events.\nIts last hash: ")
    with psycopg.connect(settings.database.url.get_secret_value()) as connection:
        connection.execute("UPDATE approval_request SET subject = 'Deploy everything'")
    code, output, errors = postrail("approvals", "verify")
    assert code == 1
    assert "A-1" in lines_of(output)[1]
    assert "what A-1 asks is not what the ledger says was asked" in output
    assert "the ledger of approvals was changed in 1 places" in errors


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (("show", "A-9"), 1, "there is no approval request 'A-9'"),
        (("show", "HELP-1"), 1, "there is no approval request 'HELP-1'"),
        (("request", "deploy", "x", "--deadline", "soon"), 2, "'soon' is no time"),
        (("request", "deploy", "x", "--remind-after", "soon"), 2, "is no length of time"),
        (("request", "deploy", "x", "--rule", "some"), 2, "'some' is no rule"),
        (("request", "deploy", "x", "--field", "x"), 2, "'x' is not FIELD=VALUE"),
        (("request", "deploy", "x"), 1, "the request has no approvers"),
        (("request", "signed", "x", *BOTH, "--callback-url", "x"), 1, "https://"),
        (("delegate", ANN, BOB, "--until", "2026-01-01"), 1, "ends before it begins"),
    ],
)
def test_wrong_use_is_explained(
    postrail: Postrail, arguments: tuple[str, ...], code: int, problem: str
) -> None:
    found, _, errors = postrail("approvals", *arguments)
    assert (found, problem in errors) == (code, True), errors
    assert "Remedy: " in errors
