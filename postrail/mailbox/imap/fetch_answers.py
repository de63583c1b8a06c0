"""Reads the answers to UID FETCH one by one, and keeps those of the messages asked for. Pure.

imapclient takes the sequence number of an answer without UID for its UID, and merges answers.
"""

from __future__ import annotations

import imaplib
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from imapclient.response_parser import parse_fetch_response

# What imaplib gives of an answer: lines, and pairs of a line and the literal that ends it.
Piece = bytes | tuple[bytes, bytes] | None
# The line after a literal begins with a blank or a bracket.
BEGINNING = re.compile(rb"\d+ +\(")

# What imapclient raises for answers of another form; a date can lie beyond the last year.
UNINTELLIGIBLE = (
    imaplib.IMAP4.error,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
)


def answers_of(pieces: Sequence[Piece], uids: Collection[int]) -> dict[int, dict[bytes, Any]]:
    """Returns what was answered of each message, by its UID.

    Leaves out answers without UID, for other messages, and those that cannot be understood; and
    messages that got two contents, as one of them belongs to another message.
    """
    found: dict[int, dict[bytes, Any]] = {}
    contradicted = set()
    for answer in _answers(pieces):
        data = _parsed(answer)
        uid = data.pop(b"UID", None)
        if uid not in uids:
            continue
        known = found.setdefault(uid, {})
        if any(
            item.startswith(b"BODY[") and known.get(item, data[item]) != data[item] for item in data
        ):
            contradicted.add(uid)
        known.update(data)
    return {uid: data for uid, data in found.items() if uid not in contradicted}


def _answers(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Divides the pieces by the answers that they belong to."""
    answer: list[Piece] = []
    for piece in pieces:
        line = piece[0] if isinstance(piece, tuple) else piece
        if answer and line is not None and BEGINNING.match(line):
            yield answer
            answer = []
        if line is not None:
            answer.append(piece)
    if answer:
        yield answer


def _parsed(answer: list[Piece]) -> dict[bytes, Any]:
    try:
        by_place = parse_fetch_response(answer, normalise_times=False, uid_is_key=False)
    except UNINTELLIGIBLE:
        return {}
    return dict(next(iter(by_place.values()), {})) if len(by_place) == 1 else {}
