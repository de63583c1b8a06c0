"""Compares the record of a message with the values that the message's author gave.

White space counts loosely, except where a comparison says so: how many lines and spaces stand
between words is a matter of taste, which words stand there is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

Record = dict[str, Any]


def different(record: Record, values: dict[str, Any]) -> list[str]:
    """Returns the names of the values that the record does not have."""
    return [name for name, wanted in values.items() if not COMPARISONS[name](record, wanted)]


def loose(text: str) -> str:
    """Returns the words with one space between them."""
    return " ".join(text.split())


def lines_of(record: Record) -> list[str]:
    """Returns the lines of the text, with their spaces."""
    lines: list[str] = record["text"].split("\n")
    return lines


def same_words(field: str) -> Callable[[Record, str], bool]:
    """Compares a field of the record by its words."""
    return lambda record, wanted: loose(record[field]) == loose(wanted)


def contains(field: str) -> Callable[[Record, list[str]], bool]:
    """Looks for each piece in a field, by its words."""
    return lambda record, wanted: all(loose(piece) in loose(record[field]) for piece in wanted)


def lacks(field: str) -> Callable[[Record, list[str]], bool]:
    """Makes sure that no piece is in a field."""
    return lambda record, wanted: not any(piece in record[field] for piece in wanted)


def contains_exactly(record: Record, pieces: list[str]) -> bool:
    """Looks for each piece with its spaces and line ends."""
    return all(piece in record["text"] for piece in pieces)


def in_order(record: Record, pieces: list[str]) -> bool:
    """Looks for the pieces one behind the other."""
    rest = loose(record["text"])
    for piece in pieces:
        _, found, rest = rest.partition(loose(piece))
        if not found:
            return False
    return True


def on_own_lines(record: Record, pieces: list[str]) -> bool:
    """Looks for the pieces on lines one below the other."""
    lines = iter(lines_of(record))
    return all(any(loose(piece) in loose(line) for line in lines) for piece in pieces)


def has_rows(record: Record, rows: list[list[str]]) -> bool:
    """Looks for the cells of each row, in order on one line."""
    patterns = [".*?".join(re.escape(loose(cell)) for cell in row) for row in rows]
    lines = [loose(line) for line in lines_of(record)]
    return all(any(re.search(pattern, line) for line in lines) for pattern in patterns)


def is_struck(record: Record, pieces: list[str]) -> bool:
    """Looks for each piece with a mark right before it."""
    return all(re.search(r"[^\w\s]" + re.escape(piece), record["text"]) for piece in pieces)


def is_tidy(record: Record, spaces_too: bool) -> bool:
    """Refuses spaces at the ends of lines; with `spaces_too`, also runs of them within lines."""
    lines = lines_of(record)
    trailing = any(line != line.rstrip() for line in lines)
    return not trailing and not (spaces_too and re.search(r"\S {3,}", record["text"]))


def has_addresses(record: Record, wanted: list[str]) -> bool:
    """Compares the addresses of To."""
    return [one["address"] for one in record["to"]] == wanted


def has_sender(record: Record, name: str) -> bool:
    """Compares the display name of From."""
    return record["sender"] is not None and record["sender"]["name"] == name


def each_has(field: str) -> Callable[[Record, Sequence[Record]], bool]:
    """Compares the things in a field, one by one, in what is said about each."""

    def compare(record: Record, wanted: Sequence[Record]) -> bool:
        found = record[field]
        return len(found) == len(wanted) and all(
            has_fields(one, values) for one, values in zip(found, wanted, strict=True)
        )

    return compare


def has_fields(found: Record, values: Record) -> bool:
    """Compares the fields; `start_begins` leaves out the offset that a zone would give."""
    values = dict(values)
    beginning = values.pop("start_begins", "")
    pieces = values.pop("location_contains", [])
    return (
        found.get("start", "").startswith(beginning)
        and all(piece in found["location"] for piece in pieces)
        and all(found[name] == value for name, value in values.items())
    )


COMPARISONS: dict[str, Callable[[Record, Any], bool]] = {
    "subject": same_words("subject"),
    "text": same_words("text"),
    "text_contains": contains("text"),
    "text_contains_exactly": contains_exactly,
    "text_lacks": lacks("text"),
    "text_in_order": in_order,
    "text_lines": on_own_lines,
    "text_rows": has_rows,
    "text_struck": is_struck,
    "text_tidy": is_tidy,
    "html_contains": contains("html"),
    "html_lacks": lacks("html"),
    "from_name": has_sender,
    "to": has_addresses,
    "date": lambda record, wanted: record["date"] == wanted,
    "kind": lambda record, wanted: record["kind"] == wanted,
    "has_defect": lambda record, wanted: bool(record["defects"]) == wanted,
    "attachments": each_has("attachments"),
    "events": each_has("events"),
    "calendar_contains": contains("calendar_text"),
}
