"""`postrail mail release` on real servers: what it takes, what it skips, and what it says."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from postrail.settings import Settings
from tests.makers.commands import Postrail, answer
from tests.makers.installation import Filled

# 12 quarantined by a brake, 3 ignored as bulk, 2 failed, in two mailboxes; and one that is done.
HELD = """
INSERT INTO incoming_mail (mail_id, mailbox, source, state, size, fetched_at, outcome, reason,
    handled_at, arrival, parsed, revision, trace)
    SELECT gen_random_uuid(), CASE mod(n, 2) WHEN 0 THEN 'support' ELSE 'sales' END,
        'INBOX;uid=' || n,
        CASE WHEN n <= 12 THEN 'quarantined' WHEN n <= 15 THEN 'done' ELSE 'failed' END, 10, now(),
        CASE WHEN n <= 12 THEN 'quarantined' WHEN n <= 15 THEN 'ignored' ELSE 'failed' END,
        CASE WHEN n <= 12 THEN 'too many' WHEN n <= 15 THEN 'bulk' ELSE 'poison' END,
        now(), n, NULL, 1,
        CASE WHEN n <= 12 THEN '{"held_by": "braked"}'::jsonb
             WHEN n <= 15 THEN '{"held_by": "bulk"}'::jsonb ELSE '{}'::jsonb END
    FROM generate_series(1, 17) AS n
