"""Effects to apply, for tests."""

from __future__ import annotations

from typing import Any

from postrail.decision.facts import IssueRef
from postrail.effects.batch import Work
from postrail.incoming.queue import DueMail
from postrail.records import MailParsed

CONVERSATION = "11111111-1111-1111-1111-111111111111"
HELP_1 = IssueRef(issue_id=1, issue_key="HELP-1", project="HELP")


def work(effect: Any, mail: MailParsed) -> Work[Any]:
    """Returns the effect of a message that was never handled before."""
    due = DueMail(mail=mail, conversation=CONVERSATION, queue=CONVERSATION, attempts=0, revision=0)
    return Work(due, effect)
