"""Earlier comments are quoted below all else, in the text and in HTML, escaped and bounded."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.configuration.templates.message_template import MessageTemplate
from postrail.notifications.bundles.pending_message import PendingMessage, from_json, to_json
from postrail.notifications.events import COMMENTED
from postrail.notifications.issue_words import HISTORY_MAX_CHARACTERS, Occasion, issue_words
from postrail.notifications.phrases import LANGUAGES, phrases_in
from postrail.notifications.templates.render import rendered
from postrail.notifications.templates.words import Words
from postrail.tracker.builtin.comments import EarlierComment
from tests.makers.configuration import snapshot
from tests.unit.effects.test_notify import BY_PERSON, queued
from tests.unit.notifications.written import AUDIENCE, BO, earlier, written


def words(*comments: EarlierComment, language: str = "en") -> Words:
    occasion = Occasion(
        audience=AUDIENCE,
        project_name="Help desk",
        author=BO,
        body="Use water.",
        max_characters=2000,
        earlier=comments,
    )
    return issue_words(COMMENTED, occasion, phrases_in(language))


def test_the_text_quotes_each_comment_below_all_else() -> None:
    made = written(
        COMMENTED, "Use water.", earlier=(earlier("It burns.\n\nQuick!"), earlier(author_name=""))
    )
    why = "To get no more emails about HELP-1, reply and ask us.\n"
    assert made.text.partition(why)[2] == (
        "\nEarlier comments:\n\n"
        "Ada, 2026-01-02 03:04 UTC:\n> It burns.\n>\n> Quick!\n\n"
        "ada@example.org, 2026-01-02 03:04 UTC:\n> It smells.\n"
    )
    below = made.html.partition("reply and ask us.")[2]
    assert below.index("Earlier comments:") < below.index("Ada, 2026-01-02 03:04 UTC:")
    assert below.count("<blockquote") == below.count("border-left: 3px solid") == 2


def test_without_earlier_comments_there_is_no_heading() -> None:
    made = written(COMMENTED, "Use water.")
    assert "Earlier" not in made.text + made.html
    assert "<blockquote" not in made.html
    assert made.text.endswith("reply and ask us.\n")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_its_words(language: str) -> None:
    phrases = phrases_in(language)
    made = written(
        COMMENTED,
        "Use water.",
        language=language,
        earlier=(earlier("", in_blob=True, internal=True), earlier("", author_address="")),
    )
    for wanted in (
        phrases.earlier,
        phrases.too_long_to_quote.format(key="HELP-1"),
        f"Ada{phrases.comma}{phrases.internal}{phrases.comma}2026-01-02 03:04 UTC",
        phrases.no_text,
    ):
        assert wanted in made.text
        assert wanted.replace("'", "&#x27;") in made.html


@pytest.mark.parametrize("limit", [50, 5000])
def test_a_long_comment_is_cut(limit: int) -> None:
    made = written(COMMENTED, "Use water.", max_characters=limit, earlier=(earlier("y" * 1500),))
    assert made.text.count("y" * min(limit, HISTORY_MAX_CHARACTERS)) == 1
    assert made.text.count("y" * (min(limit, HISTORY_MAX_CHARACTERS) + 1)) == 0
    assert "> [… This is only the beginning; HELP-1 has the whole text.]" in made.text


def test_what_came_by_mail_is_escaped_and_no_line_escapes_the_quotation() -> None:
    # Line ends of every kind, and the marks that only our own texts have.
    body = "<script>x</script>\u2028one\x0btwo\x85three\rfour \ufdd0greeting\ufdd1 javascript:x"
    made = written(
        COMMENTED, "Use water.", earlier=(earlier(body, author_name="A\n<b>B</b>\u2028C"),)
    )
    assert "<script>" not in made.html
    assert "&lt;script&gt;" in made.html
    assert "<b>B" not in made.html
    assert "href" not in made.html.partition("Earlier")[2]
    assert "\ufdd0" not in made.text.partition("Earlier")[2]
    lines = made.text.partition("Earlier comments:\n\n")[2].splitlines()
    assert lines[0] == "A <b>B</b> C, 2026-01-02 03:04 UTC:"
    assert len(lines) == 6
    assert all(line.startswith(">") for line in lines[1:])


def test_a_template_of_the_operator_puts_them_where_it_likes() -> None:
    own = MessageTemplate(
        name="own",
        event="commented",
        text="{{ marker }}\n{{ body }}\n{% if history %}Before.\n{{ history }}{% endif %}",
        html="<p>{{ marker }}</p>{{ body_html }}<hr>{{ history_html }}",
    )
    made = rendered(words(earlier("a < b")), own)
    assert made.fault == ""
    assert made.text.endswith("Before.\nEarlier comments:\n\nAda, 2026-01-02 03:04 UTC:\n> a < b")
    assert "a &lt; b" in made.html.partition("<hr>")[2]
    assert "Before." not in rendered(words(), own).text


def test_what_waits_for_a_bundle_has_none() -> None:
    mail = queued(BY_PERSON)
    stored = to_json(PendingMessage(mail=mail, words=words(earlier("Not to be kept."))))
    assert "Not to be kept." not in stored
    assert from_json(stored).words.history == ()


TEXT = "{{ marker }} {{ body }}"
QUOTING = "{{ marker }} {% if history %}{{ history }}{% endif %}"


@pytest.mark.parametrize(
    ("setting", "template", "quotes", "may"),
    [
        (False, {}, False, False),
        (True, {}, True, True),
        # A template decides by itself.
        (True, {"text": TEXT}, False, True),
        (False, {"text": QUOTING}, True, True),
        (False, {"text": TEXT, "html": "{{ marker }} {{ history_html }}"}, True, True),
        # Other messages than its own may quote nothing, and so may those of a disabled one.
        (False, {"text": QUOTING, "event": "assigned"}, False, True),
        (False, {"text": QUOTING, "enabled": False}, False, False),
    ],
)
def test_the_project_or_a_template_asks_for_them(
    setting: bool, template: dict[str, Any], quotes: bool, may: bool
) -> None:
    own = {"name": "own", "event": "commented", **template}
    found = snapshot()
    found.projects["HELP"] = found.projects["HELP"].model_copy(update={"quote_history": setting})
    if template:
        found = type(found)(
            projects=found.projects, templates=(MessageTemplate.model_validate(own),)
        )
    assert found.quotes_history(COMMENTED.kind, "HELP", "en") is quotes
    assert found.may_quote_history("HELP") is may
