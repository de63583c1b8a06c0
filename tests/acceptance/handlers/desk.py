"""A running installation as its operator uses it: a file applied, mail sent, commands asked."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import Message
from email.policy import SMTP
from pathlib import Path
from typing import Any

from tests.makers.commands import Postrail, answer
from tests.processes.pipeline import Pipeline

# The name under which the desk's own mail server states who sent a message.
AUTHSERV_ID = "mx.desk.test"


class Desk:
    """Applies a configuration, puts messages into mailboxes, and reads what came of them."""

    def __init__(self, pipeline: Pipeline, postrail: Postrail, folder: Path) -> None:
        self.pipeline = pipeline
        self.postrail = postrail
        self._folder = folder
        self._received = 0

    def apply(self, configuration: str, **values: object) -> None:
        """Applies a file in which words stand for values, such as IMAP_PORT and SMTP_PORT."""
        file = self._folder / "scenario.yaml"
        for word, value in (values or self._ports()).items():
            configuration = configuration.replace(word, str(value))
        file.write_text(configuration)
        self.run("apply", "--file", str(file))

    def _ports(self) -> dict[str, int]:
        return {
            "IMAP_PORT": self.pipeline.dovecot.imap_port,
            "SMTP_PORT": self.pipeline.sink_port,
        }

    def run(self, *arguments: str) -> str:
        """Runs a command, which has to succeed; returns its output."""
        code, output, errors = self.postrail(*arguments)
        assert code == 0, output + errors
        return output

    def asked(self, *arguments: str) -> Any:
        """Returns the JSON that a command prints."""
        return answer(self.postrail, *arguments)

    def receive(self, mailbox: str, *mails: bytes) -> None:
        """Puts messages into a mailbox, one by one, and waits until all work is done."""
        for mail in mails:
            self.pipeline.dovecot.append(mailbox, mail)
            self._received += 1
            self.pipeline.wait_until_settled(mails=self._received)

    def mail(self, subject: str) -> dict[str, Any]:
        """Returns the only message with this subject, as `mail list` prints it."""
        found = [one for one in self.asked("mail", "list") if one["subject"] == subject]
        assert len(found) == 1, found
        return dict(found[0])

    def outcome(self, subject: str) -> tuple[str, str | None]:
        """Returns the outcome of the message with this subject, and the key of its issue."""
        mail = self.mail(subject)
        return mail["outcome"], mail["issue_key"]

    def wait_for_outcome(self, subject: str, outcome: str) -> None:
        """Waits until the message with this subject has the outcome, as after a release."""
        self.pipeline.wait_until(
            lambda: self.mail(subject)["outcome"] == outcome, 60, f"{subject} is {outcome}"
        )

    def issue(self, key: str) -> dict[str, Any]:
        """Returns the issue as `issues show` prints it."""
        return dict(self.asked("issues", "show", key))

    def comments(self, key: str) -> list[str]:
        """Returns the texts of the issue's comments, in their order."""
        return [one["body"].strip() for one in self.issue(key)["comments"]]

    def sent_to(self, recipient: str) -> Sequence[str]:
        """Returns the subjects of what was sent to an address, in the order of sending."""
        sent = [mail for mail in self.pipeline.sent() if recipient in mail.recipients]
        return [str(mail.message["Subject"]) for mail in sent]


def account(name: str, project: str, *, domain: str = "desk.test", **more: str) -> str:
    """Returns the lines of a file for a mailbox of the test's server, and its further fields."""
    fields = {
        "host": "127.0.0.1",
        "port": "IMAP_PORT",
        "encryption": "none",
        "username": name,
        "password": "secret",
        "address": f"{name}@{domain}",
        "project": project,
        **more,
    }
    return f"\n  - name: {name}" + "".join(f"\n    {one}: {fields[one]}" for one in fields)


def with_fields(mail: bytes, **fields: str) -> bytes:
    """Returns the message with further header fields on top; `_` in their names stands for `-`."""
    added = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return added.encode() + mail


def verified(mail: bytes, domain: str) -> bytes:
    """Returns the message as the desk's mail server leaves it when DMARC passes."""
    stated = f"{AUTHSERV_ID}; dmarc=pass header.from={domain}"
    return with_fields(mail, Authentication_Results=stated)


def attached(message: Message) -> bytes:
    """Returns the bytes of the message that is attached to a message of ours."""
    [part] = [one for one in message.walk() if one.get_content_type() == "message/rfc822"]
    original = part.get_payload(0)
    assert isinstance(original, Message)
    return original.as_bytes(policy=SMTP)
