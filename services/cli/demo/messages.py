"""The people of the demo, its mailbox, and the messages that they write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, make_msgid, parsedate_to_datetime

DOMAIN = "demo.example"
SUPPORT = f"support@{DOMAIN}"
PROJECT = "DEMO"
ADA = ("Ada Reed", f"ada@{DOMAIN}")
BO = ("Bo Lind", f"bo@{DOMAIN}")
CLEO = ("Cleo Marsh", f"cleo@{DOMAIN}")
DAN = ("Dan Okafor", f"dan@{DOMAIN}")
# A person of the help desk. No server of the demo states who sent a message, so she comments by a
# key only where she takes part.
EVE = ("Eve Agent", f"eve@{DOMAIN}")
PEOPLE = (ADA, BO, CLEO, DAN, EVE)

READINGS = b"meter,date,kWh\n4711,2026-10-01,8120\n4711,2026-11-01,8344\n"

Writer = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A message of the demo, and the recipients that are notified of it."""

    # The feature that it demonstrates, in a few words.
    shows: str
    message: EmailMessage
    notified: tuple[str, ...]

    @property
    def message_id(self) -> str:
        """Returns its Message-ID."""
        return str(self.message["Message-ID"])

    @property
    def subject(self) -> str:
        """Returns its subject."""
        return str(self.message["Subject"])

    @property
    def sender(self) -> str:
        """Returns the address of its sender."""
        return str(self.message["From"].addresses[0].addr_spec)


def write(
    writer: Writer,
    subject: str,
    text: str,
    now: datetime,
    *,
    references: Sequence[str] = (),
    in_reply_to: str = "",
    automatic: bool = False,
    copies: Sequence[Writer] = (),
) -> EmailMessage:
    """Returns a message to the demo's mailbox, with a Message-ID of its own."""
    message = EmailMessage()
    message["From"] = formataddr(writer)
    message["To"] = SUPPORT
    if copies:
        message["Cc"] = ", ".join(map(formataddr, copies))
    message["Subject"] = subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=DOMAIN)
    if in_reply_to:
        message["In-Reply-To"] = in_reply_to
    if references:
        message["References"] = " ".join(references)
    if automatic:
        # RFC 3834, section 5.
        message["Auto-Submitted"] = "auto-replied"
    message.set_content(text)
    return message


def quoted(message: EmailMessage) -> str:
    """Returns the text of a message as a mail program quotes it below an answer."""
    written_at = parsedate_to_datetime(str(message["Date"]))
    # Notifications are text and HTML.
    body = message.get_body(("plain",)) or message
    lines = (f"> {line}".rstrip() for line in str(body.get_content()).splitlines())
    heading = f"On {written_at:%a, %d %b %Y at %H:%M}, {message['From']} wrote:"
    return "\n".join([heading, *lines, ""])


def first_messages(now: datetime) -> list[Sample]:
    """Returns three requests, one with an attachment, and a colleague's answer to the first."""
    printer = write(
        ADA,
        "The printer on floor 2 is out of toner",
        "Could you bring some?\n",
        now,
        copies=(DAN, EVE),
    )
    meter = write(BO, "Meter readings for October", "They are attached.\n", now)
    meter.add_attachment(READINGS, maintype="text", subtype="csv", filename="readings.csv")
    password = write(CLEO, "Please reset my password", "I am locked out.\n", now)
    colleague = write(
        DAN,
        "Re: The printer on floor 2 is out of toner",
        "The one on floor 3 too.\n",
        now,
        references=[str(printer["Message-ID"])],
    )
    return [
        Sample(shows="new", message=printer, notified=(ADA[1],)),
        Sample(shows="new, with an attachment", message=meter, notified=(BO[1],)),
        Sample(shows="new", message=password, notified=(CLEO[1],)),
        Sample(shows="a reply, by References", message=colleague, notified=(ADA[1],)),
    ]


def later_messages(
    now: datetime, *, to_bo: EmailMessage, to_cleo: EmailMessage, printer_key: str
) -> list[Sample]:
    """Returns the messages that people write when they have notifications and an issue's key."""
    reply = write(
        BO,
        f"Re: {to_bo['Subject']}",
        f"I forgot: the meter was changed on the 12th.\n\n{quoted(to_bo)}",
        now,
        in_reply_to=str(to_bo["Message-ID"]),
    )
    away = write(
        CLEO,
        f"Out of office: {to_cleo['Subject']}",
        "I am back on Monday.\n",
        now,
        in_reply_to=str(to_cleo["Message-ID"]),
        automatic=True,
    )
    agent = write(EVE, f"{printer_key}: toner is on its way", "It arrives tomorrow.\n", now)
    return [
        Sample(shows="a reply to our notification", message=reply, notified=()),
        Sample(shows="an out-of-office answer", message=away, notified=()),
        Sample(shows="by the key, from a participant", message=agent, notified=(ADA[1], DAN[1])),
    ]
