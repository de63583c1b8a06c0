"""UTF-8 under another charset's name, and short texts that are in that charset after all."""

from __future__ import annotations

import pytest

from services.parser.text.charset_names import codec_of
from services.parser.text.decode import decode
from services.parser.text.utf8 import oddities, text_as_utf8

LABELS = (
    *("us-ascii", "iso-8859-1", "iso-8859-2", "iso-8859-5", "iso-8859-7", "iso-8859-8"),
    *("iso-8859-9", "iso-8859-15", "windows-1250", "windows-1251", "windows-1252", "windows-1253"),
    *("windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258", "koi8-r"),
    *("koi8-u", "ibm866", "gb2312", "gbk", "gb18030", "big5", "euc-kr", "euc-jp", "shift_jis"),
    *("iso-2022-jp", "iso-2022-kr", "hz", "utf-7", "utf-16", "utf-16le", "utf-32", "x-unknown"),
)
TEXTS = """\
Grüße aus Köln|Où est la clé de l’atelier ?|¿Dónde está el señor Muñoz?|Wyciąg za sierpień|naïve
Příliš žluťoučký kůň|Árvíztűrő tükörfúrógép|Șos și țară|Şişli’de ağır iş|Pilsētas mērs aizņēmies
Принтер не печатает|Будь ласка, ґанок|Ο εκτυπωτής δεν λειτουργεί|המדפסת לא עובדת|الطابعة لا تعمل
เครื่องพิมพ์ไม่ทำงาน|Máy in không hoạt động|プリンターが動きません|打印机坏了|印表機壞了|5 € – 10 €
프린터가 작동하지 않습니다|It’s broken – please help|Müller|café|Łódź""".replace("\n", "|")


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("text", TEXTS.split("|"))
def test_utf_8_under_any_name(text: str, label: str) -> None:
    assert decode(text.encode(), label) == text


@pytest.mark.parametrize(
    ("text", "label"),
    [
        # Capitals of Central Europe: each of these texts is valid UTF-8.
        ("STÓŁ", "iso-8859-2"),
        ("ZESPÓŁ", "windows-1250"),
        ("RŮŽE", "iso-8859-2"),
        ("VÝŽIVA", "iso-8859-2"),
        # A capital with an accent before a French or German sign.
        ("CAFÉ\u00a0: 5", "iso-8859-1"),
        ("Spaß…", "windows-1252"),
        ("CAFÉ®", "windows-1252"),
        ("Её", "windows-1251"),
        ("ТА", "koi8-r"),
        ("รถ", "tis-620"),
        ("ลบ", "tis-620"),
        ("แกน", "windows-874"),
        ("เพจ", "iso-8859-11"),
        ("محمد،", "windows-1256"),
        # Chinese characters in two bytes each, which are Latin letters as UTF-8.
        ("模", "gb2312"),
        ("陆", "gb2312"),
        ("ﾃｾ", "shift_jis"),
    ],
)
def test_a_short_text_in_the_declared_charset(text: str, label: str) -> None:
    codec = codec_of(label)
    assert codec is not None
    data = text.encode(codec)
    assert decode(data, label) == text


def test_a_text_with_nul_is_utf_16() -> None:
    assert decode("Grüße".encode("utf-16-le"), "utf-16-le") == "Grüße"
    assert text_as_utf8("ok".encode("utf-16-le"), "utf-16-le") is None


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Grüße aus Köln, „Straße“ – 5 € zu 20 °C, m²", 0),
        ("Écoute ! «\u00a0Là\u00a0»", 0),
        ("東京タワーの鍵", 0),
        # A small letter before a capital, and a sign within a word.
        ("GrÃ¼n", 2),
        # Two scripts in a word, and a letter that no living language uses.
        ("STӣ", 4),
        ("CAFɠ", 3),
    ],
)
def test_oddities(text: str, count: int) -> None:
    assert oddities(text) == count
