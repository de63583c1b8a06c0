"""The demo's people, its mailbox, and the mails that they write."""

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
# One of ours: may comment on any issue by naming its key.
EVE = ("Eve Agent", f"eve@{DOMAIN}")
PEOPLE = (ADA, BO, CLEO, DAN, EVE)

READINGS = b"meter,date,kWh\n4711,2026-10-01,8120\n4711,2026-11-01,8344\n"

Writer = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A mail of the demo, and who will be told of it."""

    # What it shows, in a few words.
    shows: str
    message: EmailMessage
    told: tuple[str, ...]

    @property
    def message_id(self) -> str:
        """Its Message-ID."""
        return str(self.message["Message-ID"])

    @property
    def subject(self) -> str:
        """Its subject."""
        return str(self.message["Subject"])

    @property
    def sender(self) -> str:
        """Who writes it."""
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
) -> EmailMessage:
    """A mail to the demo's mailbox, with a Message-ID of its own."""
    mail = EmailMessage()
    mail["From"] = formataddr(writer)
    mail["To"] = SUPPORT
    mail["Subject"] = subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = make_msgid(domain=DOMAIN)
    if in_reply_to:
        mail["In-Reply-To"] = in_reply_to
    if references:
        mail["References"] = " ".join(references)
    if automatic:
        # RFC 3834, section 5.
        mail["Auto-Submitted"] = "auto-replied"
    mail.set_content(text)
    return mail


def quoted(mail: EmailMessage) -> str:
    """The mail as a mail program quotes it below an answer."""
    written_at = parsedate_to_datetime(str(mail["Date"]))
    lines = (f"> {line}".rstrip() for line in str(mail.get_content()).splitlines())
    heading = f"On {written_at:%a, %d %b %Y at %H:%M}, {mail['From']} wrote:"
    return "\n".join([heading, *lines, ""])


def first_mails(now: datetime) -> list[Sample]:
    """Three requests, one with an attachment, and an answer of a colleague to the first."""
    printer = write(ADA, "The printer on floor 2 is out of toner", "Could you bring some?\n", now)
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
        Sample(shows="new", message=printer, told=(ADA[1],)),
        Sample(shows="new, with an attachment", message=meter, told=(BO[1],)),
        Sample(shows="new", message=password, told=(CLEO[1],)),
        Sample(shows="a reply, by References", message=colleague, told=(ADA[1],)),
    ]


def later_mails(
    now: datetime, *, to_bo: EmailMessage, to_cleo: EmailMessage, printer_key: str
) -> list[Sample]:
    """What people write once they have our notifications and know the issue's key."""
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
        Sample(shows="a reply to our notification", message=reply, told=()),
        Sample(shows="an out-of-office answer", message=away, told=()),
        Sample(shows="by the key, from a known person", message=agent, told=(ADA[1], DAN[1])),
    ]
