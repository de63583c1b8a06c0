"""Commands against real servers: what they print, what they write, and how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from services.cli.app import run

Postrail = Callable[..., tuple[int, str, str]]


@pytest.fixture
def postrail(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> Postrail:
    """Runs a command in an empty folder; returns its exit code, output and errors."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        output, errors = capfd.readouterr()
        return code, output, errors

    return call


def test_what_init_writes_can_be_applied_as_it_is(postrail: Postrail, tmp_path: Path) -> None:
    assert postrail("init")[0] == 0
    code, output, _ = postrail("apply", "--dry-run")
    assert code == 0
    assert "created   account help" in output
    assert "Dry run, nothing written: 4 created, 0 changed, 0 unchanged." in output
    code, output, _ = postrail("apply", "-f", str(tmp_path / "postrail.yaml"))
    assert code == 0
    assert "Applied: 4 created, 0 changed, 0 unchanged." in output
    code, output, _ = postrail("apply", "--json")
    answer = json.loads(output)
    assert [change["action"] for change in answer["changes"]] == ["unchanged"] * 4
    assert answer["untouched"] == []


def test_plain_passwords_in_the_file_are_mentioned_and_left_alone_things_named(
    postrail: Postrail,
) -> None:
    postrail("init")
    postrail("apply")
    Path("more.yaml").write_text(
        "connections:\n  - {name: two, host: localhost, username: me, password: secret,"
        " from_address: me@example.org}\n"
    )
    _, output, _ = postrail("apply", "-f", "more.yaml")
    assert "1 passwords in the file are plain text" in output
    assert "left unchanged: account help, connection outgoing, person agent@example.org" in output


def test_a_wrong_file_ends_with_2_and_names_line_and_field(postrail: Postrail) -> None:
    Path("postrail.yaml").write_text("accounts:\n  - nam: help\n")
    code, output, errors = postrail("apply")
    assert (code, output) == (2, "")
    assert "postrail.yaml:2: account, nam: is not known; did you mean 'name'?" in errors


def test_a_database_without_tables_says_to_migrate(
    postrail: Postrail, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRAIL_DATABASE__URL", empty_database_url)
    postrail("init")
    code, _, errors = postrail("apply")
    assert code == 2
    assert "Remedy: Run: postrail migrate" in errors
    code, output, _ = postrail("migrate")
    assert code == 0
    assert "Applied 0001_tables.sql" in output
    assert "has all migrations" in postrail("migrate")[1]
    assert postrail("apply")[0] == 0


def test_a_database_that_is_away_ends_with_1_and_names_the_setting(
    postrail: Postrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRAIL_DATABASE__URL", "postgresql://nobody@127.0.0.1:1/none")
    code, _, errors = postrail("migrate")
    assert code == 1
    assert "Setting: POSTRAIL_DATABASE__URL" in errors
    assert "Traceback" not in errors


def test_a_broker_that_is_away_is_one_message_without_the_librarys_own_log(
    environment: dict[str, str],
) -> None:
    away = {
        "POSTRAIL_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "POSTRAIL_KAFKA__REQUEST_TIMEOUT_SECONDS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", "dead", "list"],
        env=os.environ | environment | away,
        cwd=Path(__file__).parents[3],
        text=True,
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == [
        "Error",
        "Setting",
        "Remedy",
    ]


def test_topics_are_made_once_and_differences_refused(
    postrail: Postrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, output, _ = postrail("topics", "apply", "--dry-run")
    assert code == 0
    assert output.count("Would create") == 8
    assert postrail("topics", "apply")[1].count("Created ") == 8
    assert "All topics exist" in postrail("topics", "apply")[1]
    monkeypatch.setenv("POSTRAIL_KAFKA__PARTITIONS", "5")
    for arguments in (["topics", "apply"], ["topics", "apply", "--dry-run"]):
        code, _, errors = postrail(*arguments)
        assert code == 2
        assert "mail.fetched has 4 partitions, wanted 5" in errors


def test_the_folder_of_an_installation_names_the_addresses(
    environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "postrail-data"
    folder.mkdir()
    (folder / "endpoints.json").write_text(
        json.dumps(
            {
                "data": str(folder),
                "kafka": "127.0.0.1:1",
                "database_url": environment["POSTRAIL_DATABASE__URL"],
                "blobs_url": environment["POSTRAIL_BLOBS__URL"],
                "keys_file": str(folder / "secret.keys"),
            }
        )
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("POSTRAIL_")}

    def migrate(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "services.cli", "migrate", *arguments],
            env=clean | {"PYTHONPATH": str(Path(__file__).parents[3])} | variables,
            cwd=tmp_path,
            text=True,
            capture_output=True,
            timeout=60,
        )

    away = {"POSTRAIL_DATABASE__URL": "postgresql://nobody@127.0.0.1:1/none"}
    # The folder here, the folder in the environment, and the one of --data over the environment.
    assert migrate().returncode == 0
    assert migrate(POSTRAIL_DATA=str(folder), **away).returncode == 0
    assert migrate("--data", str(folder), **away).returncode == 0
    # Who names servers in the environment does not mean the folder that happens to be here.
    assert migrate(**away).returncode == 1
    missing = migrate("--data", "nowhere")
    assert missing.returncode == 2
    assert "postrail up --data nowhere" in missing.stderr
