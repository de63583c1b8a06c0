"""Writes positions into the metadata of a group's committed offsets, which are text. Pure.

Kafka takes up to 4096 bytes; ours are about 300.
"""

from __future__ import annotations

import json
from typing import Any

from postrail.stream.offsets.position import Position


def write_metadata(position: Position, note: str) -> str:
    """Returns the metadata of a commit at this position, with the stage's own note."""
    known = {
        "topic_id": position.topic_id,
        "leader_epoch": position.leader_epoch,
        "timestamp_ms": position.timestamp_ms,
        "note": note or None,
    }
    return json.dumps({name: value for name, value in known.items() if value is not None})


def read_metadata(next_offset: int, text: str) -> tuple[Position, str]:
    """Returns the position of a committed offset, and the stage's own note.

    Earlier releases wrote the note alone: such text is the note, and the topic's id is unknown.
    """
    fields = _fields(text)
    topic_id = fields.get("topic_id")
    if not isinstance(topic_id, str):
        return Position(next_offset=next_offset), text
    position = Position(
        next_offset=next_offset,
        topic_id=topic_id,
        leader_epoch=_number(fields.get("leader_epoch")),
        timestamp_ms=_number(fields.get("timestamp_ms")),
    )
    note = fields.get("note")
    return position, note if isinstance(note, str) else ""


def _fields(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _number(value: object) -> int | None:
    return value if type(value) is int else None
