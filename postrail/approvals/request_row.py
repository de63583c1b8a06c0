"""Turns requests into rows of the database, and rows into requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from psycopg.types.json import Jsonb

from postrail.approvals.request import (
    AtDeadline,
    Choice,
    Meaning,
    NewRequest,
    Request,
    Rule,
    State,
    digest_of,
)
from postrail.database import storable
from postrail.message_parts import OutgoingAttachment


def request_of(row: Mapping[str, Any]) -> Request:
    """Returns the request of a row that `store` has read."""
    return Request(
        **{
            **row,
            "fields": [(label, value) for label, value in row["fields"]],
            "attachments": [OutgoingAttachment(**each) for each in row["attachments"]],
            "choices": [
                Choice(**{**each, "meaning": Meaning(each["meaning"])}) for each in row["choices"]
            ],
            "rule": Rule(row["rule"]),
            "at_deadline": AtDeadline(row["at_deadline"]),
            "state": State(row["state"]),
        }
    )


def values_of(new: NewRequest) -> dict[str, Any]:
    """Returns the values of the columns of a new row."""
    return {
        **{name: getattr(new, name) for name in NewRequest.__dataclass_fields__},
        "fields": Jsonb([[label, value] for label, value in new.fields]),
        "attachments": Jsonb([asdict(each) for each in new.attachments]),
        "choices": Jsonb([asdict(each) for each in new.choices]),
        "escalate_to": list(new.escalate_to),
        "digest": digest_of(new),
    }


def storable_request(new: NewRequest) -> NewRequest:
    """Returns the request with texts that PostgreSQL can store."""
    key = new.idempotency_key
    return replace(
        new,
        idempotency_key=None if key is None else storable(key),
        requester_name=storable(new.requester_name),
        subject=storable(new.subject),
        body=storable(new.body),
        fields=[(storable(label), storable(value)) for label, value in new.fields],
        attachments=[replace(each, name=storable(each.name)) for each in new.attachments],
        choices=[replace(each, label=storable(each.label)) for each in new.choices],
    )
