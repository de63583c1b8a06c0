"""The language of a text: one of each that is known, and texts whose language is not clear."""

from __future__ import annotations

import pytest

from postrail.conditions.language.detect import SCRIPTS, SEARCHED_CHARACTERS, language_of
from postrail.conditions.language.words import CYRILLIC, LATIN, LETTERS

TEXTS = {
    "ar": "مرحبا، الطابعة لا تعمل منذ الصباح. شكرا لكم",
    "be": "Добры дзень, прынтар не працуе. Дзякуй вам за дапамогу, калі гэта магчыма",
    "bg": "Здравейте, принтерът не работи от сутринта. Моля, може ли да помогнете? Благодаря",
    "bn": "প্রিন্টার কাজ করছে না",
    "cs": "Dobrý den, tiskárna od rána nefunguje. Můžete mi prosím pomoci? Děkuji",
    "da": "Hej, printeren virker ikke, og jeg kan ikke skrive noget ud. Hvad skal jeg gøre? Mvh",
    "de": "Guten Tag, der Drucker geht seit heute früh nicht. Können Sie mir helfen?",
    "el": "Καλημέρα, ο εκτυπωτής δεν λειτουργεί",
    "en": "Hello, the printer does not work since this morning. Could you help me, please?",
    "es": "Buenos días, la impresora no funciona desde esta mañana. ¿Pueden ayudarme? Gracias",
    "et": "Tere, printer ei tööta hommikust saadik. Kas te saate mind aidata? Tänan",
    "fa": "سلام، چاپگر از صبح کار نمی‌کند. لطفا کمک کنید",
    "fi": "Hei, tulostin ei ole toiminut aamun jälkeen. Voisitteko auttaa minua? Kiitos",
    "fr": "Bonjour, l'imprimante ne marche pas depuis ce matin. Pouvez-vous m'aider ? Merci",
    "he": "שלום, המדפסת לא עובדת מהבוקר",
    "hi": "नमस्ते, प्रिंटर काम नहीं कर रहा है",
    "hr": "Poštovani, pisač od jutros ne radi. Možete li mi pomoći? Hvala i lijep pozdrav",
    "hu": "Jó napot, a nyomtató reggel óta nem működik. Kérem, segítsenek. Köszönöm",
    "hy": "Բարև, տպիչը չի աշխատում",
    "id": "Selamat pagi, printer saya tidak bisa digunakan sejak tadi pagi. Terima kasih",
    "it": "Buongiorno, la stampante non funziona da questa mattina. Potete aiutarmi? Grazie",
    "ja": "プリンターが今朝から動きません。助けてください。",
    "ka": "გამარჯობა, პრინტერი არ მუშაობს",
    "ko": "안녕하세요, 프린터가 작동하지 않습니다",
    "lt": "Laba diena, spausdintuvas neveikia nuo ryto. Ar galite man padėti? Ačiū",
    "lv": "Labdien, printeris kopš rīta nestrādā. Vai jūs varat man palīdzēt? Paldies",
    "mk": "Здраво, печатачот не работи од утрово. Дали може да ми помогнете? Благодарам, ќе чекам",
    "nl": "Goedemorgen, de printer doet het niet. Kunt u mij helpen? Met vriendelijke groet",
    "no": "Hei, skriveren virker ikke, og jeg får ikke skrevet ut noe. Hva skal jeg gjøre?",
    "pl": "Dzień dobry, drukarka nie działa od rana. Czy mogą Państwo mi pomóc? Dziękuję",
    "pt": "Bom dia, a impressora não funciona desde hoje de manhã. Podem ajudar-me? Obrigado",
    "ro": "Bună ziua, imprimanta nu funcționează de azi dimineață. Mă puteți ajuta? Mulțumesc",
    "ru": "Здравствуйте, принтер не работает с утра. Помогите, пожалуйста. Спасибо",
    "sk": "Dobrý deň, tlačiareň od rána nefunguje. Môžete mi pomôcť? Ďakujem",
    "sl": "Pozdravljeni, tiskalnik od jutra ne deluje. Ali mi lahko pomagate? Hvala, lep pozdrav",
    "sr": "Здраво, штампач не ради од јутрос. Да ли можете да ми помогнете? Хвала",
    "sv": "Hej, skrivaren fungerar inte och jag kan inte skriva ut något. Vad ska jag göra?",
    "ta": "அச்சுப்பொறி வேலை செய்யவில்லை",
    "th": "สวัสดีครับ เครื่องพิมพ์ไม่ทำงาน",
    "tr": "Merhaba, yazıcı sabahtan beri çalışmıyor. Bana yardım eder misiniz? Teşekkürler",
    "uk": "Добрий день, принтер не працює з ранку. Чи можете ви мені допомогти? Дякую",
    "vi": "Xin chào, máy in của tôi không hoạt động từ sáng nay. Xin hãy giúp tôi",
    "zh": "您好，打印机从早上开始就不能用了，请帮忙。",
}


@pytest.mark.parametrize(("language", "text"), TEXTS.items())
def test_each_language(language: str, text: str) -> None:
    assert language_of(text) == language


def test_each_known_language_has_a_text_above() -> None:
    assert TEXTS.keys() == LATIN.keys() | CYRILLIC.keys() | set(SCRIPTS.values()) - {""} | {"fa"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12:30 404 -- ***",
        "Xyzzy plugh",
        "a la",
        "https://www.example.org/the/and/of is@the.example",
        # Half and half.
        "Das ist nicht gut. This is not good.",
    ],
)
def test_an_unclear_language_is_none(text: str) -> None:
    assert language_of(text) == ""


def test_quoted_lines_and_what_comes_late_do_not_count() -> None:
    quoted = "> Hello, the printer does not work\n" * 10
    assert language_of(f"{quoted}Guten Tag, das ist nicht gut") == "de"
    late = "x" * SEARCHED_CHARACTERS + TEXTS["en"]
    assert language_of(late) == ""


def test_letters_and_words_are_those_of_known_languages() -> None:
    known = LATIN.keys() | CYRILLIC.keys()
    assert all(set(languages) <= known for languages in LETTERS.values())
    assert all(len(one) == 1 and one == one.lower() for one in LETTERS)
    for words in (LATIN | CYRILLIC).values():
        assert len(words.split()) >= 30
        assert words == words.lower()
