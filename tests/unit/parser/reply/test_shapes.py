"""Attributions and quotations in the shapes in which programs other than the usual write them."""

from __future__ import annotations

import pytest

from services.parser.reply import split_reply
from services.parser.text.markup import html_to_text

QUOTE = "Shall we replace the printer this week, or wait?"
# The pieces of an attribution, as elements of HTML become lines.
PIECES = [
    "On Mon, Nov 3, 2025 at 4:07 PM Jo Lindqvist\n\n<\nmailto:Jo <jo@desk.example>\n> wrote:",
    "On Mon, Nov 3, 2025 at 4:07 PM\n\nJo Lindqvist\n\n<jo@desk.example>\n\nwrote:",
    "On Nov 3, 2025, at 16:07\n\nJo Lindqvist <\n\njo@desk.example\n\n> wrote:",
    "On\nMon, Nov 3, 2025\nat 4:07 PM\nJo Lindqvist\n<jo@desk.example>\nwrote:",
    "On Mon, Nov 3, 2025\nat 4:07 PM\nJo\nLindqvist\n<jo@desk.example>\nwrote:",
    "Am Mo., 3. Nov. 2025 um 16:07 Uhr schrieb Jo Lindqvist\n\n<\njo@desk.example\n>:",
    "Le lun. 3 nov. 2025 à 16:07 Jo Lindqvist\n\n<\nmailto:jo@desk.example\n>\n a écrit :",
    "El lun, 3 nov 2025 a las 16:07 Jo Lindqvist\n\n<\njo@desk.example\n> escribió:",
    "Il giorno lun 3 nov 2025 alle 16:07 Jo Lindqvist\n\n<\njo@desk.example\n> ha scritto:",
    "Em seg., 3 de nov. de 2025 às 16:07, Jo Lindqvist\n\n<\njo@desk.example\n> escreveu:",
    "Op ma 3 nov 2025 om 16:07 schreef Jo Lindqvist\n\n<\njo@desk.example\n>:",
    "W dniu pon., 3 lis 2025 o 16:07 Jo Lindqvist\n\n<\njo@desk.example\n> napisał(a):",
    "пн, 3 нояб. 2025 г. в 16:07, Jo Lindqvist\n\n<\njo@desk.example\n>:",
    "Den mån 3 nov. 2025 kl 16:07 skrev Jo Lindqvist\n\n<\njo@desk.example\n>:",
    "2025年11月3日(月) 16:07\n\nJo Lindqvist\n\n<jo@desk.example>\n\nのメール:",
    "út 4. 11. 2025 v 8:05 odesílatel Jo\n<\nmailto:jo@desk.example\n>\nnapsal:",
    "mar 4 nov 2025 alle 8:05 Jo <\n\nmailto:jo@desk.example\n\n>\n\nha scritto:",
    "4 Kas 2025 Sal, 08:05 tarihinde\n\nJo\n\n<jo@desk.example>\n\nşunu yazdı:",
    "Jo Lindqvist\n\n<\njo@desk.example\n>\n\nezt írta (időpont: 2025. nov. 4., K, 8:05):",
    "Am Mo., 3. Nov. 2025\num 16:07 Uhr schrieb\nJo Lindqvist\n<jo@desk.example>:",
    "Στις Δευ 3 Νοε 2025 στις 4:07 μ.μ., ο/η Jo\n<\njo@desk.example\n>\nέγραψε:",
    "El lun, 3 nov 2025 a las 16:07, Jo\n\n(<\n\njo@desk.example\n\n>)\n\nescribió:",
]
# Without a verb and without a colon, above marked lines.
ABOVE_MARKS = [
    "2025/11/3 Jo via Desk <jo@desk.example>",
    "2025-11-03 16:07 Jo <jo@desk.example>",
    "On Nov 3, 2025, Jo Lindqvist <jo@desk.example>",
    "Jo Lindqvist <jo@desk.example> 2025/11/3 16:07",
    "Jo Lindqvist <jo@desk.example>, 3 Nov 2025 16:07",
    "Am 3.11.2025 Jo <jo@desk.example>",
    "Le 3/11/2025 Jo <jo@desk.example>",
    "2025年11月3日 Jo <jo@desk.example>",
    "Am 3.11.2025 um 16:07 schrieb Jo",
    '"Jo Lindqvist" jo@desk.example – November 3, 2025 4:07 PM',
]
# Between dashes, with and without spaces, a date and an address.
FRAMED = [
    "------On 11/03/2025 16:07 PM, Jo Lindqvist wrote-----",
    "-----Am 3.11.2025 um 16:07 schrieb Jo Lindqvist-----",
    "----Le 3 nov. 2025 à 16:07, Jo a écrit----",
    "---El 3/11/2025 16:07, Jo escribió---",
    "--Il 03/11/2025 16:07, Jo ha scritto--",
    "____On 11/03/2025 Jo wrote____",
    "==== Jo wrote ====",
    "—— Jo Lindqvist wrote ——",
    "----- Jo Lindqvist <jo@desk.example> wrote -----",
    "---- jo@desk.example wrote ----",
    "---- Jo Lindqvist wrote ----",
    "---- Jo Lindqvist wrote: ----",
    "---- Jo Lindqvist a écrit ----",
    "-------- Jo Lindqvist schrieb --------",
    "---- Jo Lindqvist schreef ----",
    "---- Jo napisał(a) ----",
    "---- Джо написал ----",
    "----Jo Lindqvist kirjoitti----",
    "---- 王小明 写道 ----",
    "---- 山田さんは書きました ----",
    "---- Jo님이 작성한 메시지 ----",
    "---- Jo piše ----",
    "*****On 03.11.2025 16:07, Jo Lindqvist wrote*****",
    "~~~~ On 11/03/2025 16:07, Jo Lindqvist wrote ~~~~",
    "~~~Am 3.11.2025 um 16:07 schrieb Jo Lindqvist~~~",
]
# Without a verb or as a block, above text without marks.
OTHERS = [
    ">>> Jo Lindqvist <jo@desk.example> 03/11/2025 16:07 >>>",
    "Jo Lindqvist wrote on 03.11.2025 16:07:",
    "Citeren Jo <jo@desk.example>:",
    '----------------\nКому: Ана;\nТема: Печь;\n03.11.2025, 16:07, "Джо" <jo@desk.example>:',
    "---- 回复的原邮件 ----\n| 发件人 | Jo<jo@desk.example> |\n| 日期 | 2025年11月3日 16:07 |",
    "---- Replied Message ----\n| From | Jo<jo@desk.example> |\n| Date | 11/03/2025 16:07 |",
    "******\nFrom: Jo <jo@desk.example>\nSent: today\nTo: Ana\nSubject: Oven",
    "++++++\nFrom: Jo <jo@desk.example>\nSent: today\nTo: Ana\nSubject: Oven",
    "~~~~~~\nFrom: Jo <jo@desk.example>\nSent: today\nTo: Ana\nSubject: Oven",
    "De: Jo <jo@desk.example>\nEnviat el: 3 de novembre\nPer a: Ana\nTema: Forn",
    "Nuo: Jo <jo@desk.example>\nIšsiųsta: 2025 m.\nKam: Ana\nTema: Orkaitė",
    "จาก: Jo <jo@desk.example>\nส่ง: 3\nถึง: Ana\nเรื่อง: x",
    "از: Jo <jo@desk.example>\nارسال شده: ۳\nبه: Ana\nموضوع: x",
    # Languages without a table.
    "Noong Mar, Nob 4, 2025 nang 8:05 AM, isinulat ni Jo <jo@desk.example> ang:",
    "O luns, 3 nov 2025 ás 16:07, Jo (<jo@desk.example>) escribiu:",
    "Jo <jo@desk.example>(e)k hau idatzi du (2025 aza. 3, al. (16:07)):",
    "otrd., 2025. g. 4. nov., plkst. 8:05 Jo <jo@desk.example> rakstīja:",
    "уто, 4. нов 2025. у 8:05 Jo <jo@desk.example> је написао/ла:",
]
# A header block in one line, as made from inline elements.
BLOCKS = [
    "From: jo@desk.example Date: Mon, 3 Nov 2025 16:07:12 +0100",
    "From: Jo <jo@desk.example> Sent: Monday, November 3, 2025 4:07 PM",
    "Date: 3 Nov 2025 16:07 From: Jo <jo@desk.example>",
    "Von: Jo <jo@desk.example> Gesendet: 03.11.2025 16:07",
    "De : Jo <jo@desk.example> Envoyé le : 03/11/2025 16:07",
    "De: Jo <jo@desk.example> Enviado el: 03/11/2025 16:07",
    "Da: Jo <jo@desk.example> Data: 03/11/2025 16:07",
    "Van: Jo <jo@desk.example> Verzonden: 3-11-2025 16:07",
    "От: Jo <jo@desk.example> Дата: 03.11.2025 16:07",
    "发件人：Jo <jo@desk.example> 发送时间：2025-11-03 16:07",
    "Da: Jo Lindqvist Inviato: lunedì 3 novembre 2025 16:07 A: Ana",
]
INITIALS = ["BK> ", "JvB> ", "БК> ", " BK> ", "BK>", "BKL>> ", "OvdL> ", "ol> ", "TR> "]


