"""Reads what an answer decides: the choice, and the comment. Pure."""

from __future__ import annotations

from postrail.approvals.request import Choice, Meaning
from postrail.decision.approvals.candidate import Candidate, Refusal
from postrail.decision.approvals.refused import RefusedWhy
from postrail.decision.message_values import new_text

# Longer comments are cut; the whole message is kept.
COMMENT_CHARACTERS = 10_000
NO_COMMENT = "a rejection needs a comment: the reason, after the word that rejects"
UNCLEAR = "it does not begin with one of the choices"


def read(one: Candidate) -> tuple[Choice, str] | Refusal:
    """Returns the choice and the comment of an answer, or why it decides nothing."""
    first, _, rest = new_text(one.question.mail).strip().partition("\n")
    word, comment = first.strip(" .!").casefold(), rest.strip()[:COMMENT_CHARACTERS]
    choice = next((found for found in one.fact.choices if found.name.casefold() == word), None)
    if choice is None:
        return Refusal(RefusedWhy.UNCLEAR, UNCLEAR)
    if choice.meaning is Meaning.REJECT and one.fact.comment_required and not comment:
        return Refusal(RefusedWhy.COMMENT_MISSING, NO_COMMENT)
    return choice, comment
