"""Commands on real servers: their output, their effects and their exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from postrail.stream.topics import TOPICS
from tests.makers.commands import Postrail


def test_the_file_of_init_can_be_applied_unchanged(postrail: Postrail, tmp_path: Path) -> None:
    assert postrail("init")[0] == 0
    code, output, _ = postrail("apply", "--dry-run")
    assert code == 0
    assert "created   account help" in output
    assert "Dry run, nothing written: 6 created, 0 changed, 0 unchanged." in output
    code, output, _ = postrail("apply", "-f", str(tmp_path / "postrail.yaml"))
    assert code == 0
    assert "Applied: 6 created, 0 changed, 0 unchanged." in output
    code, output, _ = postrail("apply", "--json")
    answer = json.loads(output)
    assert [change["action"] for change in answer["changes"]] == ["unchanged"] * 6
    assert answer["untouched"] == []


def test_apply_mentions_plain_passwords_and_untouched_things(
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
    assert "account help, connection outgoing, handler desk, handler spam, person" in output


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


def test_an_unavailable_database_ends_with_1_and_names_the_setting(
    postrail: Postrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTRAIL_DATABASE__URL", "postgresql://nobody@127.0.0.1:1/none")
    code, _, errors = postrail("migrate")
    assert code == 1
    assert "Setting: POSTRAIL_DATABASE__URL" in errors
    assert "Traceback" not in errors


def test_an_unavailable_broker_is_one_message_without_the_log_of_the_library(
    environment: dict[str, str],
) -> None:
    unavailable = {
        "POSTRAIL_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "POSTRAIL_KAFKA__REQUEST_TIMEOUT_SECONDS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", "dead", "list"],
        env=os.environ | environment | unavailable,
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


def test_topics_are_created_once_and_differences_refused(
    postrail: Postrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, output, _ = postrail("topics", "apply", "--dry-run")
    assert code == 0
    assert output.count("Would create") == len(TOPICS)
    assert postrail("topics", "apply")[1].count("Created ") == len(TOPICS)
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

    unavailable = {"POSTRAIL_DATABASE__URL": "postgresql://nobody@127.0.0.1:1/none"}
    # The default folder; the one of the environment; --data, which wins over the environment.
    assert migrate().returncode == 0
    assert migrate(POSTRAIL_DATA=str(folder), **unavailable).returncode == 0
    assert migrate("--data", str(folder), **unavailable).returncode == 0
    # Servers named in the environment win over the default folder.
    assert migrate(**unavailable).returncode == 1
    missing = migrate("--data", "nowhere")
    assert missing.returncode == 2
    assert "postrail up --data nowhere" in missing.stderr
