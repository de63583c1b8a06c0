"""Replies in HTML only: the text that is made of them has links, images, numbers and rows."""

from __future__ import annotations

import pytest

from services.parser.reply.html import read_html
from services.parser.reply.split import split_reply
from services.parser.text.markup import html_to_text

RICH = (
    '<div>See <a href="https://example.org/manual">the manual</a><br><img src="cid:a.png@x">'
    "<ol><li>one</li><li>two</li></ol><table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td>"
    "</tr></table><s>old</s></div>"
)
RICH_TEXT = (
    "See the manual <https://example.org/manual>\n[image: a.png]\n\n1. one\n2. two\n\na | b\nc | d"
    "\n\n~~old~~"
)
OUTLOOK = (
    '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt"><p><b>From:</b> Lea'
    ' &lt;<a href="mailto:lea@example.org">lea@example.org</a>&gt;<br><b>Sent:</b> Monday<br>'
    "<b>To:</b> desk<br><b>Subject:</b> x</p></div>"
)


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ('<blockquote type="cite">', "</blockquote>"),
        ('<div class="gmail_quote"><div>Am 3. Nov. 2025 schrieb Lea:</div><blockquote>', "</div>"),
        (OUTLOOK, ""),
    ],
)
def test_the_new_text_keeps_its_marks(above: str, below: str) -> None:
    source = f"{RICH}{above}{RICH}<p>Yours, Lea</p>{below}"
    reply = split_reply(html_to_text(source), source)
    assert reply.new_text == RICH_TEXT
    assert RICH_TEXT in reply.quoted_text


def test_a_question_with_a_link_stays_above_its_answer() -> None:
    question = '<blockquote type=cite>Is it <a href="https://q.example">this one</a>?</blockquote>'
    answer = f"{RICH}{question}<p>Yes, <a href='https://a.example'>this</a>.</p>{question}<p>No</p>"
    reply = split_reply(html_to_text(answer), answer)
    asked = "Is it this one <https://q.example>?"
    assert reply.new_text.endswith(f"{asked}\n\nYes, this <https://a.example>.\n\n{asked}\n\nNo")
    assert reply.quoted_text == f"{asked}\n\n{asked}"


@pytest.mark.parametrize("name", ["div", "summary", "details", "figcaption", "option", "legend"])
def test_the_lines_are_those_of_the_text(name: str) -> None:
    source = f"a<{name}>b</{name}>c<br>d<wbr>e"
    _, lines = read_html(source)
    assert [line.text for line in lines] == html_to_text(source).split("\n")
