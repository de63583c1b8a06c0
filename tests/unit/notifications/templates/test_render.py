"""Messages by templates: nothing that came by mail acts in ours, and mistakes stop no message."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postrail.configuration.models.project import Project
from postrail.configuration.templates.message_template import MessageTemplate, chosen
from postrail.notifications.events import COMMENTED, ISSUE_CREATED, from_outside
from postrail.notifications.phrases import LANGUAGES
from postrail.notifications.templates.configured import written_language
from postrail.notifications.templates.html_text import paragraphs
from postrail.notifications.templates.render import MAX_BYTES, rendered
from postrail.notifications.templates.words import Words
from postrail.rendering.events import MessageEvent
from postrail.tracker.issues import Watcher
from tests.makers.configuration import snapshot
from tests.unit.notifications.written import written

WORDS = Words(
    event=MessageEvent.COMMENTED,
    language="en",
    subject="[HELP-1] Printer on fire",
    sentence="Bo commented on HELP-1",
    title="Printer on fire",
    marker="--- Please reply above this line ---",
    body="Use water.",
    issue_key="HELP-1",
)
EVIL = [
    "<script>alert(1)</script>",
    '<img src="https://evil.example/x.png">',
    "<style>*{display:none}</style>",
    "javascript:alert(1)",
    '" onmouseover="alert(1)',
    'https://evil.example/"><script>alert(1)</script>',
    "data:text/html,<script>",
    "</td></table><iframe src=//evil.example>",
    "<!--[if mso]><img src=x><![endif]-->",
    "{{ 7 * 7 }}{% for x in y %}",
    "\ufdd0greeting\ufdd1",
    "&lt;script&gt;",
    "https://example.org/?a=1&b=2",
    "x\r\nBcc: a@example.org",
    "\x00\x07\u2028",
]
PIECES = st.lists(st.sampled_from(EVIL) | st.text(max_size=20), max_size=6).map("".join)


class Elements(HTMLParser):
    """Collects the elements of HTML with their attributes."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@settings(max_examples=60, deadline=None)
@given(body=PIECES, name=PIECES, summary=PIECES)
def test_nothing_of_a_mail_acts_in_our_html(body: str, name: str, summary: str) -> None:
    author = Watcher(address="bo@example.org", name=name)
    for event in (COMMENTED, ISSUE_CREATED, from_outside(1, internal=False)):
        made = written(event, body, author=author, max_characters=1000)
        elements = Elements(made.html).found
        tags = {tag for tag, _ in elements}
        assert tags <= {
            "html", "head", "meta", "title", "style", "body", "div", "table", "tr", "td", "p", "br",
            "a",
        }  # fmt: skip
        assert sum(tag == "style" for tag, _ in elements) == 1
        for tag, attributes in elements:
            assert not any(key.startswith("on") for key in attributes)
            assert "src" not in attributes
            if "href" in attributes:
                assert tag == "a"
                assert re.match(r"https?://", attributes["href"] or "")
    words = replace(WORDS, body=body, title=summary, author_name=name)
    made = rendered(words)
    assert "\ufdd0" not in f"{made.text}{made.html}"


@settings(max_examples=60, deadline=None)
@given(text=PIECES)
def test_a_text_as_html_has_the_same_words(text: str) -> None:
    class Shown(HTMLParser):
        words = ""

        def handle_data(self, data: str) -> None:
            self.words += data

    parser = Shown()
    parser.feed(str(paragraphs(text)))
    parser.close()
    kept = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", "", text)
    assert "".join(parser.words.split()) == "".join(kept.split())


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("See https://example.org/a?b=1&c=2.", "https://example.org/a?b=1&amp;c=2"),
        ("(http://example.org)", "http://example.org"),
        ("「https://example.org/」。", "https://example.org/」"),
        ("http://example.org/\u202egpj.exe", "http://example.org/"),
        ("javascript:alert(1)", ""),
        ("ftp://example.org", ""),
        ("www.example.org", ""),
    ],
)
def test_pages_of_the_web_become_links(text: str, link: str) -> None:
    found = re.findall(r'href="([^"]*)"', str(paragraphs(text)))
    assert found == ([link] if link else [])


def test_blank_lines_divide_paragraphs_and_line_ends_stay() -> None:
    assert str(paragraphs("a\nb\n\n \nc")) == (
        '<p style="margin: 0 0 12px 0;">a<br>\nb</p>\n<p style="margin: 0;">c</p>'
    )
    assert str(paragraphs(" \n")) == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_html_is_fit_for_old_outlook(language: str) -> None:
    html = written(COMMENTED, "Use water.", language=language).html
    assert f'<html lang="{language}">' in html
    # Tables with inline styles, a width for Word's engine, and no picture from elsewhere.
    assert '<!--[if mso]><table role="presentation" width="600"' in html
    assert "max-width: 600px" in html
    assert '<meta name="color-scheme" content="light dark">' in html
    for forbidden in ("<img", "<link", "@import", "url(", "position:", "display: flex"):
        assert forbidden not in html
    # The preview comes first, and then the marker.
    assert html.index("display: none") < html.index("---")


def template(**changes: str) -> MessageTemplate:
    fields = {"name": "mine", "event": "commented", "text": "{{ marker }}\n\n{{ body }}"}
    return MessageTemplate.model_validate(fields | changes)


