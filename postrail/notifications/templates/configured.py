"""Renders messages by the templates of the configuration, and logs what these do wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from postrail.configuration.contexts.context import MessageContext
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.configuration.templates.message_template import MessageTemplate
from postrail.notifications.compose import Message
from postrail.notifications.phrases import LANGUAGES, phrases_in
from postrail.notifications.phrases.phrases import Phrases
from postrail.notifications.templates.render import rendered
from postrail.notifications.templates.words import Words
from postrail.observe.log import log
from postrail.rendering.events import MessageEvent

logger = log(__name__)


def message_of(
    words_in: Callable[[Phrases], Words],
    snapshot: ConfigurationSnapshot,
    project: str,
    language: str,
    context: MessageContext | None = None,
) -> Message:
    """Returns the message in the language, by the template that is configured for it, if any."""
    words = words_in(phrases_in(language))
    template = snapshot.template_for(words.event, project, language, context)
    made = _message(template, words, language)
    if fault := made.rendered.fault:
        logger.warning("a template failed", reason=fault, instead="the default template")
    return made


def message_by(
    template: MessageTemplate | None, words_in: Callable[[Phrases], Words], language: str
) -> Message:
    """Returns the message in the language, by the template or, without one, the default layout."""
    return _message(template, words_in(phrases_in(language)), language)


def _message(template: MessageTemplate | None, words: Words, language: str) -> Message:
    if words.language != language:
        # The operator has a template in a language that we do not write.
        words = replace(words, language=language)
    return Message(words=words, rendered=rendered(words, template))


def written_language(
    snapshot: ConfigurationSnapshot,
    language: str,
    event: MessageEvent,
    project: str,
    context: MessageContext | None = None,
) -> str:
    """Returns the person's language if the event is written in it, or the project's, or English."""
    for one in filter(None, (language, snapshot.language_of(project))):
        template = snapshot.template_for(event, project, one, context)
        if one in LANGUAGES or (template and template.language == one):
            return one
    return "en"
