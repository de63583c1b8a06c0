"""The bench's own mails: always the same, of all kinds, and replies that name earlier mails."""

from __future__ import annotations

import email
from pathlib import Path

from bench.mails import load_maker, mails


def test_without_a_workload_file_our_own_mails_are_made_always_the_same(tmp_path: Path) -> None:
    maker, source = load_maker(tmp_path / "missing.py")
    assert source == "own generator"
    assert mails(maker, "small", 60) == mails(maker, "small", 60)
    assert len(set(mails(maker, "small", 60))) == 60


def test_replies_name_mails_that_came_before(tmp_path: Path) -> None:
    maker, _ = load_maker(tmp_path / "missing.py")
    seen: set[str] = set()
    replies = 0
    for content in mails(maker, "small", 100):
        mail = email.message_from_bytes(content)
        if parent := mail["In-Reply-To"]:
            assert parent in seen
            replies += 1
        seen.add(mail["Message-ID"])
    assert 40 < replies < 80


def test_a_workload_file_is_used_when_it_is_there(tmp_path: Path) -> None:
    file = tmp_path / "workload.py"
    file.write_text("def make(mix, index):\n    return f'{mix} {index}'.encode()\n")
    maker, source = load_maker(file)
    assert source == "workload.py"
    assert mails(maker, "real", 2) == [b"real 0", b"real 1"]
