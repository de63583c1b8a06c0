"""Attributions in many languages, and lines that are similar to them."""

from __future__ import annotations

from html import escape

import pytest

from services.parser.reply import split_reply
from services.parser.text.markup import html_to_text

ATTRIBUTIONS = [
    "On Tuesday, 6 May 2024, 10:11:12 CEST, Jo <jo@desk.example> wrote:",
    "On 2024-05-06 10:11, Jo Lindqvist wrote:",
    "On 06.05.2024 10:11, jo@desk.example wrote:",
    "At 10:11 AM 5/6/2024 -0400, you wrote:",
    "* Jo Lindqvist <jo@desk.example> [240506 10:11]:",
    "2024/5/6 Jo Lindqvist <jo@desk.example>:",
    "---- On Mon, 06 May 2024 10:11:12 +0200 jo@desk.example wrote ----",
    "On Mon, May 6, 2024, 10:11 AM Jo Lindqvist via Desk\n<desk@desk.example> wrote:",
    "On Mon, May 6, 2024 at 10:11 AM\nJo Lindqvist\n<jo@desk.example>\nwrote:",
    "Monday, 6 May 2024, 10:11 +0300 from Jo <jo@desk.example>:",
    "Jo Lindqvist <jo@desk.example> wrote on 06.05.2024 10:11:",
    "Am Montag, 6. Mai 2024, 10:11:12 MESZ hat Jo <jo@desk.example> Folgendes geschrieben:",
    "Am 06.05.2024, 10:11 Uhr, schrieb Jo <jo@desk.example>:",
    "Jo Lindqvist <jo@desk.example> hat am 06.05.2024 10:11 geschrieben:",
    "Zitat von Jo Lindqvist <jo@desk.example>:",
    "Le lundi 6 mai 2024 à 10:11:12 UTC+2, Jo <jo@desk.example> a écrit :",
    "El 6 de mayo de 2024, 10:11, Jo <jo@desk.example> escribió:",
    "El lun., 6 may. 2024 10:11 a. m., Jo <jo@desk.example>\nescribió:",
    "Em segunda-feira, 6 de maio de 2024, Jo <jo@desk.example> escreveu:",
    "Il 06/05/2024 10:11, Jo Lindqvist ha scritto:",
    "In data lunedì 6 maggio 2024 10:11:12 CEST, Jo <jo@desk.example> ha scritto:",
    "Op maandag 6 mei 2024 10:11 schreef Jo Lindqvist:",
    "Op 6 mei 2024 om 10:11 schreef Jo <jo@desk.example>:",
    "Wiadomość napisana przez Jo <jo@desk.example> w dniu 6 maj 2024, o godz. 10:11:",
    "Missatge de Jo <jo@desk.example> del dia dl., 6 de maig 2024 a les 10:11:",
    "W dniu pon., 6.05.2024 o 10:11 Jo <jo@desk.example> napisał(a):",
    "6. mai 2024 kl. 10:11 skrev Jo Lindqvist <jo@desk.example>:",
    "Den mån 6 maj 2024 10:11Jo <jo@desk.example> skrev:",
    "ma 6. toukokuuta 2024 klo 10.11 Jo (jo@desk.example) kirjoitti:",
    "6.5.2024 10.11, Jo Lindqvist kirjoitti:",
    "Dne po 6. 5. 2024 10:11 uživatel Jo <jo@desk.example> napsal:",
    "2024. máj. 6. dátummal, 10:11 időpontban Jo <jo@desk.example> írta:",
    "6 May 2024 Pzt 10:11 tarihinde Jo <jo@desk.example> şunu yazdı:",
    "Понедельник, 6 мая 2024, 10:11 +03:00 от Jo <jo@desk.example>:",
    '06.05.2024 10:11 пользователь "Jo" <\njo@desk.example> написал:',
    "2024年5月6日(月) 10:11、Jo <jo@desk.example>のメール:",
    "在 2024年5月6日星期一，Jo <jo@desk.example> 写道：",
    "Jo <jo@desk.example> 於 2024年5月6日 週一 10:11 寫道：",
    "2024년 5월 6일 월요일, Jo<jo@desk.example>님이 작성한 메시지:",
    # Languages beyond the required ones.
    "Dňa po 6. 5. 2024 o 10:11 Jo <jo@desk.example> napísal(a):",
    "Pe lun., 6 mai 2024 la 10:11, Jo <jo@desk.example> a scris:",
    "На пн, 6.05.2024 г. в 10:11 Jo <jo@desk.example> написа:",
    "V V pon., 6. maj 2024 ob 10:11 je oseba Jo <jo@desk.example> napisala:",
    "pon, 6. svi 2024. u 10:11 Jo <jo@desk.example> napisao je:",
    "dl., 6 de maig 2024, 10:11 Jo <jo@desk.example> va escriure:",
    "בתאריך יום ב׳, 6 במאי 2024 ב-10:11 מאת Jo <jo@desk.example>:",
    "Vào Th 2, 6 thg 5, 2024 vào lúc 10:11 Jo <jo@desk.example> đã viết:",
    "Pada tanggal Sen, 6 Mei 2024 pukul 10.11 Jo <jo@desk.example> menulis:",
    "Kuupäev E, 6. mai 2024 kell 10:11 kirjutas Jo <jo@desk.example>:",
    "mán., 6. maí 2024 kl. 10:11 skrifaði Jo <jo@desk.example>:",
    "Երկ, 6 մայ. 2024 թ. ժամը 10:11-ին Jo <jo@desk.example>-ը գրել է՝",
    "सोम, 6 मई 2024 को 10:11 पर Jo <jo@desk.example> ने लिखा:",
]
# In languages whose words are in no table.
UNKNOWN = [
    "уто, 4. нов 2025. у 8:05 Jo <jo@desk.example> је написао/ла:",
    "Jo (<jo@desk.example>) erabiltzaileak hau idatzi du (2025 aza. 3, al. (16:07)):",
    "O luns, 3 de nov. de 2025 ás 16:07, Jo (<jo@desk.example>) escribiu:",
    "ორშ, 3 ნოე. 2025, 16:07-ზე Jo <jo@desk.example> დაწერა:",
    "Më hën, 3 nën 2025 në 16:07 Jo <jo@desk.example> shkroi:",
    "Noong Lun, Nob 3, 2025 nang 4:07 PM, isinulat ni Jo <jo@desk.example> ang:",
    "pirmd., 2025. g. 3. nov., plkst. 16:07 Jo <jo@desk.example> rakstīja:",
    "pirmd., 2025. gada 3. nov., plkst. 16:07 — lietotājs Jo (<jo@desk.example>) rakstīja:",
    "Op Ma. 3 Nov. 2025 om 16:07 het Jo <jo@desk.example> geskryf:",
    "Ar Llun, 3 Tach 2025 am 16:07 ysgrifennodd Jo <jo@desk.example>:",
    "Siku ya Jtt, 3 Nov 2025 saa 16:07 Jo <jo@desk.example> aliandika:",
]
OWN = [
    "On Monday we wrote to you about the following:",
    "On 5 May 2024 you wrote the following in the ticket:",
    "At 10:30 the printer said:",
    "I spoke to Jo on 6 May 2024 at 10:11:",
    "Please write on 5 May at 10:30 to Jo <jo@desk.example> with exactly the words below:",
    "He wrote to jo@desk.example that the toner is empty:",
    "Am Montag um 10:30 kam die Meldung:",
    "Le plus simple est donc :",
    "El problema es el siguiente:",
    "Version 2024.05.06 says:",
    "6.5.2024 10.11 error:",
]


