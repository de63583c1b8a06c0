"""An installation that asks for approvals, with the people who are asked and their mail programs.

Requests go by SMTP to the test's sink, whose messages a courier puts into the mailboxes of a real
Dovecot, as the organization's mail server would. Answers are put into the mailbox of the
installation there, with what that server states about their senders.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from typing import Any

from tests.acceptance.approvals.mail_programs import Program, answer
from tests.acceptance.handlers.desk import Desk

ADDRESS = "approvals@lab.test"
MAILBOX = ADDRESS
AUTHSERV_ID = "mx.lab.test"
SETUP = "deploy"
ADA, BEN, CLEO = "ada@lab.test", "ben@lab.test", "cleo@lab.test"
DORA = "dora@lab.test"
REQUESTER = "release@lab.test"
WAIT_SECONDS = 60.0

CONNECTION = f"""
connections:
  - {{name: outgoing, host: 127.0.0.1, port: SMTP_PORT, encryption: none,
     from_address: {ADDRESS}, from_name: Release office, is_default: true, mails_per_minute: 0}}
projects:
  - {{key: REL, name: Releases}}
people:
  - {{address: {ADA}, name: Ada Byron}}
  - {{address: {BEN}, name: Ben}}
  - {{address: {CLEO}, name: Cleo}}
  - {{address: {DORA}, name: Dora}}
limits:
  - {{name: address_answers, value: 1000}}
"""
ACCOUNT = f"""
accounts:
  - name: approvals
    purpose: approvals
    host: 127.0.0.1
    port: IMAP_PORT
    encryption: none
    username: {MAILBOX}
    password: secret
    address: {ADDRESS}
    project: REL
    plus_addresses: true
    authserv_ids: [{AUTHSERV_ID}]
    poll_seconds: 1
"""
APPROVALS = f"""
approvals:
  - name: {SETUP}
    enabled: true
    account: approvals
    callback_secret: callback-s3cret
    callback_hosts: [127.0.0.1, localhost]
