"""The command line itself: help, version, exit codes, messages. No server needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from postrail import __version__
from postrail.errors import ConfigurationError, FatalError, PipelineError, TransientError
from services.cli import app
from services.cli.app import run
from services.cli.commands import processes as operate
from services.cli.output import as_json, clean


@pytest.mark.parametrize("arguments", [["--help"], ["apply", "-h"], ["topics", "--help"]])
def test_help_is_answered(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    assert "Usage:" in capsys.readouterr().out


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"postrail {__version__}\n"


@pytest.mark.parametrize("arguments", [["nonsense"], ["run", "nobody"], ["apply", "--nonsense"]])
def test_wrong_use_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [(ConfigurationError, 2), (TransientError, 1), (FatalError, 1)],
)
def test_an_error_is_one_message_with_setting_and_remedy(
    error: type[PipelineError],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_: object) -> None:
        raise error("it broke", setting="POSTRAIL_X", remedy="Mend it")

    monkeypatch.setattr(operate, "load", fail)
    assert run(["migrate"]) == code
    assert capsys.readouterr().err == "Error: it broke\nSetting: POSTRAIL_X\nRemedy: Mend it\n"


@pytest.mark.parametrize("named", [False, True])
def test_who_has_no_servers_yet_is_told_how_to_start_some(
    named: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def fail(_: object) -> None:
        raise TransientError("PostgreSQL is away", setting="POSTRAIL_DATABASE__URL")

    monkeypatch.setattr(operate, "load", fail)
    monkeypatch.setattr(app, "adopted_folder", lambda: None)
    monkeypatch.chdir(tmp_path)
    if named:
        monkeypatch.setenv("POSTRAIL_DATABASE__URL", "postgresql://a@b/c")
    else:
        monkeypatch.delenv("POSTRAIL_DATABASE__URL", raising=False)
    assert run(["migrate"]) == 1
    assert ("`postrail up`" in capsys.readouterr().err) is not named


# Addresses that cannot be read; each has the password in it.
@pytest.mark.parametrize(
    "address",
    [
        "postgresql://postrail:geheim word@db/postrail",
        "postgresql://postrail:geheim%zz@db/postrail",
        "postgres//postrail:geheim@db",
    ],
)
def test_an_address_that_cannot_be_read_is_not_shown(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POSTRAIL_DATABASE__URL", address)
    assert run(["accounts", "list"]) == 2
    told = capsys.readouterr().err
    assert "Setting: POSTRAIL_DATABASE__URL" in told
    assert "geheim" not in told


def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POSTRAIL_KAFKA__PARTITIONS", "many")
    assert run(["migrate"]) == 2
    assert "Setting: POSTRAIL_KAFKA__PARTITIONS" in capsys.readouterr().err


def test_help_imports_no_kafka_no_database_and_no_models() -> None:
    script = (
        "import sys; from services.cli.app import run; run(['--help'])\n"
        "heavy = {'kafka', 'psycopg', 'pydantic', 'cryptography', 'fastavro', 'obstore'}\n"
        "sys.exit(','.join(sorted(heavy & sys.modules.keys())) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_init_never_replaces_a_file_unless_forced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "postrail.yaml"
    file.write_text("mine")
    assert run(["init", str(file)]) == 2
    assert "--force" in capsys.readouterr().err
    assert file.read_text() == "mine"
    assert run(["init", str(file), "--force"]) == 0
    assert "accounts:" in file.read_text()


def test_init_into_a_folder_that_is_not_there_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", str(tmp_path / "none" / "x.yaml")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_apply_without_a_file_says_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["apply"]) == 2
    assert "postrail init" in capsys.readouterr().err


def test_a_new_key_is_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["secrets", "new-key"]) == 0
    assert len(capsys.readouterr().out.strip()) == 44


def test_control_characters_of_strangers_never_reach_the_terminal() -> None:
    assert clean("a\x1b[2Jb\x07\x9bc\r") == "a�[2Jb��c�"
    assert clean("é\tü\n") == "é\tü\n"


def test_json_keeps_letters_as_they_are() -> None:
    assert as_json({"subject": "Grüße"}) == '{"subject": "Grüße"}'
