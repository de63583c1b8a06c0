"""Encodes the records about notifications: that they are queued, how attempts ended. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from postrail.message_parts import DeliveryResult
from postrail.records import OutgoingDelivered, OutgoingQueued
from postrail.stream import avro
from postrail.stream.producer import Entry
from postrail.stream.topics import OUTGOING_DELIVERED, OUTGOING_QUEUED

# The broker takes records of up to 1 MiB, with their keys and headers.
RECORD_MAX_BYTES = 900 * 1024


class Attempted(Protocol):
    """A delivery after an attempt."""

    @property
    def outgoing_id(self) -> str:
        """Returns the id of its message."""

    @property
    def conversation(self) -> str:
        """Returns the conversation of its message."""

    @property
    def issue_key(self) -> str | None:
        """Returns the issue that its message is about."""

    @property
    def message_id(self) -> str:
        """Returns its own Message-ID."""

    @property
    def recipient(self) -> str:
        """Returns the address."""

    @property
    def attempts(self) -> int:
        """Returns the number of attempts so far."""


def queued_entries(messages: Iterable[OutgoingQueued]) -> list[Entry]:
    """Returns the records of outgoing messages; one with very many recipients is several."""
    return [
        Entry(OUTGOING_QUEUED, message.conversation, value)
        for message in messages
        for value in _values(message)
    ]


def _values(message: OutgoingQueued) -> Iterator[bytes]:
    value, half = avro.encode(message), len(message.deliveries) // 2
    if len(value) <= RECORD_MAX_BYTES or not half:
        yield value
    else:
        yield from _values(replace(message, deliveries=message.deliveries[:half]))
        yield from _values(replace(message, deliveries=message.deliveries[half:]))


def delivered_entry(
    attempted: Attempted, *, state: str, reply: str, maybe_twice: bool, now: datetime
) -> Entry:
    """Returns the record of the result of one attempt, or of a person's decision about it."""
    result = DeliveryResult(
        recipient=attempted.recipient,
        state=state,
        reply=reply,
        attempts=attempted.attempts,
        maybe_twice=maybe_twice,
    )
    record = OutgoingDelivered(
        outgoing_id=attempted.outgoing_id,
        conversation=attempted.conversation,
        issue_key=attempted.issue_key,
        message_id=attempted.message_id,
        results=[result],
        tried_at=now,
    )
    return Entry(OUTGOING_DELIVERED, attempted.conversation, avro.encode(record))
