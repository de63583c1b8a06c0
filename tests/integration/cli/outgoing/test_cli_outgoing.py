"""Tests the commands that retry, cancel and pause outgoing messages, on a real database."""

from __future__ import annotations

import asyncio

import pytest

from postrail.database import one_connection
from postrail.settings import Settings
from tests.makers.commands import Postrail, answer
from tests.makers.installation import Filled

REFUSED = "450 4.2.1 try again later"


def set_state(settings: Settings, state: str, reply: str = REFUSED) -> None:
    async def run() -> None:
        async with one_connection(settings.database) as connection:
            await connection.execute(
                "UPDATE delivery SET state = %s, reply = %s, due_at = now() + interval '1 hour'",
                [state, reply],
            )

    asyncio.run(run())


def states(postrail: Postrail) -> set[str]:
    return {row["state"] for row in answer(postrail, "outgoing", "list")}


@pytest.mark.parametrize(
    ("state", "chosen"),
    [("deferred", ["--all"]), ("failed", ["--state", "failed", "--since", "2020-01-01"])],
)
def test_messages_that_wait_or_failed_are_sent_now(
    postrail: Postrail, filled: Filled, settings: Settings, state: str, chosen: list[str]
) -> None:
    set_state(settings, state)

    code, output, errors = postrail("outgoing", "retry", *chosen, "--dry-run")
    assert code == 0, errors
    assert f"{state}" in output
    assert "Nothing was changed. To retry them, leave out --dry-run." in output
    assert states(postrail) == {state}
    found = answer(postrail, "outgoing", "retry", *chosen, "--reason", "4.2.1")
    assert (found["selected"], found["retried"]) == (2, 2)
    assert [one["reason"] for one in found["deliveries"]] == [REFUSED] * 2
    assert states(postrail) == {"queued"}


def test_waiting_messages_are_cancelled(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    set_state(settings, "queued", "")

    code, output, errors = postrail("outgoing", "cancel", "--issue", "help-1", "--author", "Sam")
    assert code == 0, errors
    assert output.splitlines()[-1].startswith("Cancelled: ")
    assert "cancelled" in states(postrail)
    (row, *_) = answer(postrail, "outgoing", "list", "--state", "cancelled")
    assert row["reply"] == "Cancelled by Sam"
    code, output, _ = postrail("outgoing", "cancel", "--issue", "HELP-1")
    assert (code, output) == (0, "No messages to cancel.\n")


@pytest.mark.parametrize("act", ["release", "retry", "cancel"])
@pytest.mark.parametrize("arguments", [[], ["--recipient", "ada@example.org"], ["4f3a", "--all"]])
def test_it_must_be_clear_which_messages(
    postrail: Postrail, filled: Filled, act: str, arguments: list[str]
) -> None:
    code, _, errors = postrail("outgoing", act, *arguments)
    assert code == 2
    assert f"it is not clear which messages to {act}" in errors


def test_the_list_takes_the_filters_of_the_acts(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    set_state(settings, "deferred")
    first, _ = answer(postrail, "outgoing", "list")

    def listed(*options: str) -> int:
        return len(answer(postrail, "outgoing", "list", *options))

    assert listed("--recipient", first["recipient"].upper()) == 2
    assert listed("--recipient", "nobody@example.org") == 0
    assert listed("--connection", first["connection"], "--reason", "4.2.1") == 2
    assert listed("--connection", "another") == 0
    assert listed("--reason", "5.1.1") == 0


def test_a_state_that_does_not_fit_is_refused(postrail: Postrail, filled: Filled) -> None:
    code, _, errors = postrail("outgoing", "retry", "--all", "--state", "sent")
    assert code == 1
    assert "sent deliveries cannot be retried" in errors
    assert "deferred, failed, unconfirmed" in errors


def test_a_pause_is_shown_until_it_ends(postrail: Postrail, filled: Filled) -> None:
    (name,) = {row["connection"] for row in answer(postrail, "outgoing", "list")}
    code, output, errors = postrail(
        "outgoing", "pause", name, "--author", "Sam", "--reason", "a rule mails everybody"
    )
    assert code == 0, errors
    assert output == f"Paused: {name}. To go on: postrail outgoing resume {name}\n"
    shown = " ".join(postrail("status")[1].split())
    assert f"Sending is paused {name}, since" in shown
    assert f"by Sam: a rule mails everybody (postrail outgoing resume {name})" in shown
    assert postrail("outgoing", "pause", "--all")[0] == 0
    assert [one["connection"] for one in answer(postrail, "status")["tables"]["paused"]] == [
        "",
        name,
    ]

    _, output, _ = postrail("outgoing", "resume", name)
    assert "All sending is still paused: postrail outgoing resume --all" in output
    assert postrail("outgoing", "resume", "--all")[1] == "Resumed: all connections.\n"
    assert "Sending is paused" not in postrail("status")[1]


def test_a_pause_needs_a_connection_that_exists(postrail: Postrail, filled: Filled) -> None:
    code, _, errors = postrail("outgoing", "pause", "gone")
    assert code == 1
    assert "there is no outgoing connection 'gone'" in errors
    code, _, errors = postrail("outgoing", "resume", "gone")
    assert code == 1
    assert "not paused: gone" in errors
    assert postrail("outgoing", "pause")[0] == 2
