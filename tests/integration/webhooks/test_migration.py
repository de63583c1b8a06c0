"""Alerts that wait when the queue of webhooks is made are posted by it."""

from __future__ import annotations

from pydantic import SecretStr

from postrail.database import one_connection, rows
from postrail.settings import DatabaseSettings
from tests.servers.databases import migrate_filled

NUMBER = 71
WAITING = "00000000-0000-4000-8000-000000000001"
FILLED = f"""
INSERT INTO alert (alert_id, made_at, body)
    VALUES ('{WAITING}', '2026-11-29 12:00+00', '{{"id": "{WAITING}"}}');
INSERT INTO timer (kind, key, due_at)
    VALUES ('webhook', '{WAITING}', '2026-11-29'), ('held', '7', '2026-11-29');
"""


async def test_alerts_move_with_their_ids_and_times(empty_database_url: str) -> None:
    await migrate_filled(empty_database_url, NUMBER, FILLED)
    settings = DatabaseSettings(url=SecretStr(empty_database_url))
    async with one_connection(settings) as connection:
        found = await rows(
            connection,
            "SELECT post_id::text, purpose, url, body, state, give_up_at - made_at ="
            " interval '5 days', next_at = made_at FROM webhook_post",
        )
        kinds = await rows(connection, "SELECT kind FROM timer")
    body = f'{{"id": "{WAITING}"}}'
    assert found == [(WAITING, "alert", "", body, "waiting", True, True)]
    assert kinds == [("held",)]
