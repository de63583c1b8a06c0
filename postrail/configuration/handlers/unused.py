"""Remarks on settings of a mail handler that have no effect beside its others. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from postrail.configuration.entry import Entry
from postrail.configuration.models.mail_handler import MailHandler

# What only new issues have.
OF_ISSUES = (
    "issue_type",
    "priority",
    "labels",
    "components",
    "assignee",
    "fields",
    "default_summary",
    "cc_assignee",
)


def unused(entry: Entry) -> Iterator[str]:
    """Yields a note for each field that the file gives, and that changes nothing."""
    handler = entry.thing
    assert isinstance(handler, MailHandler)
    for field, why in _unused(handler):
        if field in entry.given:
            yield f"{field} has no effect: {why}"


def _unused(handler: MailHandler) -> Iterator[tuple[str, str]]:
    """Yields the fields without effect, and what gives them one."""
    if handler.kind != "comment_before_pattern":
        yield "pattern", "it belongs to kind: comment_before_pattern"
    if not handler.create_users:
        yield "notify_users", "it needs create_users: true"
    if not handler.catch_address:
        yield "catch_headers", "it needs a catch_address"
    if handler.kind == "create":
        yield "closed_issues", "kind: create makes an issue of each message"
    if handler.kind.startswith("comment") and handler.closed_issues != "new_issue":
        for field in OF_ISSUES:
            yield field, f"kind: {handler.kind} makes no issues"
        if any(one.project or one.set or one.labels for one in handler.then):
            yield "then", f"kind: {handler.kind} makes no issues to set a project or fields of"
