"""Signatures of programs in many languages, and similar lines by people."""

from __future__ import annotations

import pytest

from services.parser.reply import split_reply
from services.parser.reply.signature import is_program_line

PROGRAM_LINES = [
    "Sent from my iPhone",
    "Sent from my iPad.",
    "Sent from my Verizon Wireless BlackBerry",
    "Sent from Outlook for Android<https://aka.example/a>",
    "Sent from Mail for Windows 10",
    "Sent from Yahoo Mail. Get the app",
    "Sent via the Samsung Galaxy S23, an AT&T 5G smartphone",
    "Get Outlook for iOS",
    "[Get Outlook for iOS](https://aka.example/o)",
    "Sent from TypeApp",
    "Sent with Proton Mail secure email.",
    "Sent from my mobile phone, please excuse typos",
    "Sent from my KX-90",
    "From my phone 6",
    "Sent from my cell, excuse typos",
    "<<sent by galaxy>>",
    "*Sent from my KX-90*",
    "-- Sent from my KX-90 --",
    "[Sent from my iPhone]",
    "Please excuse typos - sent from my mobile",
    "Excuse typos, sent from my tiny keyboard",
    "Sent from my mobile. Please excuse brevity.",
    "Sent from my KX-90 using Tapatalk",
    "Typed on my phone",
    "Sent on the go",
    "Sent wirelessly from my handheld",
    "Von meinem KX-90 gesendet",
    "Gesendet von meinem Fairphone",
    "Mobil gesendet.",
    "Mit meinem Handy",
    "Envoyé de mon KX-90",
    "Enviado desde mi KX 90 Pro",
    "Enviado do meu KX-90",
    "Inviato dal mio KX-90",
    "Verstuurd vanaf mijn KX90",
    "Wysłane z mojego KX-90",
    "Отправлено с моего KX-90",
    "Sendt fra min KX-90",
    "Skickat från min KX-90",
    "发自我的KX-90",
    "Sent from a tiny keyboard",
    "Sent on the move: short and full of typing errors",
    "Gesendet von unterwegs, Tippfehler bitte entschuldigen",
    "Mobil gesendet, daher kurz",
    "Vom Handy gesendet, bitte Tippfehler entschuldigen",
    "Typed with thumbs, please excuse typos",
    "Vanaf mijn telefoon verstuurd",
    "Vanaf mijn telefoon verstuurd, excuus voor typfouten",
    "Sent from my car, by voice. Please forgive mistakes.",
    "Get Spike for iPhone",
    "Sent from my Teracube",
    "Gesendet von meinem Gigaset",
    "Envoyé de mon Wiko",
    "Sent from NewtonX",
    "Posted from my iPhone",
    "Отправлено с планшета",
    "내 갤럭시 폰에서 보냄",
    "나의 KX-90에서 보냄",
    "KX-90から送信",
    "----------------\nGesendet mit der X App",
    # A mark of mail trackers.
    "\u1427",
    "Von meinem iPhone gesendet",
    "Von meinem Samsung Galaxy Smartphone gesendet.",
    "Gesendet mit der GMX Mail App",
    "Gesendet von Outlook für Android",
    "Gesendet von Mail für Windows 10",
    "Envoyé de mon iPhone",
    "Envoyé depuis mon téléphone Orange",
    "Envoyé à partir de Outlook pour iOS",
    "Obtenir Outlook pour Android",
    "Enviado desde mi iPhone",
    "Enviado desde Outlook para Android",
    "Obtener Outlook para iOS",
    "Enviado do meu iPhone",
    "Enviado a partir do meu smartphone Samsung Galaxy.",
    "Obter o Outlook para iOS",
    "Inviato da iPhone",
    "Inviato dal mio telefono",
    "Scarica Outlook per Android",
    "Verstuurd vanaf mijn iPhone",
    "Verzonden vanuit Outlook voor Android",
    "Wysłane z iPhone'a",
    "Wysłane z aplikacji Outlook dla systemu Android",
    "Отправлено с iPhone",
    "Отправлено из мобильной Почты Mail.ru",
    "Отправлено с моего телефона",
    "Lähetetty iPhonesta",
    "Hanki Outlook for Android",
    "Skickat från min iPhone",
    "Hämta Outlook för Android",
    "Sendt fra min iPhone",
    "Få Outlook for iOS",
    "Hent Outlook til iOS",
    "Odesláno z iPhonu",
    "Odesláno z mobilního telefonu",
    "iPhone-ról küldve",
    "Elküldve a telefonomról",
    "iPhone'umdan gönderildi",
    "Samsung cihazımdan gönderildi",
    "iPhoneから送信",
    "Androidスマートフォンから送信",
    "发自我的iPhone",
    "从我的 iPhone 发送",
    "發自我的 iPhone",
    "從我的 iPhone 傳送",
    "나의 iPhone에서 보냄",
    "내 갤럭시 휴대폰에서 보냄",
    "Trimis de pe iPhone-ul meu",
    "Στάλθηκε από το iPhone μου",
    "נשלח מה-iPhone שלי",
    "أُرسلت من الـ iPhone",
]
OWN_LINES = [
    "Sent from my desk, is much easier than my mobile phone.",
    "Sent by mistake, please ignore it",
    "Sent from my old address by mistake",
    "Sent from my side, thanks",
    "From my phone it works",
    "From my side the phone is fine",
    "On my phone I see nothing",
    "Sorry for the delay",
    "Sorry for the typos in my last mail",
    "Von meinem Kollegen habe ich nichts",
    "Von meinem Nachbarn weiß ich nichts.",
    "Mobil gesendet wurde er nicht",
    "Von meiner Seite ist alles gut",
    "De mon côté tout va bien",
    "Sent the phone back on Monday.",
    "I sent the mail from my phone yesterday and it did not arrive",
    "From my side the mail is fine, thanks",
    "Gesendet von Herrn Weber am Montag",
    "Enviado por correo el lunes",
    "Envoyé par la poste lundi, merci",
    "请从第三页发送",
    "获取更多信息",
    "Get Outlook to work again, please",
    "Get the new case for iPhone 15",
    "Sent from my sister",
    "Sent from my bank.",
    "Sent from my lawyer",
    "Sent from my Hamburg warehouse",
    "SENT FROM MY SISTER",
    "Sent from my order 4711",
    "Sent from Hamburg",
    "Sent via FedEx.",
    "Sent by DHL",
    "Posted from Berlin",
    "Mailed from Berlin",
    "Typed on Monday",
    "Composed on Tuesday",
    "Von meiner Schwester gesendet",
    "Gesendet von Anna",
    "Gesendet von meiner Bank",
    "Envoyé de Paris",
    "Envoyé de ma banque",
    "Enviado desde mi oficina",
    "Enviado desde mi pueblo",
    "Inviato da Roma",
    "Inviato dal mio avvocato",
    "Verzonden vanaf mijn werk",
    "Wysłane z mojego biura",
    "Отправлено с моего склада",
    "Skickat från min syster",
    "发自我的家乡",
    "Hamburgから送信",
    "Sent from my car, it was quicker. The mistakes are mine.",
]