@pytest.mark.parametrize("mark", ["", "> "], ids=["unmarked", "marked"])
@pytest.mark.parametrize("attribution", PIECES)
def test_the_pieces_of_an_attribution_begin_the_quotation(attribution: str, mark: str) -> None:
    reply = split_reply(f"It works.\n\n{attribution}\n{mark}{QUOTE}\n", "")
    assert reply.new_text == "It works."


@pytest.mark.parametrize(
    "text",
    [
        "On 3 Nov 2025 I was there\n\nwhere Jo <jo@desk.example> and Kim\n\nwrote:\nerror 5",
        "Am 3.11.2025 um 10:30 war ich da.\n\nJo <jo@desk.example> und ich\n\nschrieben:",
        "On 3 Nov 2025\n\nJo Lindqvist wrote to <jo@desk.example>.\n\nShe wrote:",
    ],
)
def test_sentences_are_not_the_pieces_of_an_attribution(text: str) -> None:
    assert split_reply(text, "").new_text == text


@pytest.mark.parametrize("answer", ["No", "La", "On 2 Nov 2025 it was", "Am Mo. 2.11.2025"])
def test_an_answer_above_an_attribution_is_not_a_piece_of_it(answer: str) -> None:
    line = "On Mon, Nov 3, 2025 at 4:07 PM, Jo Lindqvist <jo@desk.example> wrote:"
    assert split_reply(f"{answer}\n{line}\n{QUOTE}", "").new_text == answer


