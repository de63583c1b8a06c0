"""Gives a message the project and the rules of matching of the handler that is asked."""

from __future__ import annotations

from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.question import Question


def routed(handler: MailHandler, question: Question) -> Question:
    """Returns the question as the handler answers it: its project goes before the account's."""
    if (project := handler.routes_to) and project != question.project:
        question = question.asked_with(routed_to=project)
    if handler.bare_numbers == question.bare_numbers:
        return question
    return question.asked_with(bare_numbers=handler.bare_numbers)
