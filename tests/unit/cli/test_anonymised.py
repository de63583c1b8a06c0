"""Each mail of tests/mails takes the same way with other words, through rules of many kinds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from postrail.decision.decide import decide
from postrail.decision.facts import Facts
from postrail.decision.way import way_of
from postrail.errors import PermanentError
from postrail.operate.explain import Explained
from postrail.records import MailParsed
from services.cli.commands.mail.anonymised import anonymised
from tests.makers.parsing import INLINE_MAX_BYTES, made
from tests.unit.decision.test_again import MAILS, SNAPSHOT

# Their texts are in containers that are replaced as a whole; or hardly anything in them is a word.
REFUSED = {
    "rubbish-in-headers",
    "smime-bounce",
    "smime-vacation",
    "winmail-meeting",
    "winmail-meeting-accepted",
}


@pytest.mark.parametrize("file", MAILS, ids=lambda path: path.stem)
def test_a_message_takes_the_same_way_with_other_words(file: Path) -> None:
    raw = file.read_bytes()
    record: MailParsed = replace(made(raw).record, mailbox="support")
    decision = decide(record, SNAPSHOT, Facts())
    again = Explained(mail=record, decision=decision)
    if file.stem in REFUSED:
        with pytest.raises(PermanentError, match="takes another way: "):
            anonymised(raw, again, SNAPSHOT, b"key", INLINE_MAX_BYTES)
        return
    found = anonymised(raw, again, SNAPSHOT, b"key", INLINE_MAX_BYTES)
    assert found.expectation.expected == way_of(decision)
