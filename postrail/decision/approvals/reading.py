"""Reads what an answer decides: the choice, and the comment. Pure."""

from __future__ import annotations

from postrail.approvals.answer import read_choice
from postrail.approvals.request import Choice, Meaning
from postrail.approvals.words import words_of
from postrail.decision.approvals.candidate import Candidate, Refusal
from postrail.decision.approvals.refused import RefusedWhy
from postrail.decision.message_values import new_text

# People who work in another language than theirs often answer in this one.
COMMON = "en"
NO_COMMENT = "a rejection needs a comment: the reason, after the word that rejects"


def read(one: Candidate) -> tuple[Choice, str] | Refusal:
    """Returns the choice and the comment of an answer, or why it decides nothing."""
    languages = filter(None, (one.fact.language, one.setup.language, COMMON))
    words = words_of(languages, one.setup.words)
    found = read_choice(new_text(one.question.mail), one.fact.choices, words)
    if found.choice is None:
        return Refusal(RefusedWhy.UNCLEAR, f"its answer is unclear: {found.why}")
    rejects = found.choice.meaning is Meaning.REJECT
    if rejects and one.fact.comment_required and not found.comment:
        return Refusal(RefusedWhy.COMMENT_MISSING, NO_COMMENT)
    return found.choice, found.comment
