"""No content is lost without a defect: the words of all parts come out in text, HTML or a file.

The parts are read by the stdlib's parser, and the alternatives that were not chosen do not count.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import email
import quopri
import re
import unicodedata
from collections.abc import Iterator
from email.message import Message
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from services.parser.parse import Mail, parse

ROOT = Path(__file__).parents[3]
MAILS = ROOT / "tests" / "mails"
# Mails of others, next to the project where they are present.
SHARED = ROOT.parent / "shared"
CORPORA = (MAILS, SHARED / "mails" / "cases", SHARED / "faults" / "parser")
# The stdlib reads these in another way: a quote around a boundary and an HTML tag that never end,
# and uuencoded lines of a wrong length.
OTHERS = {
    "zbateson--m0021",
    "mikel--error_emails_cant_parse_from.eml",
    "spamscope--mail_test_15",
    # Python has no charset with these characters of Japanese programs.
    "euc-jp-vendor-characters",
    "iso-2022-jp-vendor-characters",
    "23-iso-2022-jp-with-vendor-characters",
}
PATHS = [
    path for folder in CORPORA for path in sorted(folder.glob("*.eml")) if path.stem not in OTHERS
]
# Defects that say that content was left out or replaced.
SAID = re.compile("left out|were replaced|not complete|cut at|no part begins|without a boundary")
# Charsets in which a part may be that declares a wrong one or none.
CHARSETS = (
    "utf-8",
    "cp1252",
    "iso2022_jp_ext",
    "cp932",
    "gb18030",
    "big5hkscs",
    "koi8-r",
    "cp1250",
    "utf-16",
)
NOT_SHOWN = {"script", "style", "title", "head", "template", "noscript"}
TEXTS = {"text/plain", "text/enriched", "text/richtext"}
BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
TAG = re.compile(r"<param>[^<]*</param>|<[^<>]*>")
WITH_PARTS = re.compile(rb"\btext/\w+;[^\n]*(?:\n[ \t][^\n]*)*?\bboundary")
UUENCODED = re.compile(r"^begin \d+ .*?^end\r?$", re.DOTALL | re.MULTILINE)
WORD = re.compile(r"\w+")


class _Shown(HTMLParser):
    """Collects the text of HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self._hidden = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._hidden and tag in NOT_SHOWN:
            self._hidden = tag
        elif tag == "body":
            self._hidden = ""
        self.texts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = ""
        self.texts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts.append(data)


def shown(source: str) -> str:
    parser = _Shown()
    parser.feed(source)
    parser.close()
    return "".join(parser.texts)


def words(text: str) -> set[str]:
    return set(WORD.findall(unicodedata.normalize("NFKC", text)))


def leaves(message: Message) -> Iterator[Message]:
    """Yields the parts that must come out: of alternatives the first text and the last HTML."""
    if not message.is_multipart() or message.get_content_maintype() == "message":
        yield message
        return
    parts = [part for part in message.get_payload() if isinstance(part, Message)]
    if message.get_content_type() == "multipart/alternative":
        plain = [part for part in parts if part.get_content_type() == "text/plain"]
        other = [part for part in parts if part.get_content_maintype() != "text"]
        rich = [part for part in parts if part.get_content_type() == "text/html"]
        parts = [*plain[:1], *rich[-1:], *other]
    for part in parts:
        yield from leaves(part)


def pieces(part: Message) -> list[bytes]:
    """Returns the bytes of a part; of base64 each text, and what is not base64 as it is."""
    encoding = str(part.get("Content-Transfer-Encoding", "")).lower()
    if not encoding.startswith("base64"):
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        return [data]
    found, letters = [], b""
    for line in str(part.get_payload()).encode("utf-8", "surrogateescape").split(b"\n"):
        is_base64 = BASE64_LINE.fullmatch(line.strip())
        if is_base64:
            letters += line.strip()
        if letters and (letters.endswith(b"=") or not is_base64):
            found.append(base64.b64decode(letters + b"=="))
            letters = b""
        if not is_base64:
            found.append(line)
    return [*found, base64.b64decode(letters + b"==")]


