"""An answer that has our HTML only, as mail programs quote it, is told from what it quotes."""

from __future__ import annotations

import pytest

from postrail.notifications.events import COMMENTED
from postrail.notifications.phrases import LANGUAGES
from tests.makers.parsing import made
from tests.unit.notifications.written import earlier, written


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "form",
    [
        # Gmail
        '<div dir="ltr">Thank you.</div><br><div class="gmail_quote"><div class="gmail_attr">On'
        " Mon, Help &lt;help@example.org&gt; wrote:<br></div><blockquote>{html}</blockquote></div>",
        # Outlook
        "<p>Thank you.</p><div style='border-top:solid #E1E1E1 1.0pt'><p><b>From:</b> Help<br>"
        "<b>Sent:</b> Monday<br><b>To:</b> Ada<br><b>Subject:</b> [HELP-1]</p></div>{html}",
        # Apple Mail
        "Thank you.<br><div><blockquote type='cite'>{html}</blockquote></div>",
        # a program that marks nothing
        "<p>Thank you.</p>{html}",
    ],
)
def test_the_answer_is_what_stands_above(form: str, language: str) -> None:
    # Earlier comments stand below, with words that look like an answer.
    html = written(
        COMMENTED, "Use water.", language=language, earlier=(earlier("Thanks.\n\nOn Monday:"),)
    ).html
    raw = (
        b"From: ada@example.org\r\nTo: help@example.org\r\nSubject: Re: [HELP-1] Fire\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\n" + form.format(html=html).encode()
    )
    reply = made(raw).record.reply
    assert reply is not None
    assert reply.new_text == "Thank you."
    assert "Use water." in reply.quoted_text
    assert "On Monday:" in reply.quoted_text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "form",
    [
        # Thunderbird, Gmail
        "Thank you.\n\nOn 02/01/2026 03:04, Help wrote:\n{marked}\n",
        # Outlook
        "Thank you.\n\n-----Original Message-----\nFrom: Help\nSent: Monday\nTo: Ada\n"
        "Subject: [HELP-1]\n\n{text}\n",
        # a program that marks nothing
        "Thank you.\n\n{text}\n",
        # an answer below
        "On 02/01/2026 03:04, Help wrote:\n{marked}\n\nThank you.\n",
    ],
)
def test_earlier_comments_are_quoted_in_an_answer_as_text(form: str, language: str) -> None:
    text = written(
        COMMENTED, "Use water.", language=language, earlier=(earlier("Thanks.\n\nOn Monday:"),)
    ).text
    marked = "\n".join(f"> {line}" for line in text.splitlines())
    raw = (
        b"From: ada@example.org\r\nTo: help@example.org\r\nSubject: Re: [HELP-1] Fire\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\n" + form.format(text=text, marked=marked).encode()
    )
    reply = made(raw).record.reply
    assert reply is not None
    assert reply.new_text == "Thank you."
    assert "On Monday:" in reply.quoted_text
