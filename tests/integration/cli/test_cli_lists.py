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
    assert "settled as sent for ada@example.org" in output
    code, output, errors = postrail("outgoing", "retry", second["outgoing_id"][:12])
    assert (code, errors) == (0, "")
    assert "due again for ada@example.org" in output

    rows = {row["outgoing_id"]: row for row in answer(postrail, "outgoing", "list")}
    assert rows[first["outgoing_id"]]["state"] == "sent"
    assert rows[first["outgoing_id"]]["reply"] == "Settled by a person: silence"
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
