"""Names the answers that an approver may give, in the words of their language."""

from __future__ import annotations

from collections.abc import Mapping

from postrail.approvals.request import APPROVE_OR_REJECT, Choice, Meaning
from postrail.approvals.words import OwnWords, words_of

PLAIN = {one.name: one.meaning for one in APPROVE_OR_REJECT}


def choice_word(choice: Choice, language: str, own: Mapping[str, OwnWords] | None = None) -> str:
    """Returns the words by which people read and give the choice.

    `own` has the words of the setup in the place of ours, by language.
    """
    if label := " ".join(choice.label.split()):
        return label
    meaning = PLAIN.get(choice.name)
    if meaning is None:
        return choice.name
    (words,) = words_of([language], own)
    word = (words.approve if meaning is Meaning.APPROVE else words.reject)[0]
    return f"{word[:1].upper()}{word[1:]}"
