"""Deliveries, dead letters, the status and blobs on real servers."""

from __future__ import annotations

import asyncio
import json

import pytest

from postrail.database import one_connection
from postrail.settings import Settings
from tests.makers.commands import Postrail, answer
from tests.makers.installation import Filled


def test_outgoing_messages_are_listed_and_shown(postrail: Postrail, filled: Filled) -> None:
    deliveries = answer(postrail, "outgoing", "list", "--state", "queued")
    assert {row["recipient"] for row in deliveries} == {"ada@example.org"}
    (first,) = answer(postrail, "outgoing", "list", "--issue", "help-1")
    assert answer(postrail, "outgoing", "list", "--state", "sent") == []
    (shown,) = answer(postrail, "outgoing", "show", first["outgoing_id"][:12])
    assert shown["message_id"] == first["message_id"]
    _, raw, _ = postrail("outgoing", "show", first["outgoing_id"], "--raw")
    assert f"Message-ID: {first['message_id']}" in raw
    assert "ada@example.org" in postrail("outgoing", "show", first["outgoing_id"])[1]
    assert postrail("outgoing", "show", "ffffffff")[0] == 1
    assert (first["purpose"], first["forwards"]) == ("", None)


def test_what_an_outgoing_message_forwards_is_shown(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    mail_id = filled.inline
    change(settings, f"UPDATE outgoing_mail SET purpose = 'forward', forwards = '{mail_id}'")
    first, *_ = answer(postrail, "outgoing", "list")
    assert (first["purpose"], first["forwards"]) == ("forward", mail_id)
    assert mail_id in postrail("outgoing", "show", first["outgoing_id"])[1]
    # The original is attached as it was read.
    _, raw, _ = postrail("outgoing", "show", first["outgoing_id"], "--raw")
    original = postrail("mail", "show", mail_id, "--raw")[1]
    assert original.strip() in raw
    assert "Content-Type: message/rfc822" in raw or "application/octet-stream" in raw


def change(settings: Settings, statement: str) -> None:
    """Changes the database as no command does."""

    async def run() -> None:
        async with one_connection(settings.database) as connection:
            await connection.execute(statement.encode())

    asyncio.run(run())


def test_each_recipient_of_a_message_is_shown_with_the_own_message(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    change(
        settings,
        "INSERT INTO watcher (issue_id, address, name) SELECT issue_id, 'bo@example.org', 'Bo'"
        " FROM issue_index WHERE issue_key = 'HELP-1'",
    )
    assert postrail("issues", "comment", "HELP-1", "Use water.")[0] == 0
    both = answer(postrail, "outgoing", "list", "--issue", "HELP-1")[:2]
    assert [row["recipient"] for row in both] == ["ada@example.org", "bo@example.org"]
    assert len({row["outgoing_id"] for row in both}) == 1
    assert len({row["message_id"] for row in both}) == 2
    message = both[0]["outgoing_id"]

    assert answer(postrail, "outgoing", "show", message) == both
    assert (
        answer(postrail, "outgoing", "show", message, "--recipient", "bo@example.org") == both[1:]
    )
    _, output, _ = postrail("outgoing", "show", message)
    assert both[1]["message_id"] in "".join(output.split())
    assert "Bo <bo@example.org>" in " ".join(output.split())

    code, output, errors = postrail("outgoing", "show", message, "--raw")
    assert (code != 0, output) == (True, "")
    assert "--recipient ada@example.org" in " ".join(errors.split())
    _, raw, _ = postrail("outgoing", "show", message, "--raw", "--recipient", "bo@example.org")
    assert f"Message-ID: {both[1]['message_id']}" in raw
    assert "Use water." in raw
    assert "bo@example.org" in raw
    assert "ada@example.org" not in raw
    code, _, errors = postrail("outgoing", "show", message, "--recipient", "cy@example.org")
    assert code == 1
    assert "is not for cy@example.org" in " ".join(errors.split())


def test_held_deliveries_are_listed_and_counted(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    change(settings, "UPDATE delivery SET state = 'held'")
    assert len(answer(postrail, "outgoing", "list", "--state", "held")) == 2
    assert answer(postrail, "status")["tables"]["outgoing"]["held"] == 2
    assert "Deliveries held" in postrail("status")[1]


def test_the_length_of_excerpts_is_settable(
    postrail: Postrail, filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRAIL_NOTIFICATIONS__EXCERPT_MAX_CHARACTERS", "100")
    assert postrail("issues", "comment", "HELP-1", f"{'water ' * 17}END")[0] == 0
    newest = answer(postrail, "outgoing", "list", "--issue", "HELP-1")[0]
    _, raw, _ = postrail("outgoing", "show", newest["outgoing_id"], "--raw")
    assert "water water" in raw
    assert "END" not in raw
    assert "HELP-1 has the whole text" in raw
    monkeypatch.setenv("POSTRAIL_NOTIFICATIONS__EXCERPT_MAX_CHARACTERS", "5")
    code, _, errors = postrail("issues", "comment", "HELP-1", "Water!")
    assert code != 0
    assert "POSTRAIL_NOTIFICATIONS__EXCERPT_MAX_CHARACTERS" in errors


def lose_the_reply(settings: Settings, outgoing_id: str) -> None:
    """Makes a delivery unconfirmed, as after attempts without a reply to the final dot."""

    async def lose() -> None:
        async with one_connection(settings.database) as connection:
            await connection.execute(
                "UPDATE delivery SET state = 'unconfirmed', unknown_attempts = 3, attempts = 3,"
                " maybe_twice = true, reply = 'silence' WHERE outgoing_id = %s",
                [outgoing_id],
            )

    asyncio.run(lose())


def test_timed_work_that_fails_is_shown(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    change(
        settings,
        "INSERT INTO timer (kind, key, due_at, failures, reason)"
        " VALUES ('digest', '7 1 bo@example.org', now() + interval '1 day', 4, 'no template')",
    )
    says = "1 of the kind digest; '7 1 bo@example.org' failed 4 times: no template"
    assert says in " ".join(postrail("status")[1].split())
    findings = {one["part"]: one for one in json.loads(postrail("doctor", "--json")[1])}
    assert findings["timed work"]["state"] == "warning"
    assert "'7 1 bo@example.org' failed 4 times: no template" in findings["timed work"]["says"]


def test_unconfirmed_deliveries_are_shown_retried_and_settled(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    first, second = answer(postrail, "outgoing", "list")
    for row in (first, second):
        lose_the_reply(settings, row["outgoing_id"])
    shown = answer(postrail, "outgoing", "list", "--state", "unconfirmed")
    assert [row["unknown_attempts"] for row in shown] == [3, 3]
    assert answer(postrail, "status")["tables"]["outgoing"]["unconfirmed"] == 2
    assert "Deliveries unconfirmed" in postrail("status")[1]
    assert "unconfirmed" in postrail("outgoing", "show", first["outgoing_id"])[1]
    findings = {one["part"]: one for one in json.loads(postrail("doctor", "--json")[1])}
    assert findings["deliveries"]["state"] == "warning"
    assert findings["deliveries"]["says"].startswith("2 unconfirmed")

    assert postrail("outgoing", "settle", first["outgoing_id"])[0] != 0
    code, output, errors = postrail("outgoing", "settle", first["outgoing_id"][:12], "--sent")
    assert (code, errors) == (0, "")
    assert "Settled as sent: 1, to ada@example.org." in output
    code, output, errors = postrail("outgoing", "retry", second["outgoing_id"][:12])
    assert (code, errors) == (0, "")
    assert "Due now: 1, to ada@example.org." in output

    rows = {row["outgoing_id"]: row for row in answer(postrail, "outgoing", "list")}
    assert rows[first["outgoing_id"]]["state"] == "sent"
    assert rows[first["outgoing_id"]]["reply"].endswith(": silence")
    assert rows[first["outgoing_id"]]["reply"].startswith("Settled by ")
    assert rows[second["outgoing_id"]]["state"] == "queued"
    code, _, errors = postrail("outgoing", "retry", second["outgoing_id"])
    assert code == 1
    assert "no such delivery" in errors


def test_dead_letters_are_listed_and_shown_with_their_bytes(
    postrail: Postrail, filled: Filled
) -> None:
    _, output, _ = postrail("dead", "list")
    assert "mail.fetched/3/1714" in output
    assert "\x1b" not in output
    (letter,) = answer(postrail, "dead", "list")
    assert letter["record"] == "mail.fetched/3/1714"
    assert postrail("dead", "show", letter["record"], "--raw")[1] == "\x00rubbish"
    assert answer(postrail, "dead", "show", letter["record"])["error"] == "not Avro \x1b[2J"
    assert postrail("dead", "show", "mail.fetched/0/0")[0] == 1


def test_the_status_has_queues_and_processes(postrail: Postrail, filled: Filled) -> None:
    found = answer(postrail, "status")
    assert [process["process"] for process in found["stream"]["processes"]] == ["parser-a"]
    assert found["stream"]["to_parse"] == 4
    assert found["stream"]["dead"] == 1
    assert found["tables"]["incoming"] == {"failed": 1, "fetched": 1}
    # It was fetched long ago and has no outcome.
    assert found["tables"]["unaccounted"] == 1
    assert found["tables"]["outgoing"]["queued"] == 2
    assert found["problems"] == []
    _, output, _ = postrail("status")
    assert "not seen" in output
    assert "Messages unaccounted for" in output


def test_the_status_shows_kafka_while_postgresql_is_unavailable(
    postrail: Postrail, filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRAIL_DATABASE__URL", "postgresql://nobody@127.0.0.1:1/none")
    code, output, errors = postrail("status")
    assert code == 1
    assert "Fetched, to be parsed" in output
    assert "POSTRAIL_DATABASE__URL" in errors


def test_young_blobs_are_kept(postrail: Postrail, filled: Filled) -> None:
    report = answer(postrail, "blobs", "collect", "--dry-run")
    assert (report["seen"], report["young"], report["removed"]) == (1, 1, 0)
    assert "1 blobs: 1 young" in postrail("blobs", "collect")[1]
