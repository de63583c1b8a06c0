"""The messages in tests/mails: each has its expected record in a JSON file of the same name."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.makers.parsing import made

MAILS = Path(__file__).parents[2] / "mails"


@pytest.mark.parametrize("path", sorted(MAILS.glob("*.eml")), ids=lambda path: path.stem)
def test_a_mail_gives_the_expected_record(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text())
    record = plain(dataclasses.asdict(made(path.read_bytes()).record))
    names = {one["sha256"]: one["name"] for one in record["attachments"]}
    for attachment in [*record["attachments"], *record["signatures"]]:
        assert len(attachment.pop("sha256")) == 64
        if not attachment["original_name"]:
            attachment.pop("original_name")
        # The expected files name the container, instead of its hash.
        if origin := attachment.pop("unpacked_from"):
            attachment["unpacked_from"] = names[origin]
    assert {name: record[name] for name in expected} == expected


def plain(value: Any) -> Any:
    """Converts the record to what JSON would show."""
    return json.loads(json.dumps(value, default=shown))


def shown(value: Any) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()
