"""Bounces on real servers, as commands show them; suppressed addresses are released."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest

from postrail.database import one_connection
from postrail.message_parts import MessageReport
from postrail.settings import Settings
from tests.integration.handler.bounces.scene import ADA, NO_USER, bounce_of
from tests.makers.commands import Postrail, answer
from tests.makers.installation import Filled, take_effect
from tests.makers.records import mail_parsed

WHY = "5.1.1, 550 5.1.1 no such user"


@pytest.fixture
def bounced(postrail: Postrail, filled: Filled, settings: Settings) -> str:
    """Lets a message about HELP-1 bounce for good; returns its id."""
    (sent, *_) = answer(postrail, "outgoing", "list", "--issue", "HELP-1")
    bounce = bounce_of(sent["message_id"], sent["recipient"])
    receipt = mail_parsed(
        kind="receipt",
        report=MessageReport(event="displayed", original_message_id=sent["message_id"]),
    )
    asyncio.run(take_effect(settings, bounce, [], partition=2))
    asyncio.run(take_effect(settings, receipt, [], partition=3))
    return str(sent["outgoing_id"])


def test_a_bounce_is_shown_on_its_delivery_and_its_issue(postrail: Postrail, bounced: str) -> None:
    (row,) = answer(postrail, "outgoing", "list", "--bounced")
    assert (row["outgoing_id"], row["recipient"]) == (bounced, ADA)
    events = [(report["event"], report["status"]) for report in row["reports"]]
    assert sorted(events) == [("hard", "5.1.1"), ("read", "")]
    shown = " ".join(postrail("outgoing", "show", bounced)[1].split())
    assert "bounced for good (5.1.1)" in shown
    assert NO_USER["reason"] in shown
    (undelivered,) = answer(postrail, "issues", "show", "HELP-1")["undelivered"]
    assert (undelivered["recipient"], undelivered["suppressed"]) == (ADA, True)
    shown = " ".join(postrail("issues", "show", "HELP-1")[1].split())
    told = f"not delivered to {ADA}: {WHY}; nothing more is sent to this address"
    assert told in shown
    assert answer(postrail, "issues", "show", "HELP-2")["undelivered"] == []


def test_a_suppressed_address_is_listed_and_released(postrail: Postrail, bounced: str) -> None:
    (row,) = answer(postrail, "outgoing", "suppressed", "list")
    assert row["address"] == ADA
    assert WHY in row["reason"]
    assert WHY in " ".join(postrail("outgoing", "suppressed", "list")[1].split())
    held = answer(postrail, "outgoing", "list", "--state", "held")
    assert row["held"] == len(held) > 0
    # Released by the message, it would only be held again.
    code, _, errors = postrail("outgoing", "release", held[0]["outgoing_id"])
    assert code != 0
    assert f"postrail outgoing suppressed release {ADA}" in " ".join(errors.split())
    _, output, _ = postrail("outgoing", "release", "--all")
    assert f"Not sent, as their addresses are suppressed: {len(held)}, to {ADA}." in output
    code, output, errors = postrail("outgoing", "suppressed", "release", ADA.upper(), "--send-held")
    assert code == 0, errors
    assert f"Held messages sent: {len(held)}." in output
    assert answer(postrail, "outgoing", "list", "--state", "held") == []
    assert postrail("outgoing", "suppressed", "list")[1] == "No suppressed addresses.\n"
    # The report stays.
    assert len(answer(postrail, "outgoing", "list", "--bounced")) == 1
    code, _, errors = postrail("outgoing", "suppressed", "release", ADA)
    assert code != 0
    assert "is not suppressed" in errors


def test_an_unconfirmed_message_is_not_sent_again_to_a_suppressed_address(
    postrail: Postrail, bounced: str, settings: Settings
) -> None:
    async def unconfirm() -> None:
        async with one_connection(settings.database) as connection:
            await connection.execute("UPDATE delivery SET state = 'unconfirmed'")

    asyncio.run(unconfirm())
    code, _, errors = postrail("outgoing", "retry", bounced)
    assert code != 0
    assert f"postrail outgoing suppressed release {ADA}" in " ".join(errors.split())
    assert postrail("outgoing", "suppressed", "release", ADA)[0] == 0
    assert postrail("outgoing", "retry", bounced)[0] == 0


@pytest.mark.parametrize(("option", "state"), [("--cancel-held", "cancelled"), (None, "held")])
def test_held_messages_need_not_be_sent(
    postrail: Postrail, bounced: str, option: str | None, state: str
) -> None:
    held = len(answer(postrail, "outgoing", "list", "--state", "held"))
    options = [option] if option else []
    assert postrail("outgoing", "suppressed", "release", ADA, *options)[0] == 0
    assert len(answer(postrail, "outgoing", "list", "--state", state)) == held
    if state == "held":
        by_sam = ("--author", "Sam")
        code, output, errors = postrail("outgoing", "release", "--all", "--recipient", ADA, *by_sam)
        assert code == 0, errors
        assert output.splitlines()[-1] == f"Due now: {held}, to {ADA}."
        (row, *_) = answer(postrail, "outgoing", "show", bounced)
        assert row["released_by"] == "Sam"


def hold(settings: Settings, issue_key: str, *, copies: int = 1) -> None:
    """Holds the deliveries about an issue, and adds further recipients to them."""

    async def run() -> None:
        async with one_connection(settings.database) as connection:
            await connection.execute(
                "UPDATE delivery SET state = 'held', reply = 'limit forwards: 3 messages'"
                " FROM outgoing_mail AS mail WHERE mail.outgoing_id = delivery.outgoing_id"
                " AND mail.issue_key = %s",
                [issue_key],
            )
            await connection.execute(
                "INSERT INTO delivery (outgoing_id, recipient, name, message_id, tokens,"
                "  connection, sequence, issue_id, state, reply, due_at, changed_at)"
                " SELECT DISTINCT ON (n) outgoing_id, 'r' || n || '@example.org', name,"
                "  message_id || n, tokens, connection, sequence, issue_id, state, reply, due_at,"
                "  changed_at FROM delivery CROSS JOIN generate_series(2, %s) AS n"
                " WHERE state = 'held'",
                [copies],
            )

    asyncio.run(run())


def test_many_held_messages_are_released_after_a_question(
    postrail: Postrail, filled: Filled, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(settings, "HELP-1", copies=12)
    held = len(answer(postrail, "outgoing", "list", "--state", "held"))
    assert held >= 12
    # A trial changes nothing, and says to whom.
    code, output, _ = postrail("outgoing", "release", "--all", "--dry-run")
    assert (code, output.splitlines()[-1]) == (
        0,
        "Nothing was changed. To release them, leave out --dry-run.",
    )
    assert "limit forwards: 3 messages" in output
    assert " more" in output
    tried = answer(postrail, "outgoing", "release", "--all", "--dry-run")
    assert (tried["selected"], tried["released"]) == (held, 0)
    # Who does not agree changes nothing, and JSON asks nobody.
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert postrail("outgoing", "release", "--all")[0] != 0
    code, _, errors = postrail("outgoing", "release", "--all", "--json")
    assert code != 0
    assert f"{held} messages would be released" in errors
    assert len(answer(postrail, "outgoing", "list", "--state", "held")) == held
    done = answer(postrail, "outgoing", "release", "--all", "--yes")
    assert (done["released"], done["suppressed"]) == (held, [])
    assert {one["issue_key"] for one in done["deliveries"]} == {"HELP-1"}
    _, output, _ = postrail("outgoing", "release", "--all")
    assert output == "No messages to release.\n"


def test_one_held_message_is_released_by_its_id_and_says_to_whom(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    hold(settings, "HELP-1")
    (row, *_) = answer(postrail, "outgoing", "list", "--state", "held")
    _, output, _ = postrail("outgoing", "release", row["outgoing_id"][:8])
    assert output.splitlines()[-1] == f"Due now: 1, to {row['recipient']}."


def test_options_that_contradict_each_other_are_refused(postrail: Postrail, bounced: str) -> None:
    both = ("--send-held", "--cancel-held")
    code, _, errors = postrail("outgoing", "suppressed", "release", ADA, *both)
    assert code != 0
    assert "contradict" in errors
    assert len(answer(postrail, "outgoing", "suppressed", "list")) == 1


def test_a_person_who_is_not_written_to_is_marked(
    postrail: Postrail, bounced: str, tmp_path: Path
) -> None:
    (tmp_path / "postrail.yaml").write_text(f"people: [{{address: {ADA}, name: Ada}}]")
    code, _, errors = postrail("apply")
    assert code == 0, errors
    ada = next(one for one in answer(postrail, "people", "list") if one["address"] == ADA)
    assert ada["suppressed"] == [ADA]
    assert "not written to" in postrail("people", "list")[1]
    shown = " ".join(postrail("people", "show", ADA)[1].split())
    assert f"Not written to {ADA} (not delivered: {WHY})" in shown
    assert answer(postrail, "people", "show", ADA)["suppressed"][ADA].endswith(WHY)


def test_a_letter_to_a_suppressed_address_is_asked_about(postrail: Postrail, bounced: str) -> None:
    letter = ("issues", "mail", "HELP-1", "--to", ADA, "--text", "Is it in stock?")
    code, _, errors = postrail(*letter, "--json")
    assert code != 0
    assert f"{ADA} is suppressed" in errors
    assert "--yes" in errors
    done = answer(postrail, *letter, "--yes")
    assert (done["notified"], [one["recipient"] for one in done["held"]]) == ([], [ADA])
