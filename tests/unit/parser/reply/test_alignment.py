"""Layers and signatures of the HTML, which the text of the same reply takes over."""

from __future__ import annotations

import pytest

from services.parser.reply import split_reply
from services.parser.text.markup import html_to_text

FIELDS = (
    "From: jo@desk.example\nTo: ana@shop.example\nSent: Monday, 3 November 2025 16:07\n"
    "Subject: Printer"
)
SIGNATURE = "Ana Weber, second floor"
# How programs mark the element of a signature.
MARKS = [
    'div class="gmail_signature" data-smartmail="gmail_signature"',
    'div class="moz-signature"',
    'pre class="moz-signature" cols="72"',
    'div id="Signature"',
    'div id="x_Signature"',
    'div id="AppleMailSignature" dir="ltr"',
    'div id="ms-outlook-mobile-signature"',
    'div class="protonmail_signature_block"',
    'div name="messageSignatureSection"',
    'div id="bloop_sign_1762182432"',
    'div id="_rc_sig"',
    'div class="io-ox-signature"',
    'div class="k9mail-signature"',
    'div data-signature-widget="container"',
    'div data-marker="__SIG_PRE__"',
    'p class="MsoNormal"><a name="_MailAutoSig"',
    'table class="signature"><tr><td',
    "div class=signature",
    'div class="x_x_gmail_signature"',
    'div class="content signature"',
    'div id="Zm-_Id_-Sgn"',
]
SEPARATORS = [
    "----- Original Message -----",
    "-----Ursprüngliche Nachricht-----",
    "________________________________",
    "-------- Message d'origine --------",
]


def html_of(separator: str) -> str:
    fields = "<br>".join(f"<b>{line}</b>" for line in FIELDS.split("\n"))
    return f"<div>It works.<br><br>{separator}{fields}<br><br>Does the printer work?<br></div>"


@pytest.mark.parametrize("separator", SEPARATORS)
def test_a_separator_that_the_html_draws_is_quoted(separator: str) -> None:
    text = f"It works.\n\n{separator}\n{FIELDS}\n\nDoes the printer work?\n"
    reply = split_reply(text, html_of('<hr id="mark">'))
    assert reply.new_text == "It works."
    assert reply.quoted_text.startswith(separator)


def test_new_lines_that_the_html_lacks_stay_new() -> None:
    text = f"It works.\n\nIt is as quick as ever.\n{FIELDS}\n\nDoes the printer work?\n"
    reply = split_reply(text, html_of("<hr>"))
    assert reply.new_text == "It works.\n\nIt is as quick as ever."


def test_lines_of_the_text_may_be_wrapped() -> None:
    words = "Does the printer on the third floor work again since the new toner came yesterday?"
    html = f"<p>It works.</p><blockquote type=cite><p>{words}</p></blockquote>"
    text = "It works.\n\nDoes the printer on the third floor work\nagain since the new toner came\n"
    assert split_reply(text + "yesterday?\n", html).new_text == "It works."


def test_the_targets_of_links_are_not_compared() -> None:
    html = '<p>See <a href="https://a.example/x">page</a>.</p><blockquote type=cite>Where?'
    reply = split_reply("See page <https://a.example/x>.\n\nWhere?\n", html)
    assert reply.new_text == "See page <https://a.example/x>."


@pytest.mark.parametrize("mark", MARKS)
def test_a_marked_element_is_the_signature(mark: str) -> None:
    html = f"<div><p>It works.</p><{mark}>{SIGNATURE}</div></div>"
    reply = split_reply(html_to_text(html), html)
    assert (reply.new_text, reply.signature) == ("It works.", SIGNATURE)
    assert SIGNATURE in reply.signature_html
    assert SIGNATURE not in reply.new_html


@pytest.mark.parametrize("quote", ["> Does it?\n> Jo", "Does it?\n\nJo"])
def test_the_signature_in_the_text_is_that_of_the_html(quote: str) -> None:
    line = "On Mon, 3 Nov 2025 at 16:07, Jo <jo@desk.example> wrote:"
    html = (
        f'<div>It works.</div><div class="gmail_signature">{SIGNATURE}</div>'
        '<div class="gmail_quote"><div>On Mon, 3 Nov 2025 at 16:07, Jo &lt;jo@desk.example&gt; '
        "wrote:</div><blockquote>Does it?<br><br>Jo</blockquote></div>"
    )
    reply = split_reply(f"It works.\n\n{SIGNATURE}\n\n{line}\n{quote}\n", html)
    assert (reply.new_text, reply.signature) == ("It works.", SIGNATURE)


@pytest.mark.parametrize(
    "html",
    [
        # An answer below the signature is not in it.
        f'<div class="gmail_signature">{SIGNATURE}</div><p>It works.</p>',
        # If nothing else is new, somebody answered in the element.
        f'<div class="gmail_signature">It works. {SIGNATURE}</div>',
        f'<p>It works.</p><div class="e-signature">{SIGNATURE}</div>',
        f'<p>It works.</p><div class="signature-request">{SIGNATURE}</div>',
        f'<p>It works.</p><div class="design">{SIGNATURE}</div>',
        f'<p>It works.</p><div id="signature-date">{SIGNATURE}</div>',
        f'<p>It works.</p><div class="certificate-signature">{SIGNATURE}</div>',
        f'<p>It works.</p><div class="signatureOfTheTenant">{SIGNATURE}</div>',
        f'<p>It works.</p><p title="signature">{SIGNATURE}</p>',
        f'<p>It works.</p><div class="signature-form">{SIGNATURE}</div>',
        f'<p>It works.</p><div id="Zm-_Id_-Sgn1">{SIGNATURE}</div>',
    ],
)
def test_other_elements_are_new(html: str) -> None:
    reply = split_reply(html_to_text(html), html)
    assert (reply.signature, reply.signature_html) == ("", "")
