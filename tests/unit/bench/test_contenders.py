"""What a parser needed for a folder of mails, and how often it refused one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.peers.parsers import CONTENDERS, PACKAGES, run


def strict(data: bytes) -> object:
    return data.decode()


def test_a_mail_that_is_refused_is_counted_and_does_not_end_the_run(tmp_path: Path) -> None:
    for number, data in enumerate((b"a", b"\xff", b"b")):
        (tmp_path / f"{number}.eml").write_bytes(data)
    figures = run(strict, tmp_path)
    assert figures["refused"] == 1
    assert figures["memory_bytes"] >= figures["memory_before_bytes"] > 1024 * 1024


@pytest.mark.parametrize("name", sorted(set(CONTENDERS) - set(PACKAGES)))
def test_what_python_has_parses_a_mail(name: str, tmp_path: Path) -> None:
    (tmp_path / "0.eml").write_bytes(
        b"Subject: =?utf-8?q?=C3=A4?=\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\nContent-Type: text/plain; charset=utf-8\n\ntext\n"
        b"--b\nContent-Type: image/png; name=a.png\n\npng\n--b--\n"
    )
    assert run(CONTENDERS[name](), tmp_path)["refused"] == 0
