"""Titles and header blocks above quotations and forwarded messages, by language."""

from __future__ import annotations

import pytest

from postrail.notifications.reply_marker import quotes_internal
from services.parser.reply import split_reply
from services.parser.reply.lines import fold
from services.parser.reply.signature_words import DEVICES, DISCLAIMERS
from services.parser.reply.words import FIELDS, FORWARDED, MARKERS, ORIGINAL, WROTE

# From, sent, to, subject, as programs write them.
BLOCKS = [
    ("From", "Sent", "To", "Subject"),
    ("From", "Date", "To", "Subject"),
    ("Von", "Gesendet", "An", "Betreff"),
    ("Von", "Datum", "An", "Betreff"),
    ("De", "Envoyé", "À", "Objet"),
    ("De", "Date", "À", "Objet"),
    ("De", "Envoyé le", "A", "Objet"),
    ("De", "Enviado", "Para", "Asunto"),
    ("De", "Fecha", "Para", "Asunto"),
    ("De", "Enviada em", "Para", "Assunto"),
    ("De", "Data", "Para", "Assunto"),
    ("Da", "Inviato", "A", "Oggetto"),
    ("Da", "Data", "A", "Oggetto"),
    ("Van", "Verzonden", "Aan", "Onderwerp"),
    ("Van", "Datum", "Aan", "Onderwerp"),
    ("Od", "Wysłano", "Do", "Temat"),
    ("Od", "Data", "Do", "Temat"),
    ("От", "Отправлено", "Кому", "Тема"),
    ("От", "Дата", "Кому", "Тема"),
    ("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"),
    ("Lähettäjä", "Päivämäärä", "Vastaanottaja", "Aihe"),
    ("Från", "Skickat", "Till", "Ämne"),
    ("Från", "Datum", "Till", "Ämne"),
    ("Fra", "Sendt", "Til", "Emne"),
    ("Fra", "Dato", "Til", "Emne"),
    ("Od", "Odesláno", "Komu", "Předmět"),
    ("Od", "Datum", "Komu", "Předmět"),
    ("Feladó", "Elküldve", "Címzett", "Tárgy"),
    ("Feladó", "Dátum", "Címzett", "Tárgy"),
    ("Kimden", "Gönderildi", "Kime", "Konu"),
    ("Gönderen", "Tarih", "Alıcı", "Konu"),
    ("差出人", "送信日時", "宛先", "件名"),
    ("差出人", "日付", "宛先", "件名"),
    ("发件人", "发送时间", "收件人", "主题"),
    ("发件人", "日期", "收件人", "主题"),
    ("寄件者", "寄件日期", "收件者", "主旨"),
    ("보낸 사람", "보낸 날짜", "받는 사람", "제목"),
    ("보낸사람", "날짜", "받는사람", "제목"),
]
STYLES = ["{}: {}", "*{}:* {}", "{} : {}", "{}:\t{}", "    {}: {}", "{}：{}"]


def block(names: tuple[str, ...], style: str = "{}: {}") -> str:
    values = ("Jo <jo@desk.example>", "6. 5. 2024 10:11", "ana@shop.example", "4711")
    return "\n".join(style.format(*pair) for pair in zip(names, values, strict=True))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("names", BLOCKS, ids=lambda names: "-".join(names))
def test_a_header_block_begins_the_quotation(names: tuple[str, ...], style: str) -> None:
    reply = split_reply(f"It works.\n\n{block(names, style)}\n\nDoes it?\n", "")
    assert reply.new_text == "It works."
    assert reply.quoted_text.endswith("Does it?")


@pytest.mark.parametrize("names", BLOCKS, ids=lambda names: "-".join(names))
def test_a_header_block_in_a_forwarded_mail_stays(names: tuple[str, ...]) -> None:
    text = f"Have a look.\n\n{block(names)}\n\nIt is broken."
    assert split_reply(text, "", "Fwd: 4711").new_text == text


@pytest.mark.parametrize("title", ORIGINAL)
def test_a_title_in_dashes_begins_the_quotation(title: str) -> None:
    for line in (f"-----{title.title()}-----", f"-------- {title} --------"):
        reply = split_reply(f"It works.\n\n{line}\n\nDoes it?\n", "")
        assert reply.new_text == "It works."


def test_a_turkish_capital_letter_is_folded() -> None:
    text = f"Bakın.\n\n---------- İletilmiş mesaj ---------\n{block(BLOCKS[0])}\n\nBozuk."
    assert split_reply(text, "").new_text == text


@pytest.mark.parametrize("title", FORWARDED)
def test_a_forwarded_mail_stays_in_the_new_text(title: str) -> None:
    for line in (f"---------- {title} ---------", f"{title.capitalize()}:"):
        text = f"Have a look.\n\n{line}\n{block(BLOCKS[0])}\n\nIt is broken."
        assert split_reply(text, "").new_text == text


@pytest.mark.parametrize("marker", MARKERS)
def test_a_marker_ends_the_new_text(marker: str) -> None:
    reply = split_reply(f"It works.\n\n## {marker} ##\n\nYour request 4711.\n", "")
    assert (reply.new_text, reply.quoted_text[:2]) == ("It works.", "##")


def test_the_words_in_tables_are_folded() -> None:
    for name in (*FIELDS, *ORIGINAL, *FORWARDED, *MARKERS, *WROTE, *DISCLAIMERS, *DEVICES):
        assert name == " ".join(fold(name).split()), name


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        ("Yes.\n\n> --- Internal: please reply above this line ---\n> Secret", True),
        # Wrapped, and quoted twice.
        (">> --- Internal: please reply\n>> above this\n> > line ---", True),
        ("| Internal:\u00a0please reply above this line", True),
        ("--- Please reply above this line ---", False),
        ("Internal: please call me", False),
        ("", False),
    ],
)
def test_quoted_internal_comments_are_found(text: str, quotes: bool) -> None:
    assert quotes_internal(text) == quotes
