"""Tests of accounts that read files: what is there, and what follows a download."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from postrail.mailbox.trial import try_account
from tests.makers.folders import KINDS, Folder

WORDS = {"maildir": "a maildir", "eml": "a folder of .eml files", "mbox": "an mbox"}
# Kinds that cannot mark leave messages as they are.
SEEN = {"maildir": "messages are marked as seen"}


def no_login() -> str:
    raise AssertionError("files need no login")


def outcome(folder: Folder, **changes: Any) -> dict[str, str]:
    """Returns the steps by name, all of which succeed."""
    steps = list(try_account(folder.account(**changes), no_login))
    assert all(step.ok for step in steps), steps
    return {step.name: step.detail for step in steps}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_recognized_and_left_alone(kind: str, tmp_path: Path) -> None:
    folder = Folder(kind, tmp_path)
    folder.add(b"Subject: A\n\n")
    folder.add(b"Subject: BB\n\n")
    before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
    steps = outcome(folder)
    assert steps["path"] == f"{folder.path} is {WORDS[kind]} on this machine"
    assert steps["messages"].startswith("2 messages, 25 bytes")
    assert steps["new mail"] == "a poll every 60 seconds"
    assert steps["after download"].startswith(SEEN.get(kind, "messages stay as they are"))
    assert sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"after_download": "leave"}, "messages stay as they are"),
        ({"after_download": "remove"}, "messages are removed"),
        ({"after_download": "move", "move_to": "done"}, "messages are moved to done"),
    ],
)
def test_tells_what_follows_a_download(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    assert outcome(Folder("eml", tmp_path), **changes)["after download"] == words


def test_a_path_that_leads_nowhere_ends_the_trial(tmp_path: Path) -> None:
    account = Folder("eml", tmp_path).account(path=str(tmp_path / "nothing"))
    (step,) = try_account(account, no_login)
    assert not step.ok
    assert step.detail == f"{tmp_path}/nothing cannot be read: No such file or directory"
    assert step.setting == "mail account support: path"
    assert step.remedy


def test_a_folder_that_may_not_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder("eml", tmp_path)
    # The user of the tests may be root, who may write anywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    *_, last = try_account(folder.account(after_download="remove"), no_login)
    assert not last.ok
    assert last.detail == f"this user may not write to {folder.path}"
    assert "after_download: leave" in last.remedy
