"""Decides which part of a message becomes text, and which of its attachments are taken."""

from __future__ import annotations

from collections.abc import Sequence

from postrail import patterns
from postrail.configuration.models.handler_parts import AttachmentRules
from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.decision import TextRules
from postrail.decision.question import Question
from postrail.decision.senders import form_of
from postrail.message_parts import Attachment


def text_rules(handler: MailHandler, question: Question, *, new_text_only: bool) -> TextRules:
    """Returns the rules for the text that a handler makes of a message."""
    taken, left_out = _chosen(handler.attachments, question.mail.attachments)
    return TextRules(
        new_text_only=new_text_only,
        ends_before=handler.pattern if handler.kind == "comment_before_pattern" else "",
        signed_by=question.sender_address if stand_in(handler, question) else "",
        told_by=form_of(question.mail, question.account),
        attachments=taken,
        left_out=left_out,
    )


def stand_in(handler: MailHandler, question: Question) -> str:
    """Returns the person under whose name an unknown sender writes, or ""."""
    unknown = question.facts.sender is None and not handler.create_users
    return handler.reporter if unknown else ""


def _chosen(
    rules: AttachmentRules, attachments: Sequence[Attachment]
) -> tuple[tuple[int, ...] | None, tuple[str, ...]]:
    """Returns the places of the attachments to take (None: all), and those that are left out."""
    refused = {place: why for place, one in enumerate(attachments) if (why := _why(rules, one))}
    if not refused:
        return None, ()
    taken = tuple(place for place in range(len(attachments)) if place not in refused)
    return taken, tuple(f"{attachments[place].name} ({why})" for place, why in refused.items())


def _why(rules: AttachmentRules, one: Attachment) -> str:
    """Returns why an attachment is not taken, or ""."""
    if not rules.keep:
        return "attachments are switched off"
    if rules.max_bytes and one.size > rules.max_bytes:
        return f"larger than {rules.max_bytes} bytes"
    if rules.types and not _is_among(one, rules.types):
        return f"type {one.content_type}"
    if _is_among(one, rules.refused_types):
        return f"type {one.content_type}"
    if any(patterns.find(pattern, one.name) for pattern in rules.refused_names):
        return "name"
    return ""


def _is_among(one: Attachment, types: Sequence[str]) -> bool:
    """Compares the declared type; image/* stands for all images."""
    given = one.content_type.lower()
    return any(
        given == wanted or (wanted.endswith("/*") and given.startswith(wanted[:-1]))
        for wanted in map(str.lower, types)
    )
