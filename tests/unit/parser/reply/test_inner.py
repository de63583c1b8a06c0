"""New words and a heading in the same line: none of them is lost."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.parser.reply import Reply, split_reply
from services.parser.text.markup import html_to_text
from tests.unit.parser.reply.test_attribution import ATTRIBUTIONS
from tests.unit.parser.reply.test_limits import PIECES
from tests.unit.parser.reply.test_shapes import BLOCKS, FRAMED, QUOTE

NEW = [
    "we will fix the lamp tomorrow",
    "Done.",
    "Yes, that works!",
    "On Monday I will be there.",
    "Wir kommen morgen um 10 Uhr.",
    "明日行きます。",
    "Ask kim@desk.example about it.",
    "It took from 3.11.2025 to 5.11.2025.",
]
JOINTS = ["--- ", "---", " ---- ", " ", "  ", ". ", " - ", "\u00a0"]
# Those that begin with a word before the date, with dashes, or as a title or block.
HEADINGS = [
    "On Mon, Nov 3, 2025 at 4:07 PM, jo@desk.example wrote:",
    "On Mon, Nov 3, 2025 at 4:07 PM,\nJo Lindqvist <jo@desk.example> wrote:",
    "Am 3. Nov. 2025 um 16:07 schrieb Jo <jo@desk.example>:",
    "Am Montag, 3. November 2025 um 16:07 schrieb Jo <jo@desk.example>:",
    "Le lun. 3 nov. 2025 à 16:07, Jo <jo@desk.example> a écrit :",
    "El lun, 3 nov 2025 a las 16:07, Jo (<jo@desk.example>) escribió:",
    "Il giorno lun 3 nov 2025 alle 16:07 Jo <jo@desk.example> ha scritto:",
    "Em seg., 3 de nov. de 2025 às 16:07, Jo <jo@desk.example> escreveu:",
    "Op ma 3 nov 2025 om 16:07 schreef Jo <jo@desk.example>:",
    "W dniu 3.11.2025 o 16:07, Jo <jo@desk.example> pisze:",
    "Den mån 3 nov. 2025 kl 16:07 skrev Jo <jo@desk.example>:",
    "Dne po 3. 11. 2025 16:07 uživatel Jo <jo@desk.example> napsal:",
    "2025-11-03 16:07 GMT+01:00 Jo <jo@desk.example>:",
    "在 2025年11月3日星期一，Jo <jo@desk.example> 写道：",
    "---- On Mon, 03 Nov 2025 16:07:12 +0100 jo@desk.example wrote ----",
    "------On 11/03/2025 16:07 PM, Jo Lindqvist wrote-----",
    "-----Original Message-----",
    "-----Ursprüngliche Nachricht-----",
    "From: Jo <jo@desk.example>\nSent: Monday, November 3, 2025 4:07 PM\nTo: Ana\nSubject: Lamp",
    "Von: Jo <jo@desk.example> Gesendet: 03.11.2025 16:07 An: Ana Betreff: Lampe",
]


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text))


def words_of(reply: Reply) -> Counter[str]:
    return words(f"{reply.new_text} {reply.quoted_text} {reply.signature}")


@pytest.mark.parametrize("new", ["Hello Jo,\nwe will fix the lamp tomorrow", "Yes, that works!"])
@pytest.mark.parametrize("joint", ["--- ", " ---- ", " ", " - ", "\u00a0"])
@pytest.mark.parametrize("heading", HEADINGS)
def test_a_heading_begins_behind_new_words(heading: str, joint: str, new: str) -> None:
    reply = split_reply(f"{new}{joint}{heading}\n{QUOTE}\n", "")
    assert reply.new_text == new
    assert reply.quoted_text.endswith(f"{heading}\n{QUOTE}")


@pytest.mark.parametrize("heading", [*ATTRIBUTIONS, *FRAMED, *BLOCKS])
def test_new_words_before_a_heading_are_never_lost(heading: str) -> None:
    for new in NEW:
        for joint in JOINTS:
            text = f"Hello,\n{new}{joint}{heading}\n> {QUOTE}\n"
            reply = split_reply(text, "")
            assert not words(new) - words(reply.new_text), text
            assert not words(text) - words_of(reply), text


def test_the_words_of_a_long_paragraph_stay() -> None:
    new = "The lamp in the hall is out again, and the one above the stairs flickers. " * 9
    reply = split_reply(f"{new}{HEADINGS[0]}\n> {QUOTE}", "")
    assert reply.new_text == new.strip()


def test_an_author_alone_precedes_marks() -> None:
    reply = split_reply(f"Done. Jo wrote:\n> {QUOTE}", "")
    assert (reply.new_text, reply.quoted_text.split("\n")[0]) == ("Done.", " Jo wrote:")


@pytest.mark.parametrize(
    ("text", "new"),
    [
        (
            "Regards, EvaOn Nov 3, 2025, at 8:05 AM, Jo <jo@desk.example> wrote:\n> x",
            "Regards, Eva",
        ),
        ("ok thanks On Mon, Nov 3, 2025 Jo <jo@desk.example> wrote: > old > > older", "ok thanks"),
        ("Half past ten___On Mon, Nov 3, 2025 Jo <jo@desk.example> wrote:\n> x", "Half past ten"),
        ("It is off. tor. 3. nov. 2025 kl. 08:05 skrev Jo <jo@desk.example>:\nold", "It is off."),
        ("Bitti. 3 Kas 2025 Pzt 08:05 tarihinde Jo <jo@desk.example> şunu yazdı:\nx", "Bitti."),
        ("It is off ____On 03.11.2025 08:05, Jo wrote____\nold", "It is off"),
        ("Fixed it On Mon, Nov 3, 2025 at 8:05 AM Jo <jo@desk.example> wrote:\nold", "Fixed it"),
    ],
)
def test_a_line_is_divided_at_its_opener(text: str, new: str) -> None:
    assert split_reply(text, "").new_text == new


@pytest.mark.parametrize(
    "html",
    [
        "<div>Hello,<br>we fix &amp; test it--- {}<blockquote>Hi</blockquote></div>",
        "<p>Hello,</p><p>we fix &amp; test it&nbsp;<b>{}</b></p><p>Hi there</p>",
    ],
)
def test_html_is_divided_in_the_line(html: str) -> None:
    link = '<a href="mailto:jo@desk.example">jo@desk.example</a>'
    html = html.format(f"On Mon, Nov 3, 2025 at 4:07 PM, Jo {link} wrote:")
    reply = split_reply(html_to_text(html), html)
    assert reply.new_text.split("\n")[-1] == "we fix & test it"
    assert (reply.new_html.count("we fix &amp; test it"), "Nov" in reply.new_html) == (1, False)
    assert ("On Mon, Nov 3" in reply.quoted_html, "Hi" in reply.quoted_html) == (True, True)


@pytest.mark.parametrize(
    "text",
    [
        # A forwarded message stays, in the line in which it begins.
        "Have a look. ---------- Forwarded message ----------\nFrom: Jo <jo@desk.example>",
        "I met Jo. On 3 Nov 2025 he wrote to me:\nit is broken.",
        "The order of 2025-11-03 came from Jo <jo@desk.example> today.",
        "Please send: From: me To: you Date: today",
        # A sentence that goes on behind the verb.
        "I asked Eva, and on Mon, Nov 3, 2025 at 8:05 AM Jo <jo@desk.example> wrote: it is done.",
        "See the mail that Jo <jo@desk.example> wrote on 03.11.2025: it is fine.",
        "We met On Mon, Nov 3, 2025 at 8:05 AM: nobody came.",
    ],
)
def test_other_lines_stay_whole(text: str) -> None:
    assert split_reply(text, "").new_text == text


LINES = st.lists(st.sampled_from([*PIECES, *NEW, *HEADINGS]), min_size=1, max_size=3).map(" ".join)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.lists(LINES, max_size=12), st.sampled_from(["", "Fwd: x", "Re: x"]))
def test_no_word_is_lost(lines: list[str], subject: str) -> None:
    text = "\n".join(lines)
    assert not words(text) - words_of(split_reply(text, "", subject))
