"""The parts of a condition, and the field and operator of each test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from typing import TypeAlias
from zoneinfo import ZoneInfo

from postrail.conditions.language.detect import LANGUAGES
from postrail.query.combined import AllOf, AnyOf, Not


class Operator(StrEnum):
    """How the values of a message are compared with the operand; texts ignore case."""

    IS = "is"
    CONTAINS = "contains"
    STARTS = "starts"
    # The operand is a pattern (see postrail.patterns), searched for anywhere.
    MATCHES = "matches"
    IN = "in"
    OVER = "over"
    UNDER = "under"
    EXISTS = "exists"


class Sort(StrEnum):
    """What kind of values a field has, which decides its operators."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    # An issue that the message belongs to, asked in the query language.
    QUERY = "query"


TEXT_OPERATORS = (
    Operator.IS,
    Operator.CONTAINS,
    Operator.STARTS,
    Operator.MATCHES,
    Operator.IN,
    Operator.EXISTS,
)
OPERATORS: dict[Sort, tuple[Operator, ...]] = {
    Sort.TEXT: TEXT_OPERATORS,
    Sort.NUMBER: (Operator.IS, Operator.OVER, Operator.UNDER),
    Sort.TIME: (Operator.IN,),
    Sort.QUERY: (Operator.MATCHES,),
}
# The field `header` is followed by the name of a header field.
HEADER = "header"
# Detected only if a condition asks.
LANGUAGE = "language"
ACCOUNT = "account"
FIELDS: dict[str, Sort] = {
    HEADER: Sort.TEXT,
    "subject": Sort.TEXT,
    "text": Sort.TEXT,
    "sender": Sort.TEXT,
    "sender name": Sort.TEXT,
    "sender domain": Sort.TEXT,
    "recipients": Sort.TEXT,
    "recipient domains": Sort.TEXT,
    "delivered to": Sort.TEXT,
    "attachments": Sort.TEXT,
    "attachment types": Sort.TEXT,
    "attachment count": Sort.NUMBER,
    "size": Sort.NUMBER,
    "kind": Sort.TEXT,
    LANGUAGE: Sort.TEXT,
    "authentication": Sort.TEXT,
    ACCOUNT: Sort.TEXT,
    "time": Sort.TIME,
    "issue": Sort.QUERY,
}
# Fields with a fixed set of values: another one in `is` or `in` could never hold.
KINDS = (
    "human",
    "bounce",
    "probe",
    "receipt",
    "feedback",
    "calendar",
    "auto_reply",
    "auto_generated",
    "bulk",
    "stand_in",
)
CHOICES: dict[str, tuple[str, ...]] = {
    "kind": KINDS,
    LANGUAGE: LANGUAGES,
    "authentication": ("pass", "fail", "none"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Hours:
    """Hours of some days of the week (0 is Monday), in a time zone; the end is excluded."""

    days: frozenset[int]
    begin: time
    end: time
    zone: ZoneInfo


@dataclass(frozen=True, kw_only=True, slots=True)
class Test:
    """One comparison. `written` is how the operator wrote it, for traces and exports."""

    written: str
    field: str
    # The name of the header field, in lower case; "" for other fields.
    header: str
    operator: Operator
    # The operand in the form that its operator needs; one of them is set.
    texts: tuple[str, ...] = ()
    number: int = 0
    exists: bool = True
    hours: Hours | None = None


Condition: TypeAlias = "Test | AllOf[Condition] | AnyOf[Condition] | Not[Condition]"