@pytest.mark.parametrize("mark", ["|", ">", "│", "»"])
@pytest.mark.parametrize("line", ABOVE_MARKS)
def test_an_attribution_without_a_verb_precedes_marks(line: str, mark: str) -> None:
    reply = split_reply(f"It works.\n\n{line}\n\n{mark} {QUOTE}\n{mark}\n{mark} Jo\n", "")
    assert reply.new_text == "It works."


@pytest.mark.parametrize("mark", ["", "> "], ids=["unmarked", "marked"])
@pytest.mark.parametrize("line", FRAMED)
def test_an_attribution_between_dashes_begins_the_quotation(line: str, mark: str) -> None:
    reply = split_reply(f"It works.\n\n{line}\n\n{mark}{QUOTE}\n", "")
    assert reply.new_text == "It works."


@pytest.mark.parametrize(
    "line",
    ["---- as Jo in the room next to ours once wrote ----", "-- Jo --", "---- Part two ----"],
)
def test_other_words_between_dashes_stay(line: str) -> None:
    text = f"It works.\n\n{line}\n\n{QUOTE}"
    assert split_reply(text, "").new_text == text


@pytest.mark.parametrize("above", ["It works.", "It works.\n\nThanks\nAna"])
@pytest.mark.parametrize("heading", OTHERS)
def test_other_headings_begin_the_quotation(heading: str, above: str) -> None:
    reply = split_reply(f"{above}\n\n{heading}\n\n{QUOTE}\n", "")
    assert (reply.new_text, reply.signature) == (above, "")


@pytest.mark.parametrize("date", ["2025/11/3", "2025-11-03", "2025/11/3 16:07", "3.11.2025"])
@pytest.mark.parametrize("above", ["The people for the course:\n\n", "Hello,\n\n", ""])
def test_a_date_and_a_person_above_own_text_stay(date: str, above: str) -> None:
    for more in ("", f"{date} Kim <kim@shop.example>\n\n"):
        text = f"{above}{date} Ana <ana@shop.example>\n\n{more}Please tell her the room."
        assert split_reply(text, "").new_text == text


