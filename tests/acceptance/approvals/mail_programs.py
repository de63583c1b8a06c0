"""Writes answers as mail programs do: where the new text stands, and how the request is quoted."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from urllib.parse import parse_qs, unquote, urlsplit

# Writes the text above, below or without the request; the message has its fields already.
Program = Callable[[EmailMessage, EmailMessage, str], None]

SIGNATURE = "-- \nAda Byron\nHead of Operations\n"


def answer(
    request: EmailMessage, sender: str, text: str, program: Program | None = None, **fields: str
) -> EmailMessage:
    """Returns a reply to the request; `_` in the names of fields stands for `-`."""
    subject = str(request["Subject"])
    message = new_message(
        sender,
        str(request["Reply-To"] or request["From"]),
        subject if subject.lower().startswith("re:") else f"Re: {subject}",
        **{
            "In_Reply_To": str(request["Message-ID"]),
            "References": " ".join(filter(None, [request["References"], request["Message-ID"]])),
            **fields,
        },
    )
    (program or thunderbird)(message, request, text)
    return message


def new_message(sender: str, to: str, subject: str, **fields: str) -> EmailMessage:
    """Returns a message without a text."""
    message = EmailMessage()
    message["From"] = f"{sender.partition('@')[0].title()} <{sender}>"
    message["To"], message["Subject"] = to, subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    for name, value in fields.items():
        del message[name.replace("_", "-")]
        message[name.replace("_", "-")] = value
    return message


def thunderbird(message: EmailMessage, request: EmailMessage, text: str) -> None:
    """Writes above the quotation, which is marked, with a signature between them."""
    message.set_content(f"{text}\n\n{SIGNATURE}\n{_introduced(request)}\n\n{_marked(request)}")


def below(message: EmailMessage, request: EmailMessage, text: str) -> None:
    """Writes below the quotation."""
    message.set_content(f"{_introduced(request)}\n\n{_marked(request)}\n{text}\n\n{SIGNATURE}")


def phone(message: EmailMessage, request: EmailMessage, text: str) -> None:
    """Writes above the quotation; the program names itself."""
    own = f"{text}\n\nSent from my iPhone\n\n"
    message.set_content(f"{own}> {_introduced(request)}\n> \n{_marked(request)}")


def gmail(message: EmailMessage, request: EmailMessage, text: str) -> None:
    """Writes plain text and HTML, each with the quotation."""
    message.set_content(f"{text}\n\n{_introduced(request)}\n\n{_marked(request)}")
    quoted = (
        f'<div class="gmail_quote"><div dir="ltr" class="gmail_attr">{_introduced(request)}<br>'
        f'</div><blockquote class="gmail_quote">{_html(request)}</blockquote></div>'
    )
    message.add_alternative(f'<div dir="ltr">{html.escape(text)}</div><br>{quoted}', subtype="html")


def outlook(message: EmailMessage, request: EmailMessage, text: str) -> None:
    """Writes HTML only, above a divider and the unmarked request."""
    fields = "<br>".join(
        f"<b>{name}:</b> {html.escape(str(value))}"
        for name, value in (
            ("From", request["From"]),
            ("Sent", "Monday, November 30, 2026 9:14 AM"),
            ("To", message["From"]),
            ("Subject", request["Subject"]),
        )
    )
    message.set_content(
        f'<html><body><div class="WordSection1"><p class="MsoNormal">{html.escape(text)}</p>'
        '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm">'
        f'<p class="MsoNormal">{fields}</p></div>{_html(request)}</div></body></html>',
        subtype="html",
    )


def unmarked(message: EmailMessage, request: EmailMessage, text: str) -> None:
    """Writes above the request, which nothing marks as quoted."""
    message.set_content(f"{text}\n\n{_text(request)}")


def unquoted(message: EmailMessage, _: EmailMessage, text: str) -> None:
    """Writes the text alone."""
    message.set_content(f"{text}\n")


def by_link(link: str, sender: str) -> EmailMessage:
    """Returns the message that a program makes of a mailto link, sent as it is."""
    parts = urlsplit(link)
    given = parse_qs(parts.query)
    message = new_message(sender, unquote(parts.path), given["subject"][0])
    message.set_content(given["body"][0].replace("\r\n", "\n"))
    return message


def forwarded(request: EmailMessage, sender: str, to: str, text: str) -> EmailMessage:
    """Returns the request as a person forwards it, in the text."""
    message = new_message(sender, to, f"Fwd: {request['Subject']}")
    fields = "".join(f"{name}: {request[name]}\n" for name in ("From", "Date", "Subject", "To"))
    message.set_content(
        f"{text}\n\n---------- Forwarded message ---------\n{fields}\n{_text(request)}"
    )
    return message


def redirected(reply: EmailMessage, by: str) -> EmailMessage:
    """Returns an answer that another mailbox has redirected to us, unchanged."""
    fields = {
        "Resent-From": by,
        "Resent-To": str(reply["To"]),
        "Resent-Date": format_datetime(datetime.now(UTC)),
        "Resent-Message-ID": make_msgid(domain=by.rpartition("@")[2]),
    }
    for name, value in fields.items():
        reply[name] = value
    return reply


def _introduced(request: EmailMessage) -> str:
    return f"On 30 Nov 2026, at 09:14, {request['From']} wrote:"


def _marked(request: EmailMessage) -> str:
    return "".join(f"> {line}\n" for line in _text(request).splitlines())


def _text(request: EmailMessage) -> str:
    part = request.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def _html(request: EmailMessage) -> str:
    part = request.get_body(("html",))
    return str(part.get_content()) if part else f"<pre>{html.escape(_text(request))}</pre>"
