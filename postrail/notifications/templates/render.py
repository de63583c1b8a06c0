"""Renders the words of a message: by a template of the operator, or by the default one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.resources import files
from typing import Any

from postrail.configuration.templates.message_template import MessageTemplate
from postrail.notifications.mime.fields import without_directions
from postrail.notifications.templates.choices import choices_html, choices_text
from postrail.notifications.templates.field_table import fields_html, fields_text
from postrail.notifications.templates.history import history_html, history_text, quoted
from postrail.notifications.templates.html_text import in_lines, paragraphs
from postrail.notifications.templates.sections import section_html, section_text
from postrail.notifications.templates.words import TIME, Words
from postrail.notifications.tokens import without_marks, without_tokens
from postrail.rendering.engine import Unrendered, render

PREVIEW_CHARACTERS = 140
SUBJECT_CHARACTERS = 900
# A record holds the text and the HTML; a longer HTML is left out.
MAX_BYTES = 420_000
# Of each value, where all of them together are too much for a record.
CUT_CHARACTERS = 10_000
# Tokens stand in these, and all else that they hold is ours.
_PAIRS = ("sections", "history", "fields", "choices")
_OWN = {"greeting", "marker", "stop", "event", "quotes", "previews_title", *_PAIRS}
_FROM_ELSEWHERE = tuple(field.name for field in fields(Words) if field.name not in _OWN)
# Texts in which people may turn the direction of a line, as Hebrew and Arabic need it.
_TEXTS = {"body", "note", "sections", "history"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """A message in all its forms, and the name of its template; "": the default one."""

    subject: str
    text: str
    # "": the message is its text only.
    html: str
    template: str = ""
    # Why the operator's template could not be used.
    fault: str = ""


def rendered(words: Words, template: MessageTemplate | None = None) -> Rendered:
    """Returns the message; by the default template where the operator's own fails."""
    made = _made(_clean(words), template)
    return replace(made, html="") if _too_long(made.html) else made


def _too_long(text: str) -> bool:
    return len(text) * 4 > MAX_BYTES and len(text.encode()) > MAX_BYTES


def _made(words: Words, template: MessageTemplate | None) -> Rendered:
    if template is None:
        return _by_default(words)
    try:
        return _by_template(words, template)
    except Unrendered as error:
        return replace(_by_default(words), fault=f"template {template.name}: {error}")


@cache
def default_source(name: str) -> str:
    """Returns the default template of this name: message.txt or message.html."""
    return files("postrail.notifications.templates").joinpath(f"{name}.j2").read_text("utf-8")


def _by_default(words: Words) -> Rendered:
    variables = variables_of(words)
    return Rendered(
        subject=words.subject,
        text=_text_by_default(variables | {"colon": words.colon}),
        html=_layout(words, variables),
    )


def _text_by_default(variables: dict[str, Any]) -> str:
    """Returns the text in our layout, with cut values if it is too long: it never fails."""
    source = default_source("message.txt")
    # Ours fails for one reason only: the message is too long.
    with suppress(Unrendered):
        text = render(source, variables)
        if not _too_long(text):
            return text
    cut = {
        name: value[:CUT_CHARACTERS] for name, value in variables.items() if isinstance(value, str)
    }
    return render(source, variables | cut)


def _by_template(words: Words, template: MessageTemplate) -> Rendered:
    variables = variables_of(words)
    subject = words.subject
    if template.subject:
        subject = without_tokens(render(template.subject, variables))
        subject = " ".join(subject.split())[:SUBJECT_CHARACTERS]
    text = render(template.text, variables)
    if _too_long(text):
        raise Unrendered(f"its text has more than {MAX_BYTES:,} bytes")
    if template.html:
        html = render(template.html, variables, html=True)
    else:
        html = _around(words, subject, text)
    return Rendered(subject=subject, text=text, html=html, template=template.name)