"""


@dataclass(frozen=True)
class Asked:
    """A request, as the system that asked knows it."""

    key: str
    request_id: str


class Office:
    """Asks for approvals by commands, reads the approvers' mail by IMAP, and answers it."""

    def __init__(self, desk: Desk, **values: object) -> None:
        """Makes an office; `values` are those that words of its configuration stand for."""
        self._values = values
        self.desk = desk
        self.pipeline = desk.pipeline
        self._delivered = 0
        # The folder in which answers arrive.
        self.folder = "INBOX"
        # What the subjects of a request's messages begin with, by its key.
        self._marks: dict[str, str] = {}
        # Messages that have arrived there.
        self.received = 0

    def apply(self, configuration: str = CONNECTION + ACCOUNT + APPROVALS) -> None:
        """Applies a file, as `Desk.apply`."""
        self.desk.apply(configuration, **self._values)

    def ask(self, subject: str, *approvers: str, **options: str | Sequence[str]) -> Asked:
        """Makes a request; `_` in the names of options stands for `-`, and some are given often."""
        given = {"approver": approvers or (ADA,), "requester": REQUESTER, **options}
        arguments = [
            part
            for name, value in given.items()
            for one in ([value] if isinstance(value, str) else value)
            for part in (f"--{name.replace('_', '-')}", one)
        ]
        made = self.desk.asked("approvals", "request", SETUP, subject, *arguments)
        self._marks[made["key"]] = f"[{options.get('issue', made['key'])}]"
        return Asked(key=made["key"], request_id=made["request_id"])

    def show(self, key: str) -> dict[str, Any]:
        """Returns the request as the system that asked polls it, with its ledger."""
        return dict(self.desk.asked("approvals", "show", key, "--ledger"))

    def state(self, key: str) -> tuple[str, str]:
        """Returns the state of the request and its choice."""
        shown = self.show(key)
        return shown["state"], shown["choice"]

    def events(self, key: str) -> Counter[str]:
        """Counts the events of the request, by kind."""
        return Counter(one["kind"] for one in self.show(key)["ledger"])

    def refused(self, key: str) -> list[tuple[str, bool]]:
        """Returns why answers were refused, in their order, each with whether its author was told.

        The reasons are those of RefusedWhy.
        """
        return self.pipeline.rows(
            "SELECT details::json->>'why', answered FROM approval_event JOIN approval_request"
            " USING (request_id) WHERE kind = 'refused' AND number = %s ORDER BY event_id",
            [int(key.removeprefix("A-"))],
        )

    def mails(self, person: str) -> list[EmailMessage]:
        """Returns the messages in the person's mailbox, read by IMAP, in the order of arrival."""
        self._deliver()
        return [
            message_from_bytes(one, policy=default)
            for one in self.pipeline.dovecot.messages(person)
        ]

    def _deliver(self) -> None:
        """Puts what was sent since into the mailboxes of its recipients."""
        sent = self.pipeline.sent()
        for mail in sent[self._delivered :]:
            for recipient in mail.recipients:
                self.pipeline.dovecot.deliver(recipient, mail.content, sender=ADDRESS)
        self._delivered = len(sent)

    def request_to(self, person: str, key: str) -> EmailMessage:
        """Waits for the message that asks the person about the request; returns it."""
        found: list[EmailMessage] = []

        def has_come() -> bool:
            found[:] = self.about(person, key)
            return bool(found)

        self.pipeline.wait_until(has_come, WAIT_SECONDS, f"{person} is asked about {key}")
        return found[0]

    def about(self, person: str, key: str) -> list[EmailMessage]:
        """Returns all that the person was sent about the request, in the order of arrival."""
        return [one for one in self.mails(person) if self._marks[key] in str(one["Subject"])]

    def put(self, message: EmailMessage | bytes, *, passes: bool | None = True) -> None:
        """Puts a message into the installation's mailbox, with the server's result of DMARC.

        With None the server has found nothing out.
        """
        content = message if isinstance(message, bytes) else message.as_bytes(policy=SMTP)
        self._arrive(stated(content, passes) + content)
        self.received += 1

    def _arrive(self, content: bytes) -> None:
        self.pipeline.dovecot.append(MAILBOX, content, self.folder)

    def answer(
        self,
        person: str,
        key: str,
        text: str,
        program: Program | None = None,
        *,
        passes: bool | None = True,
    ) -> None:
        """Lets the person answer the request's message by mail."""
        self.put(answer(self.request_to(person, key), person, text, program), passes=passes)

    def settle(self) -> None:
        """Waits until all that came is handled and all that follows is sent."""
        self.pipeline.wait_until_settled(mails=self.received, seconds=WAIT_SECONDS)

    def wait_for_state(self, key: str, *states: str) -> None:
        """Waits until the request is in one of the states."""
        self.pipeline.wait_until(
            lambda: self.state(key)[0] in states, WAIT_SECONDS, f"{key} is {' or '.join(states)}"
        )

    def pass_deadline(self, key: str) -> None:
        """Waits until the deadline of the request is over, and the mailbox was read after it."""
        number = int(key.removeprefix("A-"))
        is_over = "SELECT deadline < clock_timestamp() FROM approval_request WHERE number = %s"
        self.pipeline.wait_until(
            lambda: self.pipeline.value(is_over, [number]), WAIT_SECONDS, f"the deadline of {key}"
        )
        # A fetcher notes its first poll at once, and others after a minute.
        fetcher = self.pipeline.replica("fetcher")
        assert fetcher.stop() in (0, -signal.SIGTERM)
        fetcher.start()

    def require_whole_ledger(self) -> None:
        """Checks the chain of the ledger, and the decisions that it proves."""
        assert self.desk.asked("approvals", "verify")["broken"] == []

    def outcomes(self) -> Counter[str]:
        """Counts the outcomes of all messages."""
        return Counter(one for (one,) in self.pipeline.rows("SELECT outcome FROM incoming_mail"))


def stated(content: bytes, passes: bool | None) -> bytes:
    """Returns the field in which the organization's mail server says who sent the message."""
    if passes is None:
        return b""
    sender = message_from_bytes(content, policy=default)["From"].addresses[0]
    result = "pass" if passes else "fail"
    field = f"Authentication-Results: {AUTHSERV_ID}; dmarc={result} header.from={sender.domain}"
    return f"{field}\r\n".encode()
