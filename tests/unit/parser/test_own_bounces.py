"""The bounces in tests/mails/bounces, which follow the habits of mail servers, not our rules.

The JSON file beside each message says what is right: its kind (a list where several are right)
and the recipients, with the fields that the message settles; or, for mail that only looks like a
bounce, the kinds that it is not. Where a server gives a bare reply code beside telling words, the
file states only the class: 5.0.0 and the code of the words are both right.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tests.makers.parsing import made

BOUNCES = Path(__file__).parents[2] / "mails" / "bounces"
RECIPIENT_FIELDS = ("action", "status", "status_class", "hard")


def test_the_own_bounces_are_read_right() -> None:
    compared = comparisons()
    assert compared
    assert [one for one in compared if one[2] != one[3]] == []


@cache
def comparisons() -> list[tuple[str, str, Any, Any]]:
    """Returns for each message and check the value that is right and the parser's."""
    return [
        (path.stem, *compared)
        for path in sorted(BOUNCES.glob("*.eml"))
        for compared in checks(json.loads(path.with_suffix(".json").read_text()), path.read_bytes())
    ]


def checks(expected: dict[str, Any], raw: bytes) -> Iterator[tuple[str, Any, Any]]:
    """Yields the checks of a message, each with the right value and the parser's."""
    record = made(raw).record
    kinds = expected.get("kind", record.kind)
    kind_is_right = record.kind in ([kinds] if isinstance(kinds, str) else kinds)
    if "not_kind" in expected:
        wrong = record.kind in expected["not_kind"] or not kind_is_right
        yield "no_bounce", "not a bounce", record.kind if wrong else "not a bounce"
        return
    yield "kind", kinds, kinds if kind_is_right else record.kind
    if "recipients" in expected:
        found = record.bounce.recipients if record.bounce else []
        yield from recipient_checks(expected["recipients"], [dataclasses.asdict(o) for o in found])


def recipient_checks(
    expected: list[dict[str, Any]], found: list[dict[str, Any]]
) -> Iterator[tuple[str, Any, Any]]:
    """Yields the checks of a bounce's recipients."""
    wanted = {one["address"]: one for one in expected}
    got = {one["address"]: one for one in found}
    yield "addresses", sorted(wanted), sorted(got)
    yield "count", len(expected), len(found)
    for field in RECIPIENT_FIELDS:
        if values := {address: one[field] for address, one in wanted.items() if field in one}:
            yield field, values, {name: got.get(name, {}).get(field) for name in values}
