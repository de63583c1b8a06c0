"""Asks the handlers of an account in their order which one takes a message."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from postrail.conditions.evaluate import MessageValues, failed_test
from postrail.configuration.models.domain_patterns import first_match
from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.mail_handlers.routing import routed
from postrail.decision.matching import existing_issue
from postrail.decision.question import Question
from postrail.message_parts import Address, without_extension
from postrail.records import MailParsed

ADDRESS = re.compile(r"[^\s<>(),;:\"]{1,320}@[\w.-]{1,255}")
# Of a Received field only the recipient counts (RFC 5321, 4.4): the sender can be named there, too.
RECEIVED_FOR = re.compile(r"\bfor\s{1,10}<?([^\s<>(),;:\"]{1,320}@[\w.-]{1,255})", re.I)


def declines(handler: MailHandler, question: Question) -> str:
    """Returns the first reason why a handler does not take the message, or ""."""
    if not handler.enabled:
        return "is disabled"
    if handler.catch_address and not _caught(handler, question.mail):
        return f"no field names {handler.catch_address}"
    if failed := failed_test(handler.condition, _values(handler, question)):
        return f"does not hold: {failed}"
    if handler.allowed_senders and question.facts.sender is None:
        address = question.sender_address
        if not first_match(handler.allowed_senders, address):
            return f"allowed_senders do not match {address or 'a message without sender'}"
    return ""


def _values(handler: MailHandler, question: Question) -> MessageValues:
    """Returns what the condition asks; about an issue only if it asks for one."""
    if not handler.issue_queries:
        return question.values
    found = existing_issue(routed(handler, question))
    issue_id = found.issue.issue_id if found and found.issue else None
    queries = {query for query, ids in question.facts.issue_queries if issue_id in ids}
    return replace(question.values, issue_matches=queries.__contains__)


def _caught(handler: MailHandler, mail: MailParsed) -> bool:
    """Tells whether one of the handler's fields names its address, or a plus-address of it."""
    wanted = handler.catch_address
    return any(
        wanted in (address, without_extension(address))
        for name in handler.catch_headers
        for address in _addresses(mail, name.lower())
    )


def _addresses(mail: MailParsed, name: str) -> Iterator[str]:
    parsed: dict[str, Sequence[Address]] = {"to": mail.to, "cc": mail.cc, "bcc": mail.bcc}
    if name in parsed:
        yield from (one.address.lower() for one in parsed[name])
        return
    pattern = RECEIVED_FOR if name == "received" else ADDRESS
    for field in mail.headers:
        if field.name.lower() == name:
            yield from (one.lower().strip(".") for one in pattern.findall(field.value))