@pytest.mark.parametrize("block", BLOCKS)
def test_a_header_block_in_one_line_begins_the_quotation(block: str) -> None:
    assert split_reply(f"It works.\n{block}\n{QUOTE}\n", "").new_text == "It works."


def test_below_a_rule_of_html_two_fields_are_a_header_block() -> None:
    fields = "<font><b>From: jo@desk.example</b> <b>Date: 3 Nov 2025</b></font>"
    html = f"It works.<div>{{}}<div>{fields}</div><div>{QUOTE}</div></div>"
    assert split_reply("", html.format("<hr>")).new_html == "It works."
    assert split_reply("", html.format("")).new_html == html.format("")


@pytest.mark.parametrize("line", ["From: Berlin Date: 6 May 2024", "From: jo@desk.example To: me"])
def test_a_line_with_fields_stays(line: str) -> None:
    text = f"Please add:\n\n{line}\n\nThanks"
    assert split_reply(text, "").new_text == text


@pytest.mark.parametrize("mark", INITIALS)
def test_lines_marked_with_initials_are_quoted(mark: str) -> None:
    quote = f"{mark}Shall we replace\n{mark}the printer?\n{mark.rstrip()}"
    reply = split_reply(f"See below.\n\n{quote}\n\nYes, please do it.\n", "")
    assert reply.new_text == "See below.\n\nYes, please do it."
    assert reply.quoted_text == quote.strip("\n")


@pytest.mark.parametrize(
    "lines",
    [
        "It says:\n\nRTR> show version\nRTR> exit\n\nWhy?",
        "Please run\nSQL> select 1;\nSQL> quit",
        "Router> show\nRouter> exit",
        # Commands are no sentences, and the names of few programs are initials.
        "The server hangs.\n\ntest> db.users.find()\ntest> show collections",
        "The old machine hangs.\n\nC> dir\nC> format a.",
        "It hangs.\n\nSQL> select 1;\nSQL> quit\n\nWhy?",
        "It hangs.\n\nPS> cd ..\nPS> dir | more",
        "It hangs.\n\nRTR> show version\nRTR> show ip ?",
        "It hangs.\n\nsh> ls .\nsh> cat x.txt",
        "It hangs.\n\nlua> print('Hi.')\nlua> print('Ho!')",
        "A> dir",
        # A conversation.
        "Q> Where?\nA> Here.\nQ> When?\nA> Now.",
        # No quotation at all.
        "It prints\n<\nno output\n>",
    ],
)
def test_prompts_are_not_initials(lines: str) -> None:
    assert split_reply(lines, "").new_text == lines


@pytest.mark.parametrize("line", ["BK> Is it on?", "    BK> Is it on\n    BK> today?", "BK> dir"])
def test_initials_are_quoted_below_the_line_that_explains_them(line: str) -> None:
    heading = '>>>>> "BK" == Bo Kim <bo@desk.example> writes:'
    reply = split_reply(f"{heading}\n\n{line}\n\nYes.", "")
    assert (reply.new_text, reply.quoted_text) == ("Yes.", f"{heading}\n\n{line}")


def test_a_single_letter_is_a_mark_below_an_attribution() -> None:
    heading = "On 3 Nov 2025 at 16:07, Bo <bo@desk.example> wrote:"
    reply = split_reply(f"{heading}\nB> Is it on\nB> today?\n\nYes.", "")
    assert "Is it on" in reply.quoted_text
    assert "Is it on" not in split_reply("B> Is it on?\nB> Now?\nYes.", "").quoted_text


def test_the_sign_that_ends_an_address_is_no_mark_in_html() -> None:
    pieces = ["On Tue, Nov 4, 2025 at 8:05 AM Jo", "<br>", "&lt;", "jo@desk.example", "&gt; wrote:"]
    html = "".join(f"<div>{piece}</div>" for piece in ["It works.", *pieces, QUOTE])
    assert split_reply(html_to_text(html), html).new_text == "It works."


def test_answers_between_lines_with_initials_keep_their_questions() -> None:
    text = "BK> Does it work?\nYes.\nBK> Since when?\nSince Monday."
    assert split_reply(text, "").new_text == text


def test_the_text_of_html_is_split_like_it() -> None:
    html = f"<p>It works.</p><hr><b>From: Jo &lt;jo@desk.example&gt; Date: 3 Nov 2025</b><p>{QUOTE}"
    assert split_reply(html_to_text(html), html).new_text == "It works."
