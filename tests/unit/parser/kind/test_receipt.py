"""Read receipts in words, in many languages, and similar texts by people."""

from __future__ import annotations

import pytest

from services.parser.kind.receipt import read_receipt_words

ENGLISH = (
    "Your message\n\n  To: Support\n  Subject: Printer\n  Sent: Monday, May 6, 2024 10:11 AM\n\n"
    "was read on Monday, May 6, 2024 10:15 AM."
)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        # en-deleted
        (
            "Not read: Printer",
            "Your message\n"
            "\n"
            "    To:  Jo\n"
            "    Subject:  Printer\n"
            "    Sent:  5/6/2024 10:11 AM\n"
            "\n"
            "was deleted without being read on 5/6/2024 10:15 AM.",
        ),
        # de
        (
            "Gelesen: Drucker",
            "Ihre Nachricht\n"
            "\n"
            "   An: Support\n"
            "   Betreff: Drucker\n"
            "   Gesendet: Montag, 6. Mai 2024 10:11:00 (UTC+01:00) Amsterdam\n"
            "\n"
            " wurde am Montag, 6. Mai 2024 10:15:00 (UTC+01:00) Amsterdam gelesen.",
        ),
        # fr
        (
            "Lu : x",
            "Votre message\n"
            "\n"
            " À : Jo\n"
            " Objet : x\n"
            " Envoyé : lundi 6 mai 2024 10:11\n"
            "\n"
            "a été lu le lundi 6 mai 2024 10:15.",
        ),
        # es
        (
            "Leído: x",
            "Su mensaje\n"
            " Para: x\n"
            " Asunto: y\n"
            " Enviado el: lunes, 6 de mayo de 2024 10:11\n"
            "fue leído el lunes, 6 de mayo de 2024 10:15.",
        ),
        # pt
        (
            "Lida: x",
            "A sua mensagem\n"
            " Para: x\n"
            " Assunto: y\n"
            " Enviada: segunda-feira, 6 de maio de 2024 10:11\n"
            "foi lida em segunda-feira, 6 de maio de 2024 10:15.",
        ),
        # it
        (
            "Letto: x",
            "Il messaggio\n"
            " A: x\n"
            " Oggetto: y\n"
            " Inviato: lunedì 6 maggio 2024 10:11\n"
            "è stato letto lunedì 6 maggio 2024 10:15.",
        ),
        # nl
        (
            "Gelezen: x",
            "Uw bericht\n"
            " Aan: x\n"
            " Onderwerp: y\n"
            " Verzonden: maandag 6 mei 2024 10:11\n"
            "is gelezen op maandag 6 mei 2024 10:15.",
        ),
        # sv
        (
            "Läst: x",
            "Meddelandet\n"
            " Till: x\n"
            " Ämne: y\n"
            " Skickat: den 6 maj 2024 10:11\n"
            "lästes den 6 maj 2024 10:15.",
        ),
        # da
        (
            "Læst: x",
            "Din meddelelse\n"
            " Til: x\n"
            " Emne: y\n"
            " Sendt: 6. maj 2024 10:11\n"
            "blev læst 6. maj 2024 10:15.",
        ),
        # no
        (
            "Lest: x",
            "Meldingen\n Til: x\n Emne: y\n Sendt: 6. mai 2024 10:11\nble lest 6. mai 2024 10:15.",
        ),
        # fi
        (
            "Luettu: x",
            "Viestisi\n"
            " Vastaanottaja: x\n"
            " Aihe: y\n"
            " Lähetetty: 6. toukokuuta 2024 10:11\n"
            "luettiin 6. toukokuuta 2024 10:15.",
        ),
        # pl
        (
            "Przeczytane: x",
            "Wiadomość\n"
            " Do: x\n"
            " Temat: y\n"
            " Wysłano: 6 maja 2024 10:11\n"
            "została przeczytana 6 maja 2024 10:15.",
        ),
        # cs
        (
            "Přečteno: x",
            "Vaše zpráva\n"
            " Komu: x\n"
            " Předmět: y\n"
            " Odesláno: 6. května 2024 10:11\n"
            "byla přečtena 6. května 2024 10:15.",
        ),
        # hu
        (
            "Elolvasva: x",
            "Az Ön üzenete\n"
            " Címzett: x\n"
            " Tárgy: y\n"
            " Elküldve: 2024. május 6. 10:11\n"
            "elolvasva: 2024. május 6. 10:15.",
        ),
        # tr
        (
            "Okundu: x",
            "İletiniz\n"
            " Kime: x\n"
            " Konu: y\n"
            " Gönderildi: 6 Mayıs 2024 10:11\n"
            "6 Mayıs 2024 10:15 tarihinde okundu.",
        ),
        # ru
        (
            "Прочтено: x",
            "Ваше сообщение\n"
            " Кому: x\n"
            " Тема: y\n"
            " Отправлено: 6 мая 2024 г. 10:11\n"
            "было прочитано 6 мая 2024 г. 10:15.",
        ),
        # ja
        (
            "開封済み: x",
            "次のメッセージは\n"
            "\n"
            " 宛先: x\n"
            " 件名: y\n"
            " 送信日時: 2024年5月6日 10:11\n"
            "\n"
            "2024年5月6日 10:15 に開封されました。",
        ),
        # zh
        (
            "已读: x",
            "您的邮件\n"
            " 收件人: x\n"
            " 主题: y\n"
            " 发送时间: 2024年5月6日 10:11\n"
            "已于 2024年5月6日 10:15 被阅读。",
        ),
        # ko
        (
            "읽음: x",
            "메시지\n"
            " 받는 사람: x\n"
            " 제목: y\n"
            " 보낸 날짜: 2024-05-06 10:11\n"
            "2024-05-06 10:15에 읽었습니다.",
        ),
        # short
        (
            "Read: x",
            "Your message was read on Monday, May 6, 2024 10:15 AM.",
        ),
        ("Read: Printer", ENGLISH),
        # The text is in the reader's language, and the subject in that of a gateway.
        ("Your printer", ENGLISH),
        # Lines of about 75 characters, as gateways wrap them.
        (
            "Read: x",
            "Your message\n\n  To: Jo\n  Subject: A subject that goes on to the end of its line\n"
            "   and on the next one\n  Sent: Monday, May 6, 2024 10:11:00 AM\n\n"
            "was read on Monday, May 6, 2024 10:15:00 AM (UTC+01:00) Amsterdam, Berlin,\n"
            "Bern, Rome, Stockholm, Vienna.",
        ),
    ],
)
def test_a_receipt_says_that_a_mail_was_read(subject: str, text: str) -> None:
    assert read_receipt_words(subject, text)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        # An answer to a receipt.
        ("Re: Read: Printer", "Your message was read on Monday 10:15, thanks."),
        # A separate sentence below the fields.
        ("Printer", ENGLISH.replace("was read", "We read that it was read")),
        # With the author's field it is a quotation.
        ("Printer", ENGLISH.replace("  To:", "  From: Ann\n  To:")),
        # A person forwards a receipt, and asks about it.
        ("Printer", f"{ENGLISH}\n\nWhat does that mean?"),
        ("Fw: Printer", f"Hello,\n\n{ENGLISH}"),
        ("Fw: Printer", ENGLISH.replace("Your message", "Hello,")),
        # Without a time.
        ("Printer", ENGLISH.rpartition(" on ")[0]),
        ("Read: my report", "It was read by all on 6 May 2024.\nIt is good."),
        ("Read: my report", "The message was read on 6 May 2024.\nIt is good.\nAnn"),
        ("", ""),
        # A long text is not a receipt.
        ("Read: x", "x\n" * 3000 + "Your message was read on 6 May 2024."),
    ],
)
def test_people_write_about_reading(subject: str, text: str) -> None:
    assert not read_receipt_words(subject, text)
