"""A person with a mailbox and a mail program, on a real Postfix and a real Dovecot."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import make_msgid
from urllib.parse import parse_qs, unquote, urlsplit

from postrail.embedded.process_ids import until
from tests.servers.certificates import Certificates
from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.postfix import Postfix

ARRIVAL_SECONDS = 30.0


class MailUser:
    """Reads mail by IMAP, and sends it by SMTP as mail programs do."""

    def __init__(
        self, address: str, postfix: Postfix, dovecot: Dovecot, certificates: Certificates
    ) -> None:
        self.address = address
        self._postfix = postfix
        self._dovecot = dovecot
        self._context = ssl.create_default_context(cafile=str(certificates.ca_file))

    def mails(self) -> list[EmailMessage]:
        """Returns what is in the mailbox, in the order of arrival."""
        found = self._dovecot.messages(self.address)
        return [message_from_bytes(one, policy=default) for one in found]

    def wait_for(self, count: int) -> EmailMessage:
        """Waits until the mailbox has this many messages, and no more; returns the last one."""
        return self.wait_for_all(count)[-1]

    def wait_for_all(self, count: int) -> list[EmailMessage]:
        """Waits until the mailbox has this many messages, and no more; returns them."""
        until(lambda: len(self.mails()) >= count, ARRIVAL_SECONDS)
        assert len(self.mails()) == count, self.subjects
        return self.mails()

    @property
    def subjects(self) -> Sequence[str]:
        """Returns the subjects of what is in the mailbox."""
        return [str(mail["Subject"]) for mail in self.mails()]

    def write(self, to: str, subject: str, text: str, **fields: str) -> str:
        """Sends a message; `_` in the names of fields stands for `-`. Returns its Message-ID."""
        message = EmailMessage()
        message["From"] = f"{self.address.partition('@')[0].title()} <{self.address}>"
        message["To"], message["Subject"] = to, subject
        message["Message-ID"] = make_msgid(domain="lab.test")
        for name, value in fields.items():
            message[name.replace("_", "-")] = value
        message.set_content(text)
        with smtplib.SMTP("localhost", self._postfix.smtp_port) as client:
            client.starttls(context=self._context)
            client.login(self.address, PASSWORD)
            client.send_message(message)
        return str(message["Message-ID"])

    def reply(self, mail: EmailMessage, text: str) -> str:
        """Answers above the quoted text, as mail programs do; returns the Message-ID."""
        quoted = "".join(f"> {line}\n" for line in text_of(mail).splitlines())
        subject = str(mail["Subject"])
        return self.write(
            str(mail["Reply-To"] or mail["From"]),
            subject if subject.startswith("Re:") else f"Re: {subject}",
            f"{text}\n\nOn 30 Nov 2026, at 09:14, {mail['From']} wrote:\n\n{quoted}",
            In_Reply_To=str(mail["Message-ID"]),
            References=" ".join(filter(None, [mail["References"], mail["Message-ID"]])),
        )

    def follow(self, mailto: str) -> str:
        """Sends the message that a mail program makes of a mailto link; returns its Message-ID."""
        link = urlsplit(mailto)
        (subject,) = parse_qs(link.query).get("subject", [""])
        return self.write(unquote(link.path), subject, "")


def text_of(mail: EmailMessage) -> str:
    """Returns the plain text of a message."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())