@pytest.mark.parametrize("line", PROGRAM_LINES)
def test_a_line_of_a_program_is_a_signature(line: str) -> None:
    assert is_program_line(line.split("\n")[-1])
    reply = split_reply(f"It works.\n\n{line}\n", "")
    assert (reply.new_text, reply.signature) == ("It works.", line)


@pytest.mark.parametrize("line", OWN_LINES)
def test_a_line_of_a_person_is_new_text(line: str) -> None:
    assert split_reply(f"It works.\n\n{line}\n", "").new_text == f"It works.\n\n{line}"


def test_a_line_of_a_program_with_text_below_it_stays() -> None:
    text = "Sent from my iPhone\n\nIt works."
    assert split_reply(text, "").new_text == text


def test_an_apology_for_the_device_belongs_to_its_signature() -> None:
    reply = split_reply("It works.\n\nPlease excuse any typos.\nSent from my KX-90\n", "")
    assert (reply.new_text, reply.signature[:14]) == ("It works.", "Please excuse ")


def test_an_apology_for_something_else_stays() -> None:
    reply = split_reply("It works.\nSorry for the delay.\nSent from my KX-90\n", "")
    assert reply.new_text == "It works.\nSorry for the delay."


CARD = "Mori Aoi\nHarbour office\nTel. 03-5555-0100\nmori@harbour.example"


@pytest.mark.parametrize("rule", ["*-----*", "==========", "~~~~~~~~", "--------"])
def test_contact_details_between_two_rules_are_a_signature(rule: str) -> None:
    reply = split_reply(f"It works.\n\n{rule}\n{CARD}\n{rule}\n\n", "")
    assert (reply.new_text, reply.signature) == ("It works.", f"{rule}\n{CARD}\n{rule}")


@pytest.mark.parametrize(
    "text",
    [
        f"Please change it to:\n\n-----\n{CARD}\n-----",
        f"It works.\n-----\n{CARD}\n=====",
        "It works.\n-----\n2025-11-03 10:30 mori@harbour.example\n03-5555-0100\n-----",
        "It works.\n-----\nThe value\n4711\n-----",
        "-----\nIt works.\n-----",
        "Yes.\n-----",
    ],
)
def test_other_lines_between_rules_stay(text: str) -> None:
    assert split_reply(text, "").new_text == text


def test_lines_that_divide_a_list_begin_no_signature() -> None:
    parts = "red\n--\nblue\n--\ngreen\n--\nwhite"
    assert split_reply(parts, "").new_text == parts
    reply = split_reply(f"{parts}\n-- \nKim", "")
    assert (reply.new_text, reply.signature) == (parts, "-- \nKim")
    reply = split_reply("red\n--\nKim\n--\nChecked for viruses", "")
    assert reply.new_text == "red"
