"""HTML of any pieces in any order: all its words are in the text and in the safe HTML."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from services.parser.text.decode import storable
from services.parser.text.markup import clean_html, html_to_text

TAGS = re.findall(
    r"\S+",
    "html body head div p span b s a table tbody tr td th caption ul ol li dl dt dd pre blockquote"
    " h1 form select option textarea font o:p svg math template noscript frameset title style"
    " script section hr br img input plaintext xmp iframe object xml",
)
STARTS = [
    '<a href="https://a.example/?b&amp;c">', "<a href=x>", '<td colspan="3">', "<ol start=7>",
    '<p style="text-decoration: line-through">', '<div style="white-space: pre">', "<img alt=''>",
    "<p title='>", '<p class="x>', "<p =\">", "<!--", "<!-->", "<!-- c -->", "<![if !mso]>",
    "<![endif]>", "<?xml?>", "<!DOCTYPE html>", "</>", "<br/>", "&nbsp;", "&amp;", "&", " ", "\n",
    "<style>p {}</style>", "<script>if (a<b) x()</script>", "<title>t</title>", "<li value=3>",
    "<a@b.example>", "<http://a.example>", "<![CDATA[", "]]>",
]  # fmt: skip
# What hides the words behind it up to an end, and those ends.
HIDING = ("<style>", "<script>", "<title>", "<!--")
ENDS_OF_HIDDEN = re.compile(r"</(?:style|script|title|xml)>|-->")
pieces = st.one_of(
    st.sampled_from(STARTS),
    st.sampled_from([f"<{tag}>" for tag in TAGS]),
    st.sampled_from([f"</{tag}>" for tag in TAGS]),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(pieces, max_size=40))
def test_each_word_is_in_both_forms(found: list[str]) -> None:
    if any(piece in HIDING for piece in found):
        found = [piece for piece in found if not ENDS_OF_HIDDEN.search(piece)]
    source = "".join(f"{piece}w{number}w " for number, piece in enumerate(found))
    words = [f"w{number}w" for number in range(len(found))]
    # Captions stand above their tables, wherever they are written.
    assert sorted(re.findall(r"w\d+w", html_to_text(source))) == sorted(words)
    assert sorted(re.findall(r"w\d+w", clean_html(source))) == sorted(words)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(pieces, st.text(max_size=8)), max_size=40).map("".join))
def test_any_html_gives_texts_that_can_be_stored(source: str) -> None:
    text, cleaned = html_to_text(source), clean_html(source)
    assert text == storable(text)
    assert cleaned == storable(cleaned)
    assert all(line == line.rstrip(" \t") for line in text.split("\n"))
    assert "\n\n\n" not in text
    # What is clean stays so, with all its words.
    assert html_to_text(cleaned).split() == html_to_text(clean_html(cleaned)).split()
