"""Makes mail handlers and contexts as operators write them: only the last takes the messages."""

from __future__ import annotations

from typing import Any

from bench.mails import PROJECT
from postrail.configuration.contexts.context import MessageContext
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


def contexts(count: int) -> list[MessageContext]:
    """Returns this number of contexts in their order; the last, if any, is for all issues."""
    scoped = [
        MessageContext(name=f"context-{number:02}", order=number, scope=_scope(number))
        for number in range(1, count)
    ]
    return [*scoped, MessageContext(name="rest", order=count)] if count else []


def _scope(number: int) -> str:
    """Returns a scope; of five consecutive ones each has another shape."""
    scopes = (
        f'project = {PROJECT} AND summary ~ "machine no. {number}"',
        f"labels = machine-{number} AND priority > Medium",
        f"reporter ~ company{number}.example OR watcher = guest{number}@example.org",
        f"assignee = agent{number}@example.com AND created < -{number}d",
        f"status = Done AND updated > -{number}h AND labels IS NOT EMPTY",
    )
    return scopes[number % len(scopes)]
