"""Makes mail handlers as operators write them: none but the last takes the bench's messages."""

from __future__ import annotations

from typing import Any

from postrail.configuration.models.mail_handler import MailHandler


def handlers(count: int) -> list[MailHandler]:
    """Returns this number of handlers in their order; the last has no condition."""
    ruled = [
        MailHandler(
            name=f"rule-{number:03}",
            order=number,
            when=_condition(number),
            priority="High",
            labels=[f"rule-{number}"],
        )
        for number in range(1, count)
    ]
    return [*ruled, MailHandler(name="rest", order=count)]


def _condition(number: int) -> dict[str, Any]:
    """Returns a condition; of five consecutive ones each has another shape."""
    conditions: tuple[dict[str, Any], ...] = (
        {"subject matches": rf"\b(invoice|rechnung) +no\.? *{number}\d\d"},
        {
            "all": [
                {"sender domain in": [f"company{number}.example", f"company{number}.test"]},
                {"kind is": "human"},
            ]
        },
        {
            "any": [
                {f"header X-Queue-{number} exists": True},
                {"recipients contains": f"queue-{number}@"},
                {"subject starts": f"Queue {number}:"},
            ]
        },
        {"text matches": rf"order number: *{number}-\d{{4}}"},
        {"all": [{"text contains": f"machine {number}"}, {"not": {"attachments exists": True}}]},
    )
    return conditions[number % len(conditions)]
