"""`postrail parse` prints text for people and a line of JSON for each path, without a server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from services.cli.app import run

MAILS = Path(__file__).parents[2] / "mails"


def test_it_shows_the_contents_of_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["parse", str(MAILS / "bounce-qmail.eml")]) == 0
    shown = capsys.readouterr().out
    assert "failed for good: jo@customer.example (5.2.1); This address no longer" in shown
    assert "failure notice" in shown


def test_it_shows_the_quoted_part_separately(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["parse", str(MAILS / "reply-gmail.eml")]) == 0
    new, quoted = capsys.readouterr().out.split("Quoted:")
    assert "It works now" in new
    assert "> Please try again." in quoted


@pytest.mark.parametrize(
    ("mail", "line"),
    [
        ("calendar-invitation", "Calendar:\n  New invitation: Drucker, Küche: we löok at it\n"),
        ("calendar-declined", "  Answer to an invitation, declined: Look at the printer\n"),
        ("format-flowed", "Signature:\n"),
        ("detached-signatures", "Signed by "),
        ("winmail-only", "Unpacked  Plan für alle.pdf (application/pdf, 14 bytes)"),
        ("list-fields", "The users' list <users.lists.example>, to leave: mailto:leave@"),
    ],
)
def test_it_shows_events_lists_and_unpacked_files(
    mail: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["parse", str(MAILS / f"{mail}.eml")]) == 0
    assert line in capsys.readouterr().out


def test_a_list_without_an_id_is_shown_by_how_to_leave_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mail = tmp_path / "newsletter.eml"
    mail.write_text("List-Unsubscribe: <https://shop.example/leave>\n\nBuy!\n")
    assert run(["parse", str(mail)]) == 0
    assert "List  to leave: https://shop.example/leave" in capsys.readouterr().out


def test_unpacked_files_are_listed_apart_from_the_attachments(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["parse", "--jsonl", str(MAILS / "smime-opaque.eml")]) == 0
    report = json.loads(capsys.readouterr().out)
    (original,) = report["attachments"]
    (plan,) = report["unpacked"]
    assert (original["name"], plan["name"]) == ("smime.p7m", "plan.pdf")
    assert plan["unpacked_from"] == original["sha256"]


def test_a_line_for_each_path_in_order() -> None:
    paths = [MAILS / "out-of-office.eml", MAILS / "no-such-mail.eml", MAILS / "empty.eml"]
    answer = subprocess.run(
        [sys.executable, "-m", "services.cli", "parse", "--jsonl"],
        input="".join(f"{path}\n" for path in paths),
        capture_output=True,
        text=True,
        check=True,
        cwd=MAILS.parents[1],
    )
    first, second, third = (json.loads(line) for line in answer.stdout.splitlines())
    assert first["is_auto_reply"] is True
    assert "No such file" in second["error"]
    assert (third["subject"], third["error"]) == ("", None)


def test_a_missing_file_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["parse", "no-such-mail.eml"]) == 1
    assert "no-such-mail.eml cannot be read" in capsys.readouterr().err


def test_no_file_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["parse"]) == 2
    assert "--jsonl" in capsys.readouterr().err