@pytest.mark.parametrize("marked", [True, False], ids=["marked", "unmarked"])
@pytest.mark.parametrize("line", ATTRIBUTIONS)
def test_an_attribution_begins_the_quotation(line: str, marked: bool) -> None:
    quoted = "> Does it work?" if marked else "Does it work?"
    reply = split_reply(f"It works.\n\n{line}\n\n{quoted}\n", "")
    assert (reply.new_text, reply.quoted_text) == ("It works.", f"{line}\n\n{quoted}")


@pytest.mark.parametrize("line", ATTRIBUTIONS)
def test_an_attribution_needs_no_empty_line_above_it(line: str) -> None:
    reply = split_reply(f"It works, and it did so\nsince the morning\n{line}\n> Does it?\n", "")
    assert reply.new_text == "It works, and it did so\nsince the morning"


@pytest.mark.parametrize("tags", ["<div>{}</div>", "<p>{}</p>", "{}<br>", "<pre>{}</pre>"])
@pytest.mark.parametrize("line", UNKNOWN)
def test_an_attribution_in_an_unknown_language_needs_no_marks_in_html(line: str, tags: str) -> None:
    html = "".join(tags.format(escape(part)) for part in ("It works.", line, "Does it work?"))
    for text in (html_to_text(html), f"It works.\n\n{line}\n\nDoes it work?"):
        assert split_reply(text, html).new_text == "It works."


@pytest.mark.parametrize("line", UNKNOWN)
def test_an_attribution_in_an_unknown_language_stands_below_new_text(line: str) -> None:
    reply = split_reply(f"It works.\n{line}\n> Does it work?", "")
    assert reply.new_text == "It works."


@pytest.mark.parametrize("line", OWN)
def test_a_line_with_a_colon_is_not_an_attribution(line: str) -> None:
    text = f"Hello,\n\n{line}\n\nit is broken."
    assert split_reply(text, "").new_text == text


@pytest.mark.parametrize("verb", ["wrote", "schrieb", "a écrit ", "escribió", "написал"])
@pytest.mark.parametrize("before", ["Please deliver to Jo. ", "As agreed: ", ""])
def test_a_sentence_that_goes_on_behind_the_verb_quotes_nothing(before: str, verb: str) -> None:
    line = f"{before}On 3 November 2025 at 10:00 Tom <tom@cars.example> {verb}: nobody home."
    for text in (f"{line}\n\nI was at home all day.\nAnn", f"{line}\nI was at home all day."):
        assert split_reply(text, "").new_text == text


def test_a_quotation_may_begin_in_the_line_of_its_attribution() -> None:
    line = "On 3 November 2025 at 10:00, Tom <tom@cars.example> wrote:"
    for behind in (" > nobody home", "   nobody home"):
        reply = split_reply(f"I was.\n\n{line}{behind}\nTom", "")
        assert (reply.new_text, reply.quoted_text) == ("I was.", f"{line}{behind}\nTom")