def _around(words: Words, subject: str, text: str) -> str:
    """Returns the text of a template in the default layout."""
    body = text.replace(words.marker, "", 1) if words.marker else text
    own = Words(
        event=words.event,
        language=words.language,
        subject=subject,
        marker=words.marker,
        body=body.strip(),
    )
    return _layout(own, variables_of(own))


def _layout(words: Words, variables: dict[str, Any]) -> str:
    further = {
        "note_html": in_lines(words.note),
        "terms_html": paragraphs(words.terms),
        "quotes": words.quotes,
        "end": words.full_stop if words.sentence and not words.title else "",
    }
    # Ours fails for one reason only: the message is too long.
    with suppress(Unrendered):
        return render(default_source("message.html"), variables | further, html=True)
    return ""


def variables_of(words: Words) -> dict[str, Any]:
    """Returns the variables that templates may use, by name."""
    return {
        "issue": {
            "key": words.issue_key,
            "summary": words.issue_summary,
            "url": words.issue_url,
            "status": words.issue_status,
        },
        "project": {"key": words.project_key, "name": words.project_name},
        "author": {"name": words.author_name, "address": words.author_address},
        "act": {"label": words.act_label, "url": words.act_url},
        "subject": words.subject,
        "marker": words.marker,
        "greeting": words.greeting,
        "sentence": words.sentence,
        "title": words.title,
        "headline": _headline(words),
        "note": words.note,
        "body": _body(words),
        "body_label": words.body_label,
        "body_html": section_html(words.sections) or paragraphs(words.body),
        "fields": fields_text(words.fields),
        "fields_html": fields_html(words.fields),
        "choices": choices_text(words.choices),
        "choices_html": choices_html(words.choices),
        "terms": words.terms,
        "reference": words.reference,
        "history": history_text(words.history_label, words.history),
        "history_html": history_html(words.history_label, words.history),
        "hint": words.hint,
        "why": words.why,
        "stop": words.stop,
        "time": TIME,
        "preview": _preview(words),
        "language": words.language,
        "event": words.event.value,
    }


def _headline(words: Words) -> str:
    """Returns sentence and title on one line."""
    end = words.colon + words.title if words.title else words.full_stop
    return f"{words.sentence}{end}" if words.sentence else words.title


def _body(words: Words) -> str:
    """Returns the new words as plain text, quoted if they are the recipient's own."""
    if words.quotes:
        return quoted(words.body)
    return section_text(words.sections) or words.body


def _preview(words: Words) -> str:
    """Returns the first words of the message on one line, without the marker."""
    if words.previews_title:
        parts = [_headline(words), *(f"{label}{words.colon}{text}" for label, text in words.fields)]
        return " ".join(" · ".join(parts).split())[:PREVIEW_CHARACTERS]
    body = section_text(words.sections[:1]).removeprefix("* ") or words.body
    # Of a token that is cut the rest would be shown.
    begin = without_tokens(body)[: 2 * PREVIEW_CHARACTERS] if not words.quotes else ""
    sentence = f"{words.sentence}{words.full_stop}" if words.sentence else ""
    return " ".join(f"{sentence} {begin}".split())[:PREVIEW_CHARACTERS]


def _clean(words: Words) -> Words:
    """Returns the words without the marks of tokens, which only we may set.

    Names and titles stand in our sentences, and do not turn the direction of these either.
    """
    given: dict[str, Any] = {}
    for name in _FROM_ELSEWHERE:
        value = getattr(words, name)
        clean = without_marks(value)
        if name not in _TEXTS:
            clean = without_directions(clean)
        if clean is not value:
            given[name] = clean
    for name in _PAIRS:
        if pairs := getattr(words, name):
            given[name] = tuple(
                (
                    without_directions(without_marks(title)),
                    without_marks(text)
                    if name in _TEXTS
                    else without_directions(without_marks(text)),
                )
                for title, text in pairs
            )
    return replace(words, **given) if given else words
