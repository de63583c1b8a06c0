"""Detection of undeclared charsets, of short texts in headers above all."""

from __future__ import annotations

import pytest

from services.parser.text.charset_detection import detect, detect_in_header

RAW = [
    ("gb18030", "请修理三楼的打印机"),
    ("gb18030", "王小明"),
    ("gb18030", "Re: HP打印机无法使用"),
    ("big5", "印表機無法使用"),
    ("big5", "陳志明"),
    ("cp932", "プリンターが動きません"),
    ("cp932", "会議の資料を送付します"),
    ("euc_jp", "プリンターが動きません"),
    ("euc_jp", "会議の資料"),
    ("cp949", "프린터 고장 문의"),
    ("cp949", "김민수"),
    ("cp1251", "Принтер не печатает"),
    ("cp1251", "СРОЧНО: НЕТ ИНТЕРНЕТА"),
    ("koi8_r", "Принтер не печатает"),
    ("koi8_r", "СРОЧНО: НЕТ ИНТЕРНЕТА"),
    ("iso8859_5", "Принтер не печатает"),
    ("cp866", "Принтер не печатает"),
]


@pytest.mark.parametrize(("charset", "text"), RAW)
def test_undeclared_charsets(charset: str, text: str) -> None:
    assert detect(text.encode(charset)) == charset


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("cp1252", "Größe der Übergänge in Köln"),
        ("cp1252", "MÄRZ, MÄR, ÇÃO"),
        ("cp1252", "déjà vu à l’hôtel"),
        ("cp1252", "ÅÄÖ åäö"),
        ("cp1252", "Þorsteinn Sæmundsson í Reykjavík"),
        ("cp1250", "Příliš žluťoučký kůň"),
        ("iso8859_2", "książka i łódź"),
        ("cp1254", "BELUÇÇA ağır"),
        ("cp1257", "Žąsų čibčų"),
        ("cp1252", "é"),
    ],
)
def test_western_and_central_european_texts_are_not_detected(charset: str, text: str) -> None:
    assert detect(text.encode(charset)) is None


@pytest.mark.parametrize(("charset", "text"), RAW)
@pytest.mark.parametrize("hint", [None, "us-ascii", "iso-8859-1", "iso-8859-2", "utf-8", "utf-16"])
def test_a_western_hint_proves_nothing(charset: str, text: str, hint: str | None) -> None:
    assert detect_in_header(text.encode(charset), hint) == charset


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("gb18030", "刁"),
        ("big5", "龔"),
        ("cp1251", "Яна"),
        ("iso8859-7", "Νίκος"),
        ("iso8859-8", "דנה"),
        ("cp874", "สมชาย"),
        ("cp1256", "محمد"),
    ],
)
def test_the_body_tells_the_charset_of_a_short_header(charset: str, text: str) -> None:
    assert detect_in_header(text.encode(charset), charset) == charset


@pytest.mark.parametrize("charset", ["cp1251", "koi8_u", "iso8859_5", "cp866"])
@pytest.mark.parametrize(
    "text", ["моси", "Лев", "Греция", "джамо", "Самоа", "Южная Азия", "Re: Ключи"]
)
@pytest.mark.parametrize("hint", [None, "us-ascii", "iso-8859-1"])
def test_one_short_cyrillic_word(text: str, charset: str, hint: str | None) -> None:
    data = b'"%b" <ann@shop.example>' % text.encode(charset)
    assert data.decode(detect_in_header(data, hint) or "cp1252") == data.decode(charset)


@pytest.mark.parametrize("text", ["Ліберія", "інтерлінгве", "Мавританія"])
def test_a_ukrainian_word_in_koi8(text: str) -> None:
    assert detect_in_header(text.encode("koi8_u"), None) == "koi8_u"


@pytest.mark.parametrize(
    "text", ["ÄÖÜ", "äöüß", "åäö ÅÄÖ", "ÆØÅ", "créée", "Jäääär", "Þór", "é", "«Été»", "naïveté"]
)
def test_short_western_words_are_not_cyrillic(text: str) -> None:
    assert detect_in_header(text.encode("cp1252"), None) is None


def test_the_body_may_be_in_another_charset_than_the_header() -> None:
    data = "Jürgen Müller".encode("cp1252")
    assert data.decode("gb18030") != "Jürgen Müller"
    assert detect_in_header(data, "gb2312") != "gb18030"


def test_a_text_behind_a_long_beginning_in_ascii() -> None:
    assert detect(b"<style>" * 5000 + "打印机无法使用".encode("gb18030")) == "gb18030"
