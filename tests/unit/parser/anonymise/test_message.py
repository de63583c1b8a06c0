"""Anonymised messages keep their structure and no word of a person; all mails of tests/mails."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.parser.anonymise.known_words import LETTERS, ROBOTS, known_words
from services.parser.anonymise.message import (
    HEADERS,
    PEOPLE,
    SUBJECT,
    TEXT,
    Anonymiser,
)
from services.parser.anonymise.replace import Replacer
from services.parser.parse import Mail, parse
from services.parser.record.record_maker import parsed_or_not

MAILS = sorted((Path(__file__).parents[3] / "mails").rglob("*.eml"))
# A shorter word may be made from another one by chance.
MARKER_LETTERS = 5
# What may stay beside the words of protocols and of mail programs.
TYPES = re.compile(r"^content-type:.*(?:\n[ \t].*)*", re.I | re.M)
TAG = re.compile(r"<[^>]*>")
ALLOWED = {
    # "Доставлено", as a table of the parser has it with another ending.
    "доставлено",
    # The parser names files so that have no name.
    *("embedded", "whole"),
}


def made(raw: bytes, *kept: str, literals: tuple[str, ...] = (), key: bytes = b"key") -> bytes:
    return Anonymiser(Replacer(key, literals=literals, codes=True), kept).message(raw)


def words_of(mail: Mail, raw: bytes) -> set[str]:
    """Returns the words of a message as people see it, and those of its header fields."""
    people = [*mail.to, *mail.cc, *mail.reply_to, *([mail.sender] if mail.sender else [])]
    texts = [
        mail.subject,
        mail.content.text,
        TAG.sub(" ", mail.content.html),
        *(f"{one.name} {one.address}" for one in people),
        *(one.value for one in mail.header.fields if one.name.lower() != "content-type"),
        *(one.name for one in mail.content.attachments),
    ]
    found = {word.casefold() for text in texts for word in LETTERS.findall(text)}
    return {word for word in found if len(word) >= MARKER_LETTERS}


def allowed(raw: bytes) -> set[str]:
    """Returns the words that may stay: those that say nothing about a person."""
    types = " ".join(TYPES.findall(raw.decode("latin-1")))
    return ALLOWED | known_words() | ROBOTS | {one.casefold() for one in LETTERS.findall(types)}


@pytest.mark.parametrize("file", MAILS, ids=lambda path: path.stem)
def test_no_word_of_a_person_is_left(file: Path) -> None:
    raw = file.read_bytes()
    out = made(raw)
    left = words_of(parsed_or_not(raw), raw) & words_of(parsed_or_not(out), out)
    assert left - allowed(raw) == set()


def test_most_messages_are_of_the_same_kind_without_any_of_their_words() -> None:
    kinds = [(parsed_or_not(raw), parsed_or_not(made(raw))) for raw in map(Path.read_bytes, MAILS)]
    same = sum(before.kind.name == after.kind.name for before, after in kinds)
    assert same / len(kinds) > 0.95


RAW = b"""\
Received: from pc (pc.lovelace.example [192.168.17.104]) by mx.desk.example
 with ESMTP id A7; Fri, 20 Nov 2026 10:12:40 +0100
From: Ada Lovelace <ada@lovelace.example>
To: "Help desk" <help@desk.example>, help+x7@desk.example
Cc: =?iso-8859-1?q?J=FCrgen?= <juergen@lovelace.example>
Subject: Re: HELP-12 broken Printer 3, order 48121
Date: Fri, 20 Nov 2026 10:12:40 +0100
Message-ID: <printer.1@lovelace.example>
In-Reply-To: <postrail.7a.9f@desk.example>
References: <printer.0@lovelace.example> <postrail.7a.9f@desk.example>
Auto-Submitted: no
Authentication-Results: mx.desk.example; dmarc=pass header.from=lovelace.example
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="Lovelace"

--Lovelace
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

<p class=3D"gmail_quote">Lovelace says: Gr=FC=DFe &amp; Lovelace</p><a href=3D"https://lovelace.example/printer">x</a>
--Lovelace
Content-Type: image/png; name="Lovelace at home.png"
Content-Transfer-Encoding: base64

iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAAC0lEQVQIHWNgAAIAAAUAAY27m/MA
--Lovelace--
"""
LITERALS = (
    r"help(?:\+\w+)?@desk[.]example",
    r"mx[.]desk[.]example",
    r"HELP-\d+",
    r"<postrail[^>]*>",
)


def test_structure_stays_and_words_go() -> None:
    before, after = parse(RAW), parse(made(RAW, literals=LITERALS))
    out = made(RAW, literals=LITERALS).decode()
    for word in ("Lovelace", "Ada", "Jürgen", "J=FCrgen", "broken", "192.168.17.104", "48121"):
        assert word.casefold() not in out.casefold()
    assert [one.name for one in before.header.fields] == [one.name for one in after.header.fields]
    assert after.date == before.date
    assert after.subject.startswith("Re: HELP-12 ")
    assert [one.address for one in after.to] == ["help@desk.example", "help+x7@desk.example"]
    assert after.in_reply_to == before.in_reply_to
    assert after.references[1] == before.references[1]
    assert after.references[0] != before.references[0]
    assert after.header.value("auto-submitted") == "no"
    [result] = after.authentication
    assert (result.server, result.method, result.result) == ("mx.desk.example", "dmarc", "pass")
    # The same word is always replaced by the same: the domain is still the sender's.
    assert after.sender is not None
    domain = after.sender.address.partition("@")[2]
    assert result.properties == [f"header.from={domain}"]
    assert domain.endswith(".example")
    assert 'class=3D"gmail_quote"' in out
    [png], [blank] = before.content.attachments, after.content.attachments
    assert (blank.size, blank.content_type, blank.sniffed_type) == (
        png.size,
        "image/png",
        "image/png",
    )
    assert blank.name.endswith(".png")
    assert blank.sha256 != png.sha256


def test_other_keys_give_other_words_and_the_same_key_the_same() -> None:
    assert made(RAW) == made(RAW)
    assert made(RAW) != made(RAW, key=b"other")


@pytest.mark.parametrize(
    ("kept", "stays", "goes"),
    [
        (SUBJECT, b"broken Printer 3, order 48121", b"ada@lovelace"),
        (PEOPLE, b"Ada Lovelace <ada@lovelace.example>", b"broken"),
        (HEADERS, b"<printer.1@lovelace.example>", b"broken"),
        (TEXT, b"Gr=FC=DFe &amp; Lovelace", b"broken"),
    ],
)
def test_a_part_can_be_kept(kept: str, stays: bytes, goes: bytes) -> None:
    out = made(RAW, kept)
    assert stays in out
    assert goes not in out


def form_of(letter: str) -> str:
    if letter.isdigit():
        return "9"
    return letter if not letter.isalpha() else "A" if letter.isupper() else "a"


@pytest.mark.parametrize(
    "text",
    [
        "Order AB-4812x",
        "Крыша Дом",
        "Στέγη",
        "屋根が壊れた",
        "지붕",
        "גג",
        "सड़क",
        "Dächer",
        "შენობა",
    ],
)
def test_replaced_texts_have_the_same_form(text: str) -> None:
    out = Replacer(b"key").text(text)
    assert out != text
    assert list(map(form_of, out)) == list(map(form_of, text))


def test_short_numbers_and_years_stay() -> None:
    text = "12 of 2026, 7"
    assert Replacer(b"key", words=["of"]).text(text) == text


NAMES = b"""\
From: Kim Kunde <kim@unsubscribe.example>
To: "Bounce, Dieter" <dieter@gmail.example>
Subject: Kunde and Re: Unsubscribe
Content-Type: text/html

<div class="gmail_quote">From: Mailbox Absender &lt;m@x.example&gt;<br>
On Friday, Otto Betreff &lt;<a href="mailto:o@vorgang.example">o@vorgang.example</a>&gt; wrote:
Vorgang Otto, to unsubscribe: Kunde, Dieter</div>
"""


def test_names_and_addresses_of_people_go_though_a_table_has_them() -> None:
    out = made(NAMES).decode()
    for word in ("kunde", "dieter", "gmail.example", "absender", "betreff", "vorgang", "unsubs"):
        assert word not in out.casefold()
    # Of a name that is short, and of what mail programs write, the form stays.
    for kept in ('class="gmail_quote"', " Re: ", "wrote:", "From: "):
        assert kept in out


@pytest.mark.parametrize(
    "code", ["550 5.1.1", "said: 421-4.4.316 busy", "550,", "250 2.1.5 Ok", "5.7.509"]
)
def test_reply_and_status_codes_stay(code: str) -> None:
    words = Replacer(b"key", codes=True)
    numbers = re.findall(r"[\d.]+", code)
    assert re.findall(r"[\d.]+", words.text(code)) == numbers


@pytest.mark.parametrize("number", ["192.168.50.104", "48121", "order 610", "5501", "4.12.200.18"])
def test_other_numbers_go(number: str) -> None:
    assert Replacer(b"key", codes=True).text(number) != number


@pytest.mark.parametrize("text", ["PIN 457", "Zimmer: 412", "550 Euro", "5.1.234"])
def test_numbers_like_codes_stay_only_where_they_are_codes(text: str) -> None:
    number = re.findall(r"[\d.]+", text)
    assert re.findall(r"[\d.]+", Replacer(b"key").text(text)) != number
    assert re.findall(r"[\d.]+", Replacer(b"key", codes=True).text(text)) == number
