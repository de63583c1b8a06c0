"""Keeps the phrases of our messages in each language that we write."""

from __future__ import annotations

from postrail.notifications.phrases.english import ENGLISH
from postrail.notifications.phrases.french import FRENCH
from postrail.notifications.phrases.german import GERMAN
from postrail.notifications.phrases.japanese import JAPANESE
from postrail.notifications.phrases.phrases import Phrases
from postrail.notifications.phrases.portuguese import PORTUGUESE
from postrail.notifications.phrases.spanish import SPANISH

LANGUAGES: dict[str, Phrases] = {
    one.language: one for one in (ENGLISH, GERMAN, FRENCH, SPANISH, PORTUGUESE, JAPANESE)
}


def phrases_in(language: str) -> Phrases:
    """Returns the phrases in the language, or in English."""
    return LANGUAGES.get(language, ENGLISH)
