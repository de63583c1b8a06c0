"""Commands that observe a running fetcher: its contact with the server, and the dialogue log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from postrail.settings import Settings
from postrail.stream.topics import apply_topics
from services.cli.app import run
from tests.fakes.fetching import until_blocking
from tests.processes.fetcher_process import fetcher
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot

pytestmark = pytest.mark.debian

REPOSITORY = Path(__file__).parents[3]
PASSWORD_VARIABLE = "POSTRAIL_SECRET_MAIL"


@pytest.fixture
def command(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Returns a function that runs a command, which must succeed, and returns its output."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str) -> str:
        capfd.readouterr()
        assert run(arguments) == 0
        return capfd.readouterr().out

    return call


def file_of(folder: Path, dovecot: Dovecot, certificates: Certificates) -> Path:
    path = folder / "postrail.yaml"
    path.write_text(
        "connections: [{name: out, host: localhost, from_address: a@example.org}]\n"
        "projects: [{key: HELP, name: Help desk}]\n"
        "accounts:\n"
        f"  - {{name: help, host: localhost, port: {dovecot.imaps_port}, username: help,\n"
        f"     password: 'env:{PASSWORD_VARIABLE}', ca_file: '{certificates.ca_file}',\n"
        "     address: help@example.org, project: HELP}\n"
    )
    return path


async def test_the_dialogue_log_is_switched_at_run_time_and_the_contact_is_shown(
    dovecot: Dovecot,
    certificates: Certificates,
    settings: Settings,
    environment: dict[str, str],
    command: Callable[..., str],
    tmp_path: Path,
) -> None:
    await asyncio.to_thread(apply_topics, settings.kafka)
    file = file_of(tmp_path, dovecot, certificates)
    await asyncio.to_thread(command, "apply", "-f", str(file))
    log = tmp_path / "fetcher.log"

    def said() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        return [line for line in lines if line["event"] == "dialogue"]

    def words(event: dict[str, Any]) -> str:
        return str(event.get("sent") or event.get("received"))

    def opened() -> int:
        return log.read_text().count('"mailbox open"')

    variables = {
        PASSWORD_VARIABLE: dovecot.password,
        "POSTRAIL_FETCHER__ACCOUNTS_RELOAD_SECONDS": "0.5",
    }
    with fetcher(environment | variables, log):
        await until_blocking(lambda: opened() == 1, 40)
        assert said() == []
        await asyncio.to_thread(command, "accounts", "debug", "help", "on")
        await until_blocking(lambda: any("IDLE" in words(event) for event in said()), 20)
        dovecot.deliver("help", b"Subject: Confidential\r\n\r\nThe code is 1234.\r\n")
        await until_blocking(lambda: any("BODY[] {" in words(event) for event in said()), 20)
        await asyncio.to_thread(command, "accounts", "debug", "help", "off")
        await until_blocking(lambda: opened() == 3, 20)
        text = "\n".join(map(words, said()))
        assert "LOGIN ***" in text
        for secret in ("Confidential", "1234", dovecot.password):
            assert secret not in text
        before = len(said())
        await asyncio.to_thread(command, "accounts", "fetch", "help")
        standing = json.loads(await asyncio.to_thread(command, "accounts", "list", "--json"))
        assert standing[0]["standing"]["contact"]["problem"] == ""
        assert standing[0]["standing"]["contact"]["reached_at"]
        assert standing[0]["standing"]["folders"][0]["last_uid"] == 1
        assert standing[0]["standing"]["fetched_in_24_hours"] == 1
        assert len(said()) == before
        dovecot.stop()
        await until_blocking(lambda: "refused the connection" in _problem(settings), 20)


async def test_a_comparison_is_requested_and_its_figures_are_shown(
    dovecot: Dovecot,
    certificates: Certificates,
    settings: Settings,
    environment: dict[str, str],
    command: Callable[..., str],
    tmp_path: Path,
) -> None:
    await asyncio.to_thread(apply_topics, settings.kafka)
    file = file_of(tmp_path, dovecot, certificates)
    file.write_text(
        file.read_text().replace("project: HELP}", "project: HELP, only_after: 2026-06-01}")
    )
    await asyncio.to_thread(command, "apply", "-f", str(file))
    for month in (3, 5, 7):
        dovecot.append("help", b"Subject: A\r\n\r\n", when=datetime(2026, month, 1, tzinfo=UTC))
    unwatched = ("accounts", "reconcile", "help", "--wait", "0")
    waiting = await asyncio.to_thread(command, *unwatched)
    assert waiting == "help: not finished, so far 0 messages held, 0 unaccounted for, 0 fetched\n"
    with fetcher(environment | {PASSWORD_VARIABLE: dovecot.password}, tmp_path / "fetcher.log"):
        words = await asyncio.to_thread(command, "accounts", "reconcile", "help")
        assert words == "help: 1 messages held, 0 unaccounted for, 0 fetched\n"
        arguments = ("accounts", "backfill", "--all", "--since", "2026-04-01", "--json")
        (found,) = json.loads(await asyncio.to_thread(command, *arguments))
    assert (found["since"], found["held"], found["unaccounted"], found["fetched"]) == (
        "2026-04-01",
        2,
        1,
        1,
    )
    assert found["finished_at"]


async def test_a_comparison_does_not_hide_messages_that_kafka_has_lost(
    dovecot: Dovecot,
    certificates: Certificates,
    settings: Settings,
    command: Callable[..., str],
    tmp_path: Path,
) -> None:
    """Each of them has a row, so that none is unaccounted for."""
    await asyncio.to_thread(apply_topics, settings.kafka)
    await asyncio.to_thread(command, "apply", "-f", str(file_of(tmp_path, dovecot, certificates)))
    with psycopg.connect(settings.database.url.get_secret_value()) as connection:
        connection.execute(
            "INSERT INTO kafka_topic SELECT 'mail.fetched', gen_random_uuid(), at"
            " FROM unnest(ARRAY['2026-01-01', '2026-02-01']::timestamptz[]) AS at"
        )
        connection.execute(
            "INSERT INTO incoming_mail (mail_id, mailbox, source, state, size, fetched_at)"
            " SELECT gen_random_uuid(), 'help', 'INBOX', 'fetched', 1, at"
            " FROM unnest(ARRAY['2026-01-15', '2026-02-15']::timestamptz[]) AS at"
        )
    words = await asyncio.to_thread(command, "accounts", "reconcile", "help", "--wait", "0")
    assert words.endswith("0 fetched, 1 lost in Kafka and to be published again\n")
    (found,) = json.loads(
        await asyncio.to_thread(command, "accounts", "reconcile", "help", "--wait", "0", "--json")
    )
    assert found["lost"] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("reconcile",), 2, "which mailboxes?"),
        (("reconcile", "help", "--all"), 2, "which mailboxes?"),
        (("reconcile", "nobody"), 1, "there is no mail account 'nobody'"),
        (("backfill", "help"), 2, "since when?"),
    ],
)
def test_a_comparison_without_mailbox_or_date_is_refused(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert run(["accounts", *arguments]) == code
    assert words in capfd.readouterr().err


def _problem(settings: Settings) -> str:
    with psycopg.connect(settings.database.url.get_secret_value()) as connection:
        found = connection.execute("SELECT problem FROM mailbox_contact").fetchone()
    return str(found[0]) if found else ""