def readings(part: Message, data: bytes) -> Iterator[str]:
    """Yields the text of a part in all charsets that it may be in."""
    texts = []
    for charset in (part.get_content_charset() or "ascii", *CHARSETS):
        with contextlib.suppress(LookupError):
            texts.append(data.decode(charset, "replace"))
    # A replaced letter would be no word, and so would not be missed.
    for text in [text for text in texts if text.count("\ufffd") <= len(text) // 8]:
        # Files in a text, and in other texts the commands of text/enriched, are no words.
        plain = UUENCODED.sub("", text)
        kind = part.get_content_type()
        if kind == "text/html":
            yield shown(plain)
        else:
            yield plain if kind == "text/plain" else TAG.sub("", plain)


def missing(raw: bytes, mail: Mail) -> list[set[str]]:
    """Returns for each part that lacks words in the result the words that it lacks."""
    content = mail.content
    files = [file.content for file in [*content.attachments, *content.signatures]]
    # The stdlib knows parts only behind a multipart.
    message = email.message_from_bytes(WITH_PARTS.sub(b"multipart/mixed; boundary", raw))
    types = {part.get_content_type() for part in message.walk()}
    texts = [
        content.text,
        # The text is made of the HTML where there is no other.
        shown(content.html) if types & TEXTS else "",
        *(file.decode("utf-8", "replace") for file in files),
    ]
    came = unicodedata.normalize("NFKC", "\n".join(texts))
    found, joined = words(came), re.sub(r"\W", "", came)
    lost = []
    for part in leaves(message):
        if part.is_multipart():
            continue
        for data in pieces(part):
            if any(data.strip() in file for file in files):
                continue
            read = [words(text) - found for text in readings(part, data)]
            lacks = min(({word for word in text if word not in joined} for text in read), key=len)
            if lacks:
                lost.append(lacks)
    return lost


def require_everything(raw: bytes) -> None:
    mail = parse(raw)
    lost = missing(raw, mail)
    assert not lost or SAID.search("\n".join(mail.defects)), lost


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_words_of_all_parts_come_out(path: Path) -> None:
    require_everything(path.read_bytes())


# Each part has words of its own, in a script that its charset has or does not have.
SCRIPTS = (
    "the key",
    "Schlüssel für Köln",
    "klíč žluťoučký",
    "ключ от двери",
    "会議室の鍵",
    "钥匙在哪里",
)
LABELS = (
    "utf-8",
    "us-ascii",
    "iso-8859-1",
    "iso-8859-2",
    "koi8-r",
    "gb2312",
    "iso-2022-jp",
    "x-no",
)
TYPES = ("text/plain", "text/html", "text/plane", "text/enriched", "text", "image/png", "text/csv")
FOOTERS = (b"", b"\n____\nHaus mailing list footer\n", b"\nU2Vjb25k\n")


@st.composite
def leaf(draw: st.DrawFn) -> bytes:
    """Returns a part, with a true or a false charset, in one of the transfer encodings."""
    text = f"w{draw(st.integers(0, 10**6))} {draw(st.sampled_from(SCRIPTS))} end"
    label, kind = draw(st.sampled_from(LABELS)), draw(st.sampled_from(TYPES))
    charset = draw(st.sampled_from(["utf-8", label]))
    try:
        data = text.encode(charset)
    except (LookupError, UnicodeEncodeError):
        data = text.encode()
    encoding = draw(st.sampled_from(["base64", "quoted-printable", "8bit"]))
    encoders = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}
    body = encoders.get(encoding, bytes)(data) + draw(st.sampled_from(FOOTERS))
    head = f"Content-Type: {kind}; charset={label}\nContent-Transfer-Encoding: {encoding}\n\n"
    return head.encode() + body


def multipart(parts: list[bytes], kind: str) -> bytes:
    boundary = f"b{sum(map(len, parts))}-{len(parts)}".encode()
    body = b"".join(b"--%b\n%b\n" % (boundary, part) for part in parts)
    head = f'Content-Type: {kind}; boundary="{boundary.decode()}"\n\n'.encode()
    return head + body + b"--%b--\n" % boundary


KINDS = st.sampled_from(["multipart/mixed", "multipart/related", "multipart/*", "text/html"])
PARTS = st.recursive(
    leaf(),
    lambda parts: st.builds(multipart, st.lists(parts, min_size=1, max_size=4), KINDS),
    max_leaves=8,
)


@seed(20261130)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(PARTS)
def test_the_words_of_generated_parts_come_out(part: bytes) -> None:
    require_everything(b"From: a@b.example\nSubject: s\n" + part)


@pytest.mark.parametrize(
    ("head", "body", "word"),
    [
        ("", "the first and the second", "second"),
        ("", "the ключ от двери end", "ключ"),
        ("Content-Type: text/plain; charset=utf-8\n", "会議室の鍵 and 鍵", "会議室の鍵"),
        ("Content-Type: text/html; charset=utf-8\n", "<p>first <b>second</b>", "second"),
        ("Content-Type: text/html; charset=utf-8\n", "<p>от <b>двери</b>", "двери"),
    ],
)
def test_a_word_that_is_lost_is_found(head: str, body: str, word: str) -> None:
    raw = f"Subject: s\n{head}\n{body}".encode()
    mail = parse(raw.replace(word.encode(), b"x"))
    assert missing(raw, mail) == [{word}]


def test_a_word_that_only_the_text_lacks_is_found() -> None:
    raw = b"Subject: s\nContent-Type: text/html\n\n<p>first second"
    mail = parse(raw)
    content = dataclasses.replace(mail.content, text="first")
    assert missing(raw, dataclasses.replace(mail, content=content)) == [{"second"}]
