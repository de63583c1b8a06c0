"""The disks of `postrail up` fill one after the other: it names the part, waits, and goes on."""

from __future__ import annotations

import contextlib
import json
import re
import smtplib
from collections import Counter
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

import pytest

from services.cli.demo.messages import SUPPORT
from tests.acceptance.test_up import Up, postrail, running
from tests.servers.small_disk import SmallDisk, small_disk

pytestmark = pytest.mark.timeout(600)

KIB = 1024
# The pauses between attempts have grown to half a minute.
RECOVERY_SECONDS = 180.0
SENDER = "ada@demo.example"


class Part(NamedTuple):
    """A folder on a disk of its own, and what happens when that is full."""

    name: str
    mebibytes: int
    # Messages that need space there, and their size.
    messages: int
    size: int
    # The line that `postrail up` prints; empty when nothing has to wait.
    line: str


PARTS = (
    Part("blobs", 32, 1, 3000 * KIB, "fetcher: waits: .*blob store file://{folder} has no space"),
    Part("temporary", 32, 1, 3000 * KIB, "parser: waits: .*temporary files {folder} has no space"),
    Part("logs", 32, 1, 1 * KIB, ""),
    # Several, as the files have free space for some.
    Part("postgres", 192, 10, 500 * KIB, "PostgreSQL.*No space left on device"),
    Part("kafka", 64, 1, 500 * KIB, "kafka: .*No space left on device.*{folder}"),
)


def send(data: Path, subject: str, size: int) -> None:
    """Sends a message of about this size to the watched mailbox."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = SENDER, SUPPORT, subject
    message.set_content("all work and no play\n" * (size // 21))
    endpoints = json.loads((data / "endpoints.json").read_text())
    with smtplib.SMTP(endpoints["smtp_host"], endpoints["smtp_port"]) as server:
        server.send_message(message)


def subjects_of(part: Part) -> list[str]:
    return [f"The disk of {part.name}, {number}" for number in range(part.messages)]


def fill_and_free(up: Up, data: Path, part: Part, disk: SmallDisk) -> None:
    disk.fill()
    for subject in subjects_of(part):
        send(data, subject, part.size)
    if part.line:
        up.wait_for(part.line.format(folder=re.escape(str(disk.folder))))
        disk.free()
    wait_until_handled(up, subjects_of(part))
    disk.free()


def wait_until_handled(up: Up, subjects: list[str]) -> None:
    for subject in subjects:
        line = f"{subject} → issue"
        if not any(line in printed for printed in up.lines):
            up.wait_for(line, RECOVERY_SECONDS)


def test_each_full_disk_is_named_and_waited_for(own_folder: Path) -> None:
    data = own_folder / "data"
    with contextlib.ExitStack() as stack:
        folders = {part.name: data / part.name for part in PARTS}
        folders["temporary"] = own_folder / "temporary"
        disks = {
            part.name: stack.enter_context(small_disk(folders[part.name], part.mebibytes))
            for part in PARTS
        }
        up = stack.enter_context(running(data, "--demo", TMPDIR=str(folders["temporary"])))
        up.wait_for("Ctrl-C stops")
        for part in PARTS:
            fill_and_free(up, data, part, disks[part.name])
        listed = json.loads(postrail("mail", "list", "--data", str(data), "--json").stdout)
    assert_all_are_done(listed, [subject for part in PARTS for subject in subjects_of(part)])


def test_a_full_disk_of_everything_is_waited_for(own_folder: Path) -> None:
    with small_disk(own_folder / "disk", 400) as disk:
        data = disk.folder / "data"
        with running(data, "--demo") as up:
            up.wait_for("Ctrl-C stops")
            disk.fill()
            subjects = [f"Message {number}" for number in range(3)]
            for subject in subjects:
                send(data, subject, 500 * KIB)
            up.wait_for(f"No space left on device.*{re.escape(str(disk.folder))}")
            disk.free()
            wait_until_handled(up, subjects)
            listed = json.loads(postrail("mail", "list", "--data", str(data), "--json").stdout)
    assert_all_are_done(listed, subjects)


def assert_all_are_done(listed: list[dict[str, str]], subjects: list[str]) -> None:
    """Requires one finished message for each subject, and no failed message at all."""
    assert {mail["state"] for mail in listed} == {"done"}
    found = Counter(mail["subject"] for mail in listed)
    assert {subject: found[subject] for subject in subjects} == dict.fromkeys(subjects, 1)
