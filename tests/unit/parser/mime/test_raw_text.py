"""Raw text in headers: all fields of a message together tell the charset."""

from __future__ import annotations

import pytest

from services.parser.parse import parse

SUBJECT = "请修理三楼的打印机"


@pytest.mark.parametrize(
    "body",
    [
        b"\n\ntext",
        b"\nContent-Type: text/plain; charset=gb2312\n\ntext",
        b"\nContent-Type: text/plain; charset=utf-8\n\ntext",
        b"\nContent-Type: text/plain; charset=windows-1252\n\ntext",
    ],
)
def test_a_name_has_the_charset_of_the_subject(body: bytes) -> None:
    head = f'From: "李" <a@b.example>\nSubject: {SUBJECT}'.encode("gb18030")
    mail = parse(head + body)
    assert mail.subject == SUBJECT
    assert mail.sender is not None
    assert mail.sender.name == "李"


def test_utf_8_beside_another_charset() -> None:
    mail = parse("From: Jürgen <a@b.example>\nSubject: ".encode() + SUBJECT.encode("gb18030"))
    assert (mail.sender.name if mail.sender else "", mail.subject) == ("Jürgen", SUBJECT)


@pytest.mark.parametrize("charset", ["gb18030", "big5", "cp932", "euc_jp", "cp949", "iso2022_jp"])
def test_file_names(charset: str) -> None:
    name = {"cp949": "견적서 프린터.pdf", "gb18030": "会议室打印机.pdf"}.get(
        charset, "会議室の資料.pdf"
    )
    name = "功能報價單.pdf" if charset == "big5" else name
    part = f'Content-Type: application/pdf\nContent-Disposition: attachment; filename="{name}"\n\n%'
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + part.encode(charset) + b"\n--b--"
    assert [file.name for file in parse(raw).content.attachments] == [name]


def test_an_encoded_word_with_8_bit_characters_keeps_its_charset() -> None:
    mail = parse(b"Subject: =?gb2312?Q?" + SUBJECT.encode("gb18030") + b"?=\n\ntext")
    assert mail.subject == SUBJECT


def test_escape_sequences_of_iso_2022_jp() -> None:
    mail = parse('From: "鍵" <a@b.example>\nSubject: 口の鍵\n\ntext'.encode("iso2022_jp"))
    assert (mail.sender.name if mail.sender else "", mail.subject) == ("鍵", "口の鍵")


def test_raw_text_beside_encoded_words() -> None:
    head = "From: 李 =?gb2312?B?".encode("gb18030") + b"w/c=?= <a@b.example>\nSubject: s"
    mail = parse(head)
    assert mail.sender is not None
    assert mail.sender.name == "李 明"
    mail = parse("From: 李 <a@b.example>\nSubject: =?gb2312?B?w/c=?=".encode("gb18030"))
    assert (mail.sender.name if mail.sender else "", mail.subject) == ("李", "明")
