"""The ways to check a signature that docs/webhooks.md shows accept ours, and no other."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postrail.webhooks.signature import signature

DOCS = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text()
SECRET = "s3cret with a space"
BODY = '{"id": "5b0c", "comment": "Grüße"}\n'


def block(language: str, holding: str) -> str:
    (found,) = [
        one for one in re.findall(rf"```{language}\n(.*?)```", DOCS, re.S) if holding in one
    ]
    return str(found)


@pytest.fixture
def is_genuine() -> Callable[..., bool]:
    names: dict[str, Any] = {}
    exec(block("python", "is_genuine"), names)
    found: Callable[..., bool] = names["is_genuine"]
    return found


def test_python_accepts_a_fresh_signature_and_no_other(is_genuine: Callable[..., bool]) -> None:
    now = datetime.now(UTC)
    header = signature(SECRET, BODY, now)
    body = BODY.encode()
    assert is_genuine(SECRET, header, body)
    assert not is_genuine("another", header, body)
    assert not is_genuine(SECRET, header, body + b" ")
    assert not is_genuine(SECRET, header.replace("t=", "t=1"), body)
    assert not is_genuine(SECRET, "", body)
    assert not is_genuine(SECRET, "t=0,v1=", body)
    for minutes in (-6, 6):
        recorded = signature(SECRET, BODY, now + timedelta(minutes=minutes))
        assert not is_genuine(SECRET, recorded, body)


def test_openssl_prints_the_same_signature(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    (tmp_path / "body.json").write_text(BODY)
    stamp, _, expected = signature(SECRET, BODY, datetime.now(UTC)).partition(",v1=")
    done = subprocess.run(
        ["bash", "-c", block("sh", "openssl")],
        cwd=tmp_path,
        env={**os.environ, "T": stamp.removeprefix("t="), "SECRET": SECRET},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{expected}\n"
