"""`postrail mail retry` on real servers: one message, and a thousand that failed by one cause."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import psycopg
import pytest

from postrail.settings import Settings
from tests.makers.commands import Postrail, answer
from tests.makers.installation import Filled

NO_RIGHT = "InsufficientPrivilege: Permission denied for table issue"
# 1,000 that failed because of a missing right, 500 in each of two mailboxes, and 3 others.
FAILED = """
INSERT INTO incoming_mail (mail_id, mailbox, source, state, size, fetched_at, outcome, reason,
    handled_at, arrival, parsed)
    SELECT gen_random_uuid(), CASE mod(n, 2) WHEN 0 THEN 'support' ELSE 'sales' END,
        'INBOX;uid=' || n, 'failed', 10, now(), 'failed',
        CASE WHEN n > 1000 THEN 'poison' ELSE %s END, now(), n, ''
    FROM generate_series(1, 1003) AS n
"""


@pytest.fixture
def failed(settings: Settings, filled: Filled) -> Filled:
    with psycopg.connect(settings.database.url.get_secret_value()) as connection:
        connection.execute(FAILED, [NO_RIGHT])
    return filled


def query(settings: Settings, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.database.url.get_secret_value()) as connection:
        return connection.execute(statement.encode()).fetchall()


def requests(settings: Settings) -> int:
    ((count,),) = query(settings, "SELECT count(*) FROM refetch")
    return int(count)


def test_a_failed_message_is_asked_for_again(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    code, output, _ = postrail("mail", "retry", filled.unparsable[:12], "--author", "ann")
    assert code == 0
    assert f"Message {filled.unparsable} is retried" in output
    assert f"postrail mail show {filled.unparsable[:8]}" in output
    again = answer(postrail, "mail", "show", filled.unparsable)["asked_again"]
    assert (again["requested_by"], again["reason"], again["held"]) == ("ann", "retry", False)
    assert "(by ann: retry)" in postrail("mail", "show", filled.unparsable)[1]
    # A second request changes nothing.
    code, output, _ = postrail("mail", "retry", filled.unparsable)
    assert (code, requests(settings)) == (0, 1)
    assert "was asked for already" in output
    assert answer(postrail, "mail", "retry", filled.unparsable) == {
        "selected": 1,
        "requested": 0,
        "mail_id": filled.unparsable,
        "mail_ids": [filled.unparsable],
    }


@pytest.mark.parametrize(("problem", "shown"), [(None, 0), ("it is busy", 1)])
def test_the_problem_of_a_parked_message_is_shown_once(
    postrail: Postrail, filled: Filled, settings: Settings, problem: str | None, shown: int
) -> None:
    postrail("mail", "retry", filled.unparsable)
    with psycopg.connect(settings.database.url.get_secret_value()) as connection:
        connection.execute(
            "UPDATE refetch SET attempts = 1, problem = coalesce(%s, mail.reason)"
            " FROM incoming_mail mail WHERE mail.mail_id = refetch.mail_id",
            [problem],
        )
    _, output, _ = postrail("mail", "show", filled.unparsable)
    assert ", after 1 attempt (by " in output
    assert output.count("the message could not be parsed: no headers") == 1
    assert output.count("; last: it is busy") == shown


def test_a_message_that_stays_fetched_is_asked_for_by_its_id_only(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    assert answer(postrail, "mail", "retry", "--all", "--yes")["selected"] == 1
    code, output, _ = postrail("mail", "retry", filled.fetched)
    assert code == 0
    assert f"Message {filled.fetched} is not parsed yet" in output
    assert "the second changes nothing" in output
    assert (filled.fetched,) in query(settings, "SELECT mail_id::text FROM refetch")
    assert "was asked for already" in postrail("mail", "retry", filled.fetched)[1]


def test_a_message_in_another_state_is_not_retried(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    code, _, errors = postrail("mail", "retry", filled.inline)
    assert code == 1
    assert "its state is done" in errors
    assert requests(settings) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["abcd", "--reason", "x"],
        ["abcd", "--all"],
        ["--reason", ""],
        ["abcd", "--dry-run"],
        ["abcd", "--mailbox", "support"],
    ],
)
def test_one_selection_is_required(
    postrail: Postrail, failed: Filled, settings: Settings, arguments: list[str]
) -> None:
    code, _, errors = postrail("mail", "retry", *arguments)
    assert code != 0
    assert "Remedy: " in errors
    assert requests(settings) == 0


def test_a_thousand_messages_are_retried_by_a_part_of_their_reason(
    postrail: Postrail, failed: Filled, settings: Settings
) -> None:
    code, output, _ = postrail("mail", "retry", "--reason", "PERMISSION denied", "--dry-run")
    assert code == 0
    assert "1000 failed messages in all" in output
    assert NO_RIGHT in output
    assert "Nothing was changed" in output
    assert requests(settings) == 0

    code, output, _ = postrail("mail", "retry", "--reason", "permission denied", "--yes")
    assert code == 0
    assert "1000 messages are retried." in output
    assert "postrail mail follow" in output
    due = query(settings, "SELECT count(*), count(DISTINCT due_at), max(reason) FROM refetch")
    assert due == [(1000, 1, "retry")]
    _, output, _ = postrail("status")
    assert "1000 now, 0 later" in output

    code, output, _ = postrail("mail", "retry", "--reason", "permission denied", "--yes")
    assert "0 messages are retried. 1000 were asked for already." in output


def test_all_failed_messages_of_a_mailbox_are_retried(
    postrail: Postrail, failed: Filled, settings: Settings
) -> None:
    found = answer(postrail, "mail", "retry", "--all", "--mailbox", "sales", "--yes")
    assert found["selected"] == found["requested"] == 502
    assert found["reasons"] == [
        {"reason": NO_RIGHT, "held_by": "", "count": 500},
        {"reason": "poison", "held_by": "", "count": 2},
    ]
    assert query(settings, "SELECT DISTINCT mailbox FROM refetch") == [("sales",)]


def test_quarantined_messages_are_retried_by_their_ids_only(
    postrail: Postrail, failed: Filled, settings: Settings
) -> None:
    with psycopg.connect(settings.database.url.get_secret_value()) as connection:
        connection.execute("UPDATE incoming_mail SET state = 'quarantined' WHERE reason = 'poison'")
    assert answer(postrail, "mail", "retry", "--reason", "poison")["selected"] == 0
    ((mail_id,), *_) = query(settings, "SELECT mail_id FROM incoming_mail WHERE reason = 'poison'")
    assert answer(postrail, "mail", "retry", str(mail_id))["requested"] == 1


@pytest.mark.parametrize(("said", "asked_for"), [("y", 1000), ("n", 0)])
def test_many_messages_are_retried_after_a_question(
    postrail: Postrail,
    failed: Filled,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    asked_for: int,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{said}\n"))
    code, output, _ = postrail("mail", "retry", "--reason", "permission")
    assert "Retry 1000 messages?" in output
    assert (code == 0, requests(settings)) == (bool(asked_for), asked_for)


def test_json_asks_nothing(postrail: Postrail, failed: Filled, settings: Settings) -> None:
    code, _, errors = postrail("mail", "retry", "--all", "--json")
    assert (code != 0, requests(settings)) == (True, 0)
    assert "Add --yes" in errors


def test_an_observer_shows_what_would_be_retried_and_changes_nothing(
    postrail: Postrail, failed: Filled, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRAIL_OBSERVER", "true")
    assert postrail("mail", "retry", "--all", "--dry-run")[0] == 0
    assert postrail("mail", "retry", "--all", "--yes")[0] == 2
    assert requests(settings) == 0


def test_doctor_names_what_could_not_be_fetched(
    postrail: Postrail, failed: Filled, settings: Settings, tmp_path: Path
) -> None:
    with psycopg.connect(settings.database.url.get_secret_value()) as connection:
        connection.execute(
            "INSERT INTO refetch (mail_id, mailbox, revision, requested_at, requested_by, reason,"
            " due_at, attempts, tried_at, problem) SELECT mail_id, mailbox, 0, now(), 'fetcher',"
            " 'not delivered', now() + interval '6 h', 1, now(), 'could not be fetched: broken'"
            " FROM incoming_mail WHERE reason = 'poison'"
        )
    # Those are only not served yet.
    postrail("mail", "retry", "--reason", "permission denied", "--mailbox", "sales", "--yes")
    _, output, _ = postrail("doctor")
    words = " ".join(output.split())
    assert " 3 could not be fetched and are asked for again; the last problem" in words
    assert "could not be fetched: broken" in words
    _, output, _ = postrail("status")
    assert "500 now, 3 later" in output