def test_a_template_makes_subject_text_and_html() -> None:
    made = rendered(
        WORDS,
        template(subject="{{ issue.key }}\n about", html="<p>{{ marker }}</p><b>{{ body }}</b>"),
    )
    assert made.subject == "HELP-1 about"
    assert made.text == f"{WORDS.marker}\n\nUse water."
    assert made.html == f"<p>{WORDS.marker}</p><b>Use water.</b>"
    assert (made.template, made.fault) == ("mine", "")


def test_the_html_of_a_template_without_html_is_its_text_in_our_layout() -> None:
    made = rendered(replace(WORDS, body="<i>"), template())
    assert made.subject == WORDS.subject
    assert '<p style="margin: 0;">&lt;i&gt;</p>' in made.html
    assert made.html.count(WORDS.marker) == 1


def test_a_preview_has_no_part_of_a_token() -> None:
    made = rendered(WORDS, template(text="{{ marker }}\n" + "a" * 130 + " {{ greeting }} b"))
    shown = re.findall(r'mso-hide: all;">(.*?)</div>', made.html, re.S)
    assert shown == ["a" * 130 + " b"]


def test_a_template_that_fails_gives_way_to_the_default_one() -> None:
    made = rendered(WORDS, template(text="{{ marker }}{{ body|truncate(body) }}"))
    assert made.text == rendered(WORDS).text
    assert made.fault.startswith("template mine: TypeError")
    assert made.template == ""


def test_a_very_long_html_is_left_out() -> None:
    made = rendered(replace(WORDS, body="http://abc " * 20_000))
    assert made.html == ""
    assert len(rendered(replace(WORDS, body="a " * 40_000)).html) <= MAX_BYTES


def test_names_and_titles_do_not_turn_the_direction_of_our_sentences() -> None:
    turned: dict[str, Any] = {
        name: f"\u202e{name}"
        for name in ("subject", "sentence", "title", "author_name", "issue_summary")
    }
    made = rendered(replace(WORDS, sections=(("\u2066What", "\u202bשלום"),), **turned))
    assert "\u202bשלום" in made.text
    assert not {"\u202e", "\u2066"} & set(f"{made.subject}{made.text}{made.html}")


@pytest.mark.parametrize("length", [150_000, 2_000_000])
def test_a_text_that_no_record_holds_is_cut(length: int) -> None:
    made = rendered(replace(WORDS, body="漢" * length, why="You watch it."))
    assert made.html == ""
    assert len(made.text.encode()) <= MAX_BYTES
    assert made.text.startswith(WORDS.marker)
    assert "You watch it." in made.text


@pytest.mark.parametrize(
    ("language", "event", "project", "expected"),
    [
        ("fr", MessageEvent.COMMENTED, "HELP", "fr"),
        # Only the message that has a template is written in a language that we do not write.
        ("it", MessageEvent.CREATED, "HELP", "it"),
        ("it", MessageEvent.COMMENTED, "HELP", "de"),
        ("it", MessageEvent.CREATED, "SALE", "en"),
        ("", MessageEvent.CREATED, "HELP", "de"),
        ("", MessageEvent.CREATED, "GONE", "en"),
    ],
)
def test_a_message_is_in_a_language_that_it_is_written_in(
    language: str, event: MessageEvent, project: str, expected: str
) -> None:
    places = {
        key: Project(key=key, name=key, language=own)
        for key, own in (("HELP", "de"), ("SALE", "it"))
    }
    italian = template(name="it", event="created", project="HELP", language="it")
    configured = replace(snapshot(), projects=places, templates=(italian,))
    assert written_language(configured, language, event, project) == expected


@pytest.mark.parametrize(
    ("project", "language", "name"),
    [
        ("HELP", "de", "help-de"),
        ("HELP", "fr", "help"),
        ("SALE", "de", "all-de"),
        ("SALE", "fr", "all"),
    ],
)
def test_a_template_of_the_project_goes_before_one_of_the_language(
    project: str, language: str, name: str
) -> None:
    given = [
        template(name="all"),
        template(name="all-de", language="de"),
        template(name="help", project="HELP"),
        template(name="help-de", project="HELP", language="de"),
        template(name="other", event="created", project="HELP", language="de"),
        template(name="aa-off", project="HELP", language="de").model_copy(
            update={"enabled": False}
        ),
    ]
    found = chosen(given, MessageEvent.COMMENTED, project, language)
    assert found is not None
    assert found.name == name
    assert chosen(given, MessageEvent.DIGEST, project, language) is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"text": "{{ marker }}\n{{ boddy }}"}, "line 2: 'boddy' is not known"),
        ({"text": "{{ body }}"}, "has no {{ marker }}, above which people reply"),
        ({"text": "bookmarker"}, "has no {{ marker }}, above which people reply: put it first"),
        ({"text": "{{ body }}\n{{ marker }}"}, "put it first, outside of an if"),
        ({"html": "<p>{{ body }}</p>"}, "has no {{ marker }}"),
        ({"html": "{% if body %}{{ marker }}{% endif %}"}, "has no {{ marker }}"),
        ({"subject": "{{ greeting }}"}, "'greeting' differs by recipient"),
        ({"subject": "{{ subjekt }}"}, "line 1: 'subjekt' is not known"),
        ({"event": "commentd"}, "Input should be"),
        ({"language": "deu"}, "String should match"),
    ],
)
def test_a_mistake_is_found_when_it_is_saved(changes: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError, match="(?s)" + re.escape(problem)):
        template(**changes)


def test_a_message_that_nobody_answers_needs_no_marker() -> None:
    assert template(event="account_created", text="Hello").text == "Hello"
