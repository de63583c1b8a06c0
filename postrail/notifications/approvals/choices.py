"""Names the answers that an approver may give, in the words of their language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from postrail.approvals.request import APPROVE_OR_REJECT, Choice, Meaning
from postrail.notifications.phrases.phrases import Phrases

# The words that a setup names in a language in the place of ours, by their meaning.
OwnWords = Mapping[Meaning, Sequence[str]]
_PLAIN = {one.name: one.meaning for one in APPROVE_OR_REJECT}


def choice_word(choice: Choice, phrases: Phrases, own: OwnWords | None = None) -> str:
    """Returns the words by which people read and give the choice."""
    if label := " ".join(choice.label.split()):
        return label
    meaning = _PLAIN.get(choice.name)
    if meaning is None:
        return choice.name
    if own and own.get(meaning):
        word = own[meaning][0]
        return f"{word[:1].upper()}{word[1:]}"
    return phrases.approve if meaning is Meaning.APPROVE else phrases.reject


def named_choice(name: str, choices: Sequence[Choice], phrases: Phrases) -> str:
    """Returns the words of the choice with this name."""
    found = next((one for one in choices if one.name == name), None)
    return choice_word(found, phrases) if found else name
