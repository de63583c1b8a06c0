"""Messages of 100 MiB are parsed in little memory, with a real folder as the blob store."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from postrail.blobs import BlobStore

MIB = 1024 * 1024
LARGE = 100
ALLOWED_BYTES = 150 * MIB
# The store's parts in flight and the allocator may add this much.
NOISE_BYTES = 40 * MIB
# The peak depends on how the store's threads are scheduled: the least of several runs counts.
RUNS = 3
LINE = "Größe = Straße\n".encode() * 4

Made = tuple[bytes, bytes]


def base64_file(mib: int) -> Made:
    content = random.Random(7).randbytes(mib * MIB // 77 * 57)
    return head("application/pdf", "base64") + base64.encodebytes(content), content


def quoted_printable_file(mib: int) -> Made:
    encoded = binascii.b2a_qp(LINE, istext=True)
    times = mib * MIB // len(encoded)
    return head("text/csv", "quoted-printable") + encoded * times, LINE * times


def mail_within(mib: int) -> Made:
    content = b"Subject: within\n\n" + LINE * (mib * MIB // len(LINE))
    return head("message/rfc822", "8bit") + content, content


def text_in_one_line(mib: int) -> Made:
    """Makes a text without line ends at which it could be split."""
    content = b"x" * (mib * MIB)
    return head("text/plain", "quoted-printable") + content, content


def head(content_type: str, encoding: str) -> bytes:
    return (
        f"Subject: large\nContent-Type: {content_type}\nContent-Transfer-Encoding: {encoding}\n\n"
    ).encode()


def parsed_apart(folder: Path, raw: bytes) -> dict[str, Any]:
    """Returns the result of a separate process that parses a message from the folder."""
    reference = asyncio.run(BlobStore(folder.as_uri()).put(raw))
    arguments = [folder.as_uri(), reference.sha256, str(reference.size)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.processes.parsing_large", *arguments],
        check=False,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, (done.returncode, done.stdout[-500:], done.stderr[-3000:])
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def require_stored(folder: Path, content: bytes, file: list[Any]) -> None:
    sha256 = hashlib.sha256(content).hexdigest()
    assert file[1:] == [len(content), sha256]
    stored = folder / "blobs" / sha256[:2] / sha256
    assert hashlib.sha256(stored.read_bytes()).hexdigest() == sha256


@pytest.mark.parametrize("make", [quoted_printable_file, mail_within, text_in_one_line])
def test_a_mail_of_100_mib_is_parsed_in_less_memory_than_it_has_bytes(
    tmp_path: Path, make: Callable[[int], Made]
) -> None:
    raw, content = make(LARGE)
    answer = parsed_apart(tmp_path, raw)
    assert answer["error"] is None
    require_stored(tmp_path, content, answer["files"][0])
    assert answer["memory"] < ALLOWED_BYTES


def test_memory_does_not_grow_with_the_attachment(tmp_path: Path) -> None:
    memory = {}
    for mib in (LARGE // 4, LARGE):
        raw, content = base64_file(mib)
        answers = [parsed_apart(tmp_path, raw) for _ in range(RUNS)]
        require_stored(tmp_path, content, answers[0]["files"][0])
        memory[mib] = min(answer["memory"] for answer in answers)
    assert memory[LARGE] < ALLOWED_BYTES
    assert memory[LARGE] - memory[LARGE // 4] < NOISE_BYTES