"""
BRAKED = {"reason": "too many", "held_by": "braked", "count": 12}


@pytest.fixture
def held(settings: Settings, filled: Filled) -> Filled:
    with psycopg.connect(settings.database.url.get_secret_value()) as connection:
        connection.execute(HELD.encode())
    return filled


def query(settings: Settings, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.database.url.get_secret_value()) as connection:
        return connection.execute(statement.encode()).fetchall()


def requested(settings: Settings) -> list[tuple[Any, ...]]:
    return query(
        settings,
        "SELECT outcome, count(*) FROM refetch JOIN incoming_mail USING (mail_id)"
        " GROUP BY 1 ORDER BY 1",
    )


def one_with(settings: Settings, outcome: str) -> str:
    where = f"outcome = '{outcome}' ORDER BY arrival LIMIT 1"
    ((mail_id,),) = query(settings, f"SELECT mail_id::text FROM incoming_mail WHERE {where}")
    return str(mail_id)


def test_one_message_is_released_and_says_what_is_not_asked_again(
    postrail: Postrail, held: Filled, settings: Settings
) -> None:
    mail_id = one_with(settings, "quarantined")
    code, output, _ = postrail("mail", "release", mail_id, "--dry-run")
    assert (code, requested(settings)) == (0, [])
    assert "Nothing was changed." in output
    assert " braked" in output
    code, output, _ = postrail("mail", "release", mail_id, "--author", "ann")
    assert code == 0
    assert f"Message {mail_id} is released: " in output
    assert "Not asked again: braked." in output
    assert requested(settings) == [("quarantined", 1)]
    shown = answer(postrail, "mail", "show", mail_id)
    assert (shown["release"]["by"], shown["release"]["skips"]) == ("ann", ["braked"])
    _, output, _ = postrail("mail", "show", mail_id)
    assert "Held by" in output
    assert "; not asked again: braked" in output
    assert "was asked for already" in postrail("mail", "release", mail_id)[1]


def test_several_messages_are_released_by_their_ids(
    postrail: Postrail, held: Filled, settings: Settings
) -> None:
    ids = [one_with(settings, outcome) for outcome in ("quarantined", "ignored", "failed")]
    assert answer(postrail, "mail", "release", *ids) == {
        "selected": 3,
        "requested": 3,
        "mail_ids": ids,
    }
    assert [outcome for outcome, _ in requested(settings)] == ["failed", "ignored", "quarantined"]
    code, _, errors = postrail("mail", "release", held.inline)
    assert code == 1
    assert "its state is done, its outcome issue" in " ".join(errors.split())
    # Nothing held it: it is asked for by a retry only.
    assert postrail("mail", "release", held.fetched)[0] == 1
    assert postrail("mail", "retry", held.fetched)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "outcomes"),
    [
        (["--all"], [("quarantined", 12)]),
        (["--reason", "TOO"], [("quarantined", 12)]),
        # As notices say it.
        (["--all", "--reason", "TOO"], [("quarantined", 12)]),
        (["--reason", "bulk"], []),
        (["--all", "--mailbox", "sales"], [("quarantined", 6)]),
        (["--all", "--outcome", "ignored"], [("ignored", 3)]),
        (["--all", "--outcome", "ignored", "--mailbox", "support"], [("ignored", 1)]),
        (["--reason", "bulk", "--outcome", "ignored", "--outcome", "failed"], [("ignored", 3)]),
        (
            ["--all", "--state", "quarantined", "--outcome", "ignored"],
            [("ignored", 3), ("quarantined", 12)],
        ),
    ],
)
def test_all_that_match_are_released(
    postrail: Postrail,
    held: Filled,
    settings: Settings,
    arguments: list[str],
    outcomes: list[tuple[str, int]],
) -> None:
    selected = answer(postrail, "mail", "release", *arguments, "--dry-run")
    assert (selected["requested"], requested(settings)) == (0, [])
    found = answer(postrail, "mail", "release", *arguments, "--yes")
    assert found["selected"] == found["requested"] == selected["selected"]
    assert len(found["mail_ids"]) == found["selected"]
    assert requested(settings) == outcomes
    assert found["selected"] == sum(count for _, count in outcomes)


def test_quarantined_and_ignored_messages_can_be_retried_where_that_is_said(
    postrail: Postrail, held: Filled, settings: Settings
) -> None:
    assert answer(postrail, "mail", "retry", "--all", "--yes")["selected"] == 3
    found = answer(postrail, "mail", "retry", "--all", "--state", "quarantined", "--yes")
    assert found["reasons"] == [BRAKED]
    # A retry asks everything again.
    assert query(settings, "SELECT DISTINCT release FROM incoming_mail") == [(None,)]


def test_a_dry_run_shows_what_is_not_asked_again(postrail: Postrail, held: Filled) -> None:
    assert answer(postrail, "mail", "release", "--all", "--dry-run")["reasons"] == [BRAKED]
    _, output, _ = postrail("mail", "release", "--all", "--dry-run")
    assert "Not asked again" in output
    assert "12 quarantined messages in all." in output
    assert "To release them, leave out --dry-run." in output
    assert "No failed and ignored messages." not in output


def test_a_handler_is_named_that_exists(
    postrail: Postrail, held: Filled, settings: Settings
) -> None:
    for which in (["--all", "--yes"], [one_with(settings, "ignored")], ["--all", "--dry-run"]):
        code, _, errors = postrail("mail", "release", *which, "--as-handler", "gone")
        assert code == 1
        assert "no enabled mail handler is called gone" in errors
        assert "Enabled are: none. See: postrail handlers list" in " ".join(errors.split())
    assert requested(settings) == []


@pytest.mark.parametrize(
    "arguments", [[], ["abcd", "--reason", "x"], ["abcd", "--all"], ["abcd", "--mailbox", "sales"]]
)
def test_one_choice_is_required(
    postrail: Postrail, held: Filled, settings: Settings, arguments: list[str]
) -> None:
    code, _, errors = postrail("mail", "release", *arguments)
    assert code != 0
    assert "Remedy: " in errors
    assert requested(settings) == []


def test_messages_are_listed_by_outcome(postrail: Postrail, held: Filled) -> None:
    found = answer(postrail, "mail", "list", "--outcome", "ignored", "--outcome", "failed")
    assert sorted(one["outcome"] for one in found) == ["failed"] * 3 + ["ignored"] * 3
    found = answer(postrail, "mail", "list", "--outcome", "quarantined", "--mailbox", "sales")
    assert len(found) == 6


def test_the_status_says_how_to_see_and_release_what_is_held(
    postrail: Postrail, held: Filled
) -> None:
    _, output, _ = postrail("status")
    words = " ".join(output.split())
    assert "Messages quarantined 12 (postrail mail list --state quarantined" in words
    assert "postrail mail release lets them in)" in words
    assert json.loads(postrail("status", "--json")[1])["tables"]["incoming"]["quarantined"] == 12
