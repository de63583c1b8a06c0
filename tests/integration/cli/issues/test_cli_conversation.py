"""`postrail issues show` and `attachments` on real servers: an issue as a conversation."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import re
from pathlib import Path

from postrail.settings import Settings
from services.cli.commands.issues.attachments import FILE_MAX_BYTES
from tests.makers.commands import Postrail, answer
from tests.makers.installation import PARTS, Filled, replied, take_effect
from tests.makers.parsing import contents, made

AGENT = ["--author", "agent@example.com"]
LETTER = b"""\
From: Ada <ada@example.org>
To: support@example.com
Subject: Re: HELP-1
Message-ID: <picture@example.org>
MIME-Version: 1.0
Content-Type: multipart/related; boundary=B

--B
Content-Type: text/plain

Look: [cid:flame@x] \x1b[2J There!
--B
Content-Type: image/png; name="../../flame?.png"
Content-ID: <flame@x>
Content-Transfer-Encoding: base64

%s
--B
Content-Type: text/csv; name=list.csv
Content-Disposition: attachment

a;b
--B--
""" % base64.b64encode(b"\x89PNG\r\n\x1a\nflame")


def receive(settings: Settings) -> None:
    parsed = made(LETTER.replace(b"\n", b"\r\n"))
    asyncio.run(take_effect(settings, parsed.record, contents(parsed), partition=2))


def test_an_issue_reads_like_a_conversation(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    receive(settings)
    mail_id = replied(settings, PARTS, large=False)
    made_comment = answer(postrail, "issues", "comment", "HELP-1", "Secret.", "--internal", *AGENT)
    number = str(made_comment["comment_id"])
    assert postrail("issues", "edit", "HELP-1", "--add", "labels=fire", *AGENT)[0] == 0
    assert postrail("issues", "comment", "HELP-1", "Fixed.", *AGENT)[0] == 0
    assert postrail("issues", "comment", "HELP-1", "Hidden.", "--edit", number, *AGENT)[0] == 0
    code, shown, errors = postrail("issues", "show", "HELP-1")
    assert code == 0, errors
    in_order = [
        "Printer [red]on\ufffd fire",
        "Open (to do)",
        "Medium",
        "Ada <ada@example.org>",
        "It burns.",
        "Look: [image: flame_.png (sent as '../../flame?.png'), image/png, 13 bytes]",
        "\ufffd[2J There!",
        "[attached: list.csv, text/csv, ",
        f"mail {mail_id[:8]}",
        "Still [bold]burning\ufffd.",
        "(quoted text hidden: --full shows it)",
        f"internal comment {number}, An Agent <agent@example.com>",
        "by An Agent",
        "Hidden.",
        "An Agent: labels: fire",
        "Fixed.",
    ]
    places = [shown.find(part) for part in in_order]
    assert -1 not in places, in_order[places.index(-1)] + "\n" + shown
    assert places == sorted(places), shown
    assert "Secret." not in shown
    assert "\x1b" not in shown
    full = postrail("issues", "show", "help-1", "--full")[1]
    assert re.search(r"Hidden\.\s+Before the edit of [^\n]+:\s+Secret\.", full)
    assert full.index("Quoted") < full.index("> Use water.")


def test_a_conversation_has_one_blank_line_between_its_parts(
    postrail: Postrail, filled: Filled
) -> None:
    assert postrail("issues", "create", "HELP", "Silent")[0] == 0
    for text in ("One.", "Two."):
        assert postrail("issues", "comment", "HELP-3", text, *AGENT)[0] == 0
    assert postrail("issues", "transition", "HELP-3", "Done")[0] == 0
    shown = postrail("issues", "show", "HELP-3")[1]
    assert "Done (" not in shown
    # The author's comment says enough.
    assert "watcher: " not in shown
    lines = [line.strip() for line in shown.splitlines()]
    assert [lines[at - 1] for at, line in enumerate(lines) if line.startswith("comment ")] == [
        ""
    ] * 2
    assert not any(one == other == "" for one, other in itertools.pairwise(lines))


def test_json_has_the_whole_issue(postrail: Postrail, filled: Filled, settings: Settings) -> None:
    receive(settings)
    found = answer(postrail, "issues", "show", "HELP-1")
    assert found["issue"]["key"] == "HELP-1"
    assert found["issue"]["priority_name"] == "Medium"
    (comment,) = found["comments"]
    assert comment["internal"] is False
    picture, table = found["attachments"]
    assert (picture["content_id"], picture["original_name"]) == ("flame@x", "../../flame?.png")
    assert (table["name"], table["comment_id"]) == ("list.csv", comment["comment_id"])


def test_files_are_listed_saved_and_added(
    postrail: Postrail, filled: Filled, settings: Settings, tmp_path: Path
) -> None:
    assert postrail("issues", "attachments", "list", "HELP-1")[1] == "No files.\n"
    receive(settings)
    new = tmp_path / "plan.pdf"
    new.write_bytes(b"%PDF")
    code, output, errors = postrail("issues", "attachments", "add", "help-1", str(new), *AGENT)
    assert code == 0, errors
    assert output.startswith("Attached plan.pdf to HELP-1 as file ")
    listed = answer(postrail, "issues", "attachments", "list", "HELP-1")
    assert [one["name"] for one in listed] == ["flame_.png", "list.csv", "plan.pdf"]
    assert "flame_.png" in postrail("issues", "attachments", "list", "HELP-1")[1]
    assert "An Agent: attachment: plan.pdf" in postrail("issues", "show", "HELP-1")[1]
    folder = tmp_path / "saved"
    saved = answer(postrail, "issues", "attachments", "save", "HELP-1", "--to", str(folder))
    assert {Path(one["path"]).name for one in saved} == {"flame_.png", "list.csv", "plan.pdf"}
    assert (folder / "flame_.png").read_bytes() == b"\x89PNG\r\n\x1a\nflame"
    _, again, _ = postrail(
        "issues", "attachments", "save", "HELP-1", "plan.pdf", "--to", str(folder)
    )
    assert again == f"Saved {folder / 'plan (2).pdf'}\n"
    assert not (tmp_path.parent / "flame?.png").exists()


def test_faults_of_files_have_reasons(
    postrail: Postrail, filled: Filled, settings: Settings, tmp_path: Path
) -> None:
    receive(settings)
    save = ["issues", "attachments", "save"]
    code, _, errors = postrail(*save, "HELP-1", "nothing.txt")
    assert (code, "HELP-1 has no file 'nothing.txt'" in errors) == (1, True)
    code, _, errors = postrail(*save, "HELP-9")
    assert (code, "there is no issue HELP-9" in errors) == (1, True)
    (tmp_path / "file").write_bytes(b"")
    code, _, errors = postrail(*save, "HELP-1", "--to", str(tmp_path / "file"))
    assert (code, "cannot be used" in errors) == (2, True)
    code, _, errors = postrail("issues", "attachments", "add", "HELP-1", str(tmp_path / "none"))
    assert (code, "cannot be read: No such file" in errors) == (2, True)
    # The blob of one file is gone; the other is saved all the same.
    (picture, _) = answer(postrail, "issues", "attachments", "list", "HELP-1")
    root = Path(settings.blobs.url.removeprefix("file://"))
    (root / "blobs" / picture["sha256"][:2] / picture["sha256"]).unlink()
    code, output, errors = postrail(*save, "HELP-1", "--to", str(tmp_path / "to"), "--json")
    assert code == 1
    first, second = json.loads(output)
    assert (first["path"], "there is no blob" in first["problem"]) == (None, True)
    assert Path(second["path"]).read_bytes() == b"a;b"
    assert "1 of 2 files could not be saved" in errors


def test_only_regular_files_of_a_moderate_size_are_attached(
    postrail: Postrail, filled: Filled, tmp_path: Path
) -> None:
    # A pipe without a writer would wait for ever, and a device never end.
    os.mkfifo(tmp_path / "pipe")
    large = tmp_path / "large"
    large.touch()
    os.truncate(large, FILE_MAX_BYTES + 1)
    for file, problem in [
        (Path("/dev/zero"), "is not a regular file"),
        (tmp_path / "pipe", "is not a regular file"),
        (tmp_path, "is not a regular file"),
        (large, "has more than 50 MiB"),
    ]:
        code, _, errors = postrail("issues", "attachments", "add", "HELP-1", str(file))
        assert (code, f"{file} {problem}" in " ".join(errors.split())) == (2, True), errors
    assert answer(postrail, "issues", "attachments", "list", "HELP-1") == []
    os.truncate(large, FILE_MAX_BYTES)
    assert postrail("issues", "attachments", "add", "HELP-1", str(large))[0] == 0


def test_links_and_former_keys_are_shown(postrail: Postrail, filled: Filled) -> None:
    assert postrail("issues", "link", "HELP-1", "blocks", "HELP-2")[0] == 0
    shown = postrail("issues", "show", "HELP-2")[1]
    assert re.search(r"Is blocked by +HELP-1 \(Open\)  Printer \[red\]on� fire", shown)
    assert "link: is blocked by HELP-1" in shown
    assert postrail("issues", "merge", "HELP-2", "HELP-1")[0] == 0
    shown = postrail("issues", "show", "HELP-2")[1]
    assert shown.startswith("HELP-2 was merged into HELP-1.\n")
    assert re.search(r"Merged from +HELP-2", shown)
    assert "was merged" not in postrail("issues", "show", "HELP-1")[1]
