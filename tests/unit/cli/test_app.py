"""The command line itself: help, version, exit codes, messages. No server needed."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from postrail import __version__
from postrail.errors import ConfigurationError, FatalError, PipelineError, TransientError
from services.cli import app
from services.cli.app import command_group, run
from services.cli.commands import COMMANDS
from services.cli.commands.setup import migrate
from services.cli.lazy_group import LazyCommand
from services.cli.output import as_json


@pytest.mark.parametrize("arguments", [["--help"], ["apply", "-h"], ["topics", "--help"]])
def test_help_is_answered(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    assert "Usage:" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
def test_a_command_and_the_list_have_the_same_summary(command: LazyCommand) -> None:
    summary = inspect.cleandoc(command.load().help or "").partition("\n")[0]
    assert summary == command.help


def test_a_group_by_its_old_name_works_and_is_not_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["mails", "--help"]) == 0
    assert "postrail mails [OPTIONS]" in capsys.readouterr().out
    listed = {name for name, command in command_group().commands.items() if not command.hidden}
    assert "mail" in listed
    assert "mails" not in listed


def test_a_mistyped_command_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["isues"]) == 2
    assert "Did you mean 'issues'?" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"postrail {__version__}\n"


@pytest.mark.parametrize("arguments", [["nonsense"], ["run", "nobody"], ["apply", "--nonsense"]])
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
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
        raise error("it broke", setting="POSTRAIL_X", remedy="Fix it")

    monkeypatch.setattr(migrate, "load_to_write", fail)
    assert run(["migrate"]) == code
    assert capsys.readouterr().err == "Error: it broke\nSetting: POSTRAIL_X\nRemedy: Fix it\n"


@pytest.mark.parametrize("named", [False, True])
def test_without_servers_the_error_says_how_to_start_some(
    named: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def fail(_: object) -> None:
        raise TransientError("PostgreSQL is unavailable", setting="POSTRAIL_DATABASE__URL")

    monkeypatch.setattr(migrate, "load_to_write", fail)
    monkeypatch.setattr(app, "adopted_folder", lambda: None)
    monkeypatch.chdir(tmp_path)
    if named:
        monkeypatch.setenv("POSTRAIL_DATABASE__URL", "postgresql://a@b/c")
    else:
        monkeypatch.delenv("POSTRAIL_DATABASE__URL", raising=False)
    assert run(["migrate"]) == 1
    assert ("`postrail up`" in capsys.readouterr().err) is not named


# Malformed addresses that contain the password.
@pytest.mark.parametrize(
    "address",
    [
        "postgresql://postrail:geheim word@db/postrail",
        "postgresql://postrail:geheim%zz@db/postrail",
        "postgres//postrail:geheim@db",
    ],
)
def test_a_malformed_address_is_not_shown(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POSTRAIL_DATABASE__URL", address)
    assert run(["accounts", "list"]) == 2
    printed = capsys.readouterr().err
    assert "Setting: POSTRAIL_DATABASE__URL" in printed
    assert "geheim" not in printed


def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POSTRAIL_KAFKA__PARTITIONS", "many")
    assert run(["migrate"]) == 2
    assert "Setting: POSTRAIL_KAFKA__PARTITIONS" in capsys.readouterr().err


# The command line, and libraries and modules that it must not import.
HEAVY = {"kafka", "psycopg", "pydantic", "cryptography", "fastavro", "obstore", "re2", "faust"}


@pytest.mark.parametrize(
    ("arguments", "avoided"),
    [
        (["--help"], HEAVY),
        (["--version"], HEAVY),
        # Typer itself imports pydantic when a command has parameters.
        (["init", "--help"], HEAVY - {"pydantic"}),
        # The parser needs re2 and the models, but no server.
        (["parse", "--help"], {"kafka", "psycopg", "obstore", "faust"}),
        # The models of mail handlers need re2.
        (["mail", "--help"], {"services.parser.parse", "faust", "services.cli.commands.issues"}),
    ],
)
def test_a_command_imports_what_it_needs_only(arguments: list[str], avoided: set[str]) -> None:
    script = (
        f"import sys; from services.cli.app import run; run({arguments})\n"
        f"sys.exit(','.join(sorted({avoided} & sys.modules.keys())) or 0)"
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


def test_init_into_a_missing_folder_says_so(
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


def test_json_keeps_letters_as_they_are() -> None:
    assert as_json({"subject": "Grüße"}) == '{"subject": "Grüße"}'


def test_the_words_of_an_error_are_cleaned(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["parse", "no\x9bfile\u200b.eml"]) == 1
    error = capsys.readouterr().err
    assert "no�file�.eml" in error
