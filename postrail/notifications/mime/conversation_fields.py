"""Writes the fields by which mail programs keep the messages of a conversation together.

Apple Mail, Thunderbird and Gmail go by References, Gmail also by the subject; Outlook and Exchange
by Thread-Index and Thread-Topic, which most other programs do not write.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from postrail.notifications.mime.fields import unstructured
from postrail.notifications.mime.message_ids import written_id

# References grow with each reply of a conversation, and some servers refuse long header fields.
REFERENCES_MAX_CHARACTERS = 1500
# The words that mail programs put before the subject of an answer or of a forwarded message.
_ANSWER = re.compile(r"(?:(?:re|fwd?|aw|wg|sv|tr|rv|res|enc)\s*:\s*)+", re.I)
# [MS-OXOMSG] 2.2.1.3: a header (1, five bytes of a time, a GUID), then a block for each answer.
# All messages of a conversation have the same header: its time is the same for all conversations.
_FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_HEADER_TIME = datetime(2026, 1, 1, tzinfo=UTC)
# Differences of times from this one on lose their lowest bits.
_LONG_DIFFERENCE = 1 << 49


def threading_fields(
    *,
    subject: str,
    conversation: str,
    date: datetime,
    message_id: str,
    in_reply_to: str | None,
    references: Sequence[str],
) -> Iterator[str]:
    """Yields the fields; a message without a conversation has none for Outlook."""
    if in_reply_to and (parent := written_id(in_reply_to)):
        yield f"In-Reply-To: {parent}"
    if ids := _bounded(filter(None, map(written_id, references))):
        yield "References: " + "\r\n ".join(ids)
    if conversation:
        yield f"Thread-Topic: {unstructured(topic(subject))}"
        yield f"Thread-Index: {thread_index(conversation, date, message_id)}"


def topic(subject: str) -> str:
    """Returns the subject without the marks of answers, as Outlook compares it."""
    return subject[_answers_end(subject) :].strip()


def _answers_end(subject: str) -> int:
    """Returns where the words of the subject begin, behind the marks of answers."""
    found = _ANSWER.match(subject)
    return found.end() if found else 0


def prefixed(subject: str, prefix: str) -> str:
    """Returns the subject with the prefix before its key, once, also in an answer."""
    prefix = prefix.strip()
    if not prefix:
        return subject
    start = _answers_end(subject)
    words = subject[start:]
    while words.startswith(prefix) and words[len(prefix) :][:1] in ("", " ", "["):
        words = words[len(prefix) :].lstrip()
        words = words[_answers_end(words) :]
    return f"{subject[:start]}{prefix} {words}"


def thread_index(conversation: str, date: datetime, message_id: str) -> str:
    """Returns the index of a message that answers the conversation, always the same."""
    time = (_filetime(_HEADER_TIME) >> 24).to_bytes(5, "big")
    header = b"\x01" + time + _guid(conversation)
    return base64.b64encode(header + _answer_block(date, message_id)).decode("ascii")


def _guid(conversation: str) -> bytes:
    try:
        return uuid.UUID(conversation).bytes
    except ValueError:
        return uuid.uuid5(uuid.NAMESPACE_URL, conversation).bytes


def _answer_block(date: datetime, message_id: str) -> bytes:
    """Returns the five bytes of an answer: its time after the header's, and a random number."""
    passed = max(_filetime(date) - _filetime(_HEADER_TIME), 0)
    if passed < _LONG_DIFFERENCE:
        time = (passed >> 18) & 0x7FFFFFFF
    else:
        time = 1 << 31 | (passed >> 23) & 0x7FFFFFFF
    number = hashlib.sha256(message_id.encode("utf-8", "replace")).digest()[0]
    return time.to_bytes(4, "big") + bytes([number])


def _filetime(date: datetime) -> int:
    passed = date - _FILETIME_EPOCH
    return (passed.days * 86400 + passed.seconds) * 10_000_000 + passed.microseconds * 10


def _bounded(references: Iterable[str]) -> list[str]:
    """Returns the first reference, which identifies the conversation, and the last that fit."""
    ids = list(dict.fromkeys(references))
    if not ids:
        return []
    room = REFERENCES_MAX_CHARACTERS - len(ids[0])
    last: list[str] = []
    for message_id in reversed(ids[1:]):
        room -= len(message_id) + 1
        if room < 0:
            break
        last.append(message_id)
    return [ids[0], *reversed(last)]
