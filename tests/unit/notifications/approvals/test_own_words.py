"""Our own words are never read as an answer, however a program quotes them: whole, or in part."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any
from urllib.parse import parse_qs

import pytest

from postrail.approvals.answer import Read, read_choice
from postrail.approvals.request import APPROVE_OR_REJECT, AtDeadline, Choice, Meaning, Rule
from postrail.approvals.words import words_of
from postrail.notifications.approvals.helping import HelpReason
from postrail.notifications.phrases import LANGUAGES
from postrail.notifications.templates.render import Rendered
from tests.makers.parsing import made
from tests.unit.notifications.approvals.letters import (
    NAMED,
    asking,
    closing,
    ending,
    helping,
)

LINK = re.compile(r'href="mailto:[^"?]+\?([^"]+)"')
each_language = pytest.mark.parametrize("language", LANGUAGES)
# What a requester may write, with words that are answers.
WRITTEN: dict[str, Any] = {
    "subject": "Approve the release of 4.2",
    "body": "Yes.\n\n1\n\nApproved\n\n- ja\n承認",
    "fields": [("Approve", "yes"), ("1", "2"), ("はい", "ok")],
}


def read(text: str, language: str, choices: Sequence[Choice] = APPROVE_OR_REJECT) -> Read:
    return read_choice(text, choices, words_of(dict.fromkeys([language, *LANGUAGES])))


def messages(language: str) -> Iterator[Rendered]:
    """Yields each message that an approver may get, with all of its phrases."""
    for rule in Rule:
        yield asking(language, rule=rule, needed=2, comment_required=True, **WRITTEN)
    for at_deadline in AtDeadline:
        yield asking(language, at_deadline=at_deadline, again=True, places=1, **WRITTEN)
    yield asking(language, choices=NAMED, deadline=None, **WRITTEN)
    for reason in HelpReason:
        yield helping(reason, language, **WRITTEN)
    for replaced in (False, True):
        yield closing(language, replaced=replaced, **WRITTEN)
    yield ending(language, **WRITTEN)


@each_language
def test_a_copy_of_our_message_is_no_answer(language: str) -> None:
    for message in messages(language):
        for choices in (APPROVE_OR_REJECT, NAMED):
            assert read(message.text, language, choices).choice is None


@each_language
def test_no_line_of_ours_is_an_answer(language: str) -> None:
    """A program may drop the lines before any of them."""
    for message in messages(language):
        lines = message.text.splitlines()
        for start in range(len(lines)):
            found = read("\n".join(lines[start:]), language)
            assert found.choice is None, lines[start]


@each_language
def test_no_line_that_a_program_has_wrapped_is_an_answer(language: str) -> None:
    for message, width in product(messages(language), (60, 72, 76)):
        own = [line for line in message.text.splitlines() if not line.startswith(">")]
        lines = [piece for line in own for piece in textwrap.wrap(line, width) or [""]]
        for start in range(len(lines)):
            text = "\n".join(lines[start : start + 6])
            assert read(text, language).choice is None, text


# As mail programs send our HTML back: below or above nothing that a person wrote.
FORMS = [
    "{html}",
    "<div><br></div>{html}",
    "<p>&nbsp;</p><div style='border-top:solid #E1E1E1 1.0pt'><p><b>From:</b> Approvals<br>"
    "<b>Sent:</b> Monday<br><b>To:</b> Ana<br><b>Subject:</b> [A-12] Approve</p></div>{html}",
    '<div dir="ltr"><br></div><div class="gmail_quote"><div class="gmail_attr">On Mon, Approvals'
    " &lt;approvals@desk.example&gt; wrote:<br></div><blockquote>{html}</blockquote></div>",
]


@pytest.mark.parametrize("form", FORMS)
@each_language
def test_our_html_sent_back_is_no_answer(form: str, language: str) -> None:
    message = asking(language, **WRITTEN)
    new_text = parsed(form.format(html=message.html))
    assert read(new_text, language).choice is None


@each_language
def test_an_answer_above_our_unquoted_html_is_read_alone(language: str) -> None:
    message = asking(language, **WRITTEN)
    word = words_of([language])[0].approve[0]
    new_text = parsed(f"<p>{word}</p><p>Have fun.</p>{message.html}")
    found = read(new_text, language)
    assert found.choice is not None
    assert found.choice.name == "approve"
    assert found.comment == "Have fun."


@each_language
def test_an_answer_below_our_unmarked_text_decides_nothing(language: str) -> None:
    message = asking(language, **WRITTEN)
    assert read(f"{message.text}\n\nThanks for all of it\n", language).choice is None


def parsed(html: str) -> str:
    """Returns the new text of a reply in HTML, as the parser finds it."""
    raw = (
        b"From: ana@example.org\r\nTo: approvals@desk.example\r\nSubject: Re: [A-12] Approve\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\n" + html.encode()
    )
    record = made(raw).record
    return record.reply.new_text if record.reply else record.text


@each_language
def test_the_words_that_we_suggest_are_read(language: str) -> None:
    """Each answer that a link begins is read as that answer, with the comment after it."""
    for choices in (APPROVE_OR_REJECT, NAMED):
        html = asking(language, choices=choices).html
        words = [
            parse_qs(one)["body"][0].splitlines()[0]
            for one in LINK.findall(html.replace("&amp;", "&"))
        ]
        assert len(words) == len(choices)
        for number, (choice, word) in enumerate(zip(choices, words, strict=True), 1):
            for first in (word, word.lower(), str(number)):
                found = read(f"{first}\n\n[12a-{'a' * 26}]", language, choices)
                assert found.choice == choice, first


def test_choices_of_one_letter_are_told_from_the_name_of_a_request() -> None:
    choices = [
        Choice(name="A", meaning=Meaning.APPROVE),
        Choice(name="B", meaning=Meaning.REJECT),
    ]
    message = asking("en", choices=choices, **WRITTEN)
    lines = [*message.text.splitlines(), "A-12 Approve the release of 4.2"]
    assert [line for line in lines if read(line, "en", choices).choice] == []
