"""Odd messages have their stated outcomes, and do not delay the ordinary ones around them."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest

from postrail.records import MailParsed
from postrail.stream import avro
from postrail.stream.topics import MAIL_DEAD
from tests.processes.faulty.failing_parser import FAULT, FIELD
from tests.processes.pipeline import Inbox, Pipeline, letter
from tests.servers.dovecot import Dovecot

pytestmark = [pytest.mark.debian, pytest.mark.timeout(240)]

# An ordinary message is handled within this time of its arrival, next to any odd message.
PROMPT_SECONDS = 10
ARCHIVE_DAYS = 30
MIB = 1024 * 1024


def nested(depth: int) -> bytes:
    """Returns a message whose parts nest far deeper than real messages do."""
    opened = "".join(
        f'Content-Type: multipart/mixed; boundary="b{level}"\r\n\r\n--b{level}\r\n'
        for level in range(depth)
    )
    head = "From: eve@customer.test\r\nSubject: Parts in parts\r\nMessage-ID: <nested@c.test>\r\n"
    return (head + opened + "\r\nthe core\r\n").encode()


def with_attachment(content: bytes) -> bytes:
    """Returns a message with one file attached."""
    encoded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    head = (
        "From: Big <big@customer.test>\r\nSubject: The plans\r\nMessage-ID: <big@c.test>\r\n"
        "Date: Mon, 05 Jan 2026 08:00:00 +0000\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="cut"\r\n\r\n'
        "--cut\r\nContent-Type: text/plain\r\n\r\nHere they are.\r\n"
        "--cut\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
        'Content-Disposition: attachment; filename="plans.pdf"\r\n\r\n'
    )
    return head.encode() + encoded + b"--cut--\r\n"


PLANS = random.Random(7).randbytes(22 * MIB)
NESTED = nested(5000)
UNPARSABLE = FIELD + b"\r\n" + letter("It breaks", message_id="<breaks@c.test>")
LARGE = with_attachment(PLANS)
NO_ID = letter("The nightly alarm", sender="machine@customer.test")
TWIN = letter("Twice in one mailbox", message_id="<twin@c.test>")
BOTH = letter("To both of you", message_id="<both@c.test>", to="support@desk.test, sales@desk.test")
BLANK = b"\r\n"
NO_WORDS = letter(None, sender="silent@customer.test", message_id="<silent@c.test>", text="")
RUBBISH = (
    b"From: \xff\xfe\x80 Caf\xe9 <rubbish@customer.test>\r\n"
    b"To: \x81\x82@\x83, support@desk.test\r\n"
    b"Subject: \xc3\x28 caf\xe9 =?utf-8?q?nul=00byte?= =?no-such?b?####?= \xf0\x9f\r\n"
    b"Message-ID: <rub\xe9bish@c.test>\r\nX-\xe4\xf6: \x01\x02\r\nDate: \xa0 never\r\n"
    b"Content-Type: text/plain; charset=\xfe\xff\r\n\r\nbody \x00\xff\xfe\r\n"
)
REPLY = letter(
    "Re: The original",
    sender="bob@customer.test",
    message_id="<reply@c.test>",
    in_reply_to="<original@c.test>",
    references=["<original@c.test>"],
    text="I agree.\r\n",
)
ORIGINAL = letter(
    "The original",
    message_id="<original@c.test>",
    # It goes to him who answered it: only so is the id that he named this message's.
    to="bob@customer.test, support@desk.test",
    text="What do you think?\r\n",
)


def ordinary(number: int) -> bytes:
    """Returns an ordinary message."""
    return letter(f"Ordinary {number}", message_id=f"<ordinary-{number}@c.test>")


# The messages of each mailbox, in this order.
SUPPORT = [
    ordinary(1),
    NESTED,
    UNPARSABLE,
    ordinary(2),
    LARGE,
    ordinary(3),
    NO_ID,
    TWIN,
    TWIN,
    ordinary(4),
    BOTH,
    BLANK,
    NO_WORDS,
    RUBBISH,
    REPLY,
    ORIGINAL,
    ordinary(5),
]
SALES = [ordinary(6), BOTH, ordinary(7)]
MAILS = len(SUPPORT) + len(SALES)


@pytest.fixture
def pipeline(own_folder: Path, environment: dict[str, str], dovecot: Dovecot) -> Iterator[Pipeline]:
    archived = {**environment, "POSTRAIL_BLOBS__ARCHIVE_DAYS": str(ARCHIVE_DAYS)}
    with Pipeline(own_folder, archived, dovecot) as pipeline:
        pipeline.configure([Inbox(name="support"), Inbox(name="sales")])
        yield pipeline
        pipeline.show_logs()


def test_odd_messages_have_their_stated_outcomes_and_delay_no_others(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    pipeline.start_as("parser", ["-m", "tests.processes.faulty.failing_parser"])
    pipeline.start()
    # The pipeline runs before the odd messages arrive, so that only their delay is measured.
    pipeline.dovecot.append("sales", ordinary(0))
    pipeline.wait_until_settled(mails=1)
    pipeline.dovecot.fill("support", SUPPORT)
    pipeline.dovecot.fill("sales", SALES)
    pipeline.wait_until_settled(mails=MAILS + 1, seconds=150)
    found = Found(pipeline)

    found.require_ordinary_mails_were_prompt(8)
    found.require_unparsable_failed_with_its_bytes(UNPARSABLE)
    found.require_attachment("Parts in parts", "whole-mail.eml", NESTED)
    found.require_attachment("The plans", "plans.pdf", PLANS)
    found.require_one("The nightly alarm", ["issue"])
    found.require_one("Twice in one mailbox", ["issue", "duplicate"])
    found.require_one("To both of you", ["issue", "noted"])
    assert found.addresses("To both of you") == ["sales@desk.test", "support@desk.test"]
    assert found.outcomes_of_sender("silent@customer.test") == [("issue", "(no subject)")]
    assert found.outcomes_of_sender("") == [("issue", "(no subject)")]
    [(outcome, summary)] = found.outcomes_of_sender("rubbish@customer.test")
    assert outcome == "issue"
    assert "caf" in summary
    assert "\x00" not in summary
    found.require_joined("Re: The original", "The original")

    assert pipeline.unaccounted() == 0
    assert pipeline.records(MAIL_DEAD) == 0
    assert pipeline.seen("support") == (len(SUPPORT), len(SUPPORT))
    require_archived(pipeline, tmp_path / "blobs" / "archive")


class Found:
    """The rows of this test's messages, and what they must hold."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def require_ordinary_mails_were_prompt(self, count: int) -> None:
        """Checks that each became an issue soon after its arrival, between the odd ones."""
        found = self._pipeline.rows(
            "SELECT subject, outcome, extract(epoch FROM handled_at - fetched_at)"
            " FROM incoming_mail WHERE subject LIKE 'Ordinary %%'"
        )
        assert len(found) == count
        print("seconds from fetch to issue:", {name: f"{late:.2f}" for name, _, late in found})
        assert {outcome for _, outcome, _ in found} == {"issue"}
        assert max(float(late) for _, _, late in found) < PROMPT_SECONDS
        told = {mail.message["Subject"] for mail in self._pipeline.sent()}
        issues = self._pipeline.rows("SELECT issue_key FROM issue WHERE summary LIKE 'Ordinary %%'")
        # Nobody states who sent them, so the confirmations repeat no word of theirs.
        assert {f"[{key}] We received your message" for (key,) in issues} <= told

    def require_unparsable_failed_with_its_bytes(self, content: bytes) -> None:
        """Checks that it failed with the reason, and that all its bytes are still available."""
        [(state, reason, parsed)] = self._pipeline.rows(
            "SELECT state, reason, parsed FROM incoming_mail WHERE subject = 'It breaks'"
        )
        assert state == "failed"
        assert FAULT in reason
        record = avro.decode_as(MailParsed, parsed)
        kept = self._blob(record.raw_blob.sha256) if record.raw_blob else record.raw
        assert kept == content

    def _blob(self, sha256: str) -> bytes:
        folder = Path(self._pipeline.settings.blobs.url.removeprefix("file://"))
        return (folder / "blobs" / sha256[:2] / sha256).read_bytes()

    def require_attachment(self, summary: str, name: str, content: bytes) -> None:
        """Checks that the issue has the file as it was sent."""
        [(found_name, size, sha256)] = self._pipeline.rows(
            "SELECT name, size, sha256 FROM attachment JOIN issue USING (issue_key)"
            " WHERE summary = %s",
            [summary],
        )
        assert (found_name, size) == (name, len(content))
        assert sha256 == hashlib.sha256(content).hexdigest()
        assert self._blob(sha256) == content

    def require_one(self, summary: str, outcomes: list[str]) -> None:
        """Checks that the messages with this subject belong to one issue."""
        found = self._pipeline.rows(
            "SELECT outcome, issue_key FROM incoming_mail WHERE subject = %s ORDER BY arrival",
            [summary],
        )
        assert sorted(outcome for outcome, _ in found) == sorted(outcomes)
        assert len({key for _, key in found}) == 1
        issues = self._pipeline.value("SELECT count(*) FROM issue WHERE summary = %s", [summary])
        assert issues == 1

    def addresses(self, summary: str) -> list[str]:
        """Returns the watched addresses at which the issue's messages arrived."""
        found = self._pipeline.rows(
            "SELECT address FROM issue_address JOIN issue_index USING (issue_id) WHERE summary = %s"
            " ORDER BY address",
            [summary],
        )
        return [address for (address,) in found]

    def outcomes_of_sender(self, sender: str) -> list[tuple[str, str]]:
        """Returns outcome and summary of each message of the sender."""
        found = self._pipeline.rows(
            "SELECT outcome, summary FROM incoming_mail JOIN issue USING (issue_key)"
            " WHERE sender = %s",
            [sender],
        )
        return [(outcome, summary) for outcome, summary in found]

    def require_joined(self, first: str, second: str) -> None:
        """Checks that the first made the issue, and that the second is a comment on it."""
        found = dict(
            self._pipeline.rows(
                "SELECT subject, (outcome, issue_key) FROM incoming_mail WHERE subject = ANY(%s)",
                [[first, second]],
            )
        )
        (made, key), (added, same) = found[first], found[second]
        assert (made, added) == ("issue", "comment")
        assert key == same


def require_archived(pipeline: Pipeline, archive: Path) -> None:
    """Checks that each raw message is archived under its day and mailbox."""
    rows = pipeline.rows("SELECT mail_id::text, mailbox, fetched_at FROM incoming_mail")
    assert len(rows) == MAILS + 1
    kept: dict[str, list[bytes]] = {"support": [], "sales": []}
    for mail_id, mailbox, fetched_at in rows:
        day = cast("datetime", fetched_at).date().isoformat()
        kept[mailbox].append((archive / day / mailbox / f"{mail_id}.eml").read_bytes())
    assert sorted(kept["support"]) == sorted(pipeline.dovecot.messages("support"))
    assert sorted(kept["sales"]) == sorted(pipeline.dovecot.messages("sales"))
