"""Hostile replies: any text and any HTML are split in linear time."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.parser.reply import Reply, split_reply
from services.parser.reply.split import LINES_MAX

# Pieces that are significant to the splitter, so that their mixtures are, too.
PIECES = [
    "It works.", "", "> ", ">> old", "-- ", "__", "-----", "-----Original Message-----", "|",
    "On 6 May 2024 at 10:11, Jo <jo@desk.example> wrote:", "wrote:", "<jo@desk.example>", ">:",
    "From: Jo <jo@desk.example>", "Sent: 6 May 2024 10:11", "To: Ana", "Subject: x", "From:",
    "Sent from my iPhone", "---------- Forwarded message ----------", "Kind regards", "Ana",
    "reply above this line", "+49 30 1234567", "\t", "\u3000", "\u200f", "\r", "发件人： Jo",
]  # fmt: skip
TAGS = [
    "<div>", "</div>", "<blockquote>", "<blockquote type=cite>", "</blockquote>", "<br>", "<p>",
    '<div class="gmail_quote">', '<div id="appendonsend">', "<", ">", "<!--", "-->", "<style>",
    "</style>", "&lt;", "&", "text", "<b", "</x>",
    '<hr id="stopSpelling">', "On 6 May 10:11, a@b wrote:",
]  # fmt: skip


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(PIECES), max_size=25), st.sampled_from(["", "Fwd: x", "Re: x"]))
def test_no_line_is_lost(pieces: list[str], subject: str) -> None:
    reply = split_reply("\n".join(pieces), "", subject)
    parts = (reply.new_text + "\n" + reply.quoted_text + "\n" + reply.signature).split("\n")
    assert {piece.strip() for piece in pieces} <= {part.strip() for part in parts} | {""}
    assert bool(reply.new_text.strip()) == any(piece.strip() for piece in pieces)


def test_an_oversized_text_stays_whole() -> None:
    text = "new\n> old\n" * LINES_MAX
    assert split_reply(text, "<p>x", "") == Reply(text, "", "", "<p>x", "", "")


def test_a_log_below_an_answer_is_its_quotation() -> None:
    # A reply above a quoted log of several MiB.
    log = "".join(f"> 10:11:12 worker {number} took the job\n" for number in range(100_000))
    reply = split_reply(f"See the last line.\n\nOn 6 May 2024, Jo wrote:\n{log}", "", "")
    assert reply.new_text == "See the last line."
    assert reply.quoted_text.count("\n") == 100_000


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(TAGS), max_size=30))
def test_no_html_raises(tags: list[str]) -> None:
    html = "".join(tags)
    reply = split_reply("It works.", html)
    if html.count("text") and not reply.quoted_html and not reply.signature_html:
        assert reply.new_html == html


def test_a_quotation_may_begin_with_a_line_of_nothing_but_marks() -> None:
    html = "text<blockquote type=cite>&#x200f;<br>old</blockquote>"
    assert split_reply("", html, "Fwd: x").new_html == "text"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(max_size=300))
def test_any_text_is_split(text: str) -> None:
    reply = split_reply(text, text)
    assert reply.new_text or not text.strip()


@pytest.mark.parametrize(
    "hostile",
    [
        lambda n: " " * n + ":",
        lambda n: "> " * n + ":",
        lambda n: ">" * n + "x",
        lambda n: "x *" * n,
        lambda n: "a:\n" * n,
        lambda n: "From: a@b\n" * n,
        lambda n: "On Mon 10:11 a@b\n" * n,
        lambda n: "On 6 May 2024 10:11 a@b.c x wrote\n" * n,
        lambda n: "-----\n\n" * n,
        lambda n: "> a\nb\n\n" * n,
        lambda n: "<a@b\n>:\n" * n,
        lambda n: "\nOn 6 May 2024 10:11 a@b wrote:\n| x\n\n" * n,
        lambda n: "".join(
            f"\nOn 6 May 2024 10:11 a@b wrote:\n{chr(65 + i % 26)}{chr(65 + i // 26 % 26)}> x\n\n"
            for i in range(n)
        ),
        lambda n: "Regards\nx\n" * n,
        lambda n: "<div>" * n + "x",
        lambda n: "<blockquote>x" * n,
        lambda n: "<!--" * n,
        lambda n: "<!-- >" * n,
        lambda n: "<pre>\n" * n,
        lambda n: "<style>" * n + "</style" * n,
        lambda n: "<b><i>x<br>" * n,
        lambda n: "<blockquote type=cite>q</blockquote>a<br>" * n,
    ],
)
def test_the_time_is_linear(hostile: Callable[[int], str]) -> None:
    # Quadratic time would make this a factor of 256, where 16 is linear.
    assert spent(hostile(4000)) < 100 * max(spent(hostile(250)), 0.002)


def spent(source: str) -> float:
    """Measures the least of three times, as one may include a garbage collection."""
    return min(spent_once(source) for _ in range(3))


def spent_once(source: str) -> float:
    started = time.process_time()
    split_reply(source, source)
    return time.process_time() - started
