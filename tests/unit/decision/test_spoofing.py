"""What a message may do that names an agent as its sender: through the real parser and decision.

Boss is an agent of the project, and takes no part in HELP-1; the table is in docs/mail-handlers.md.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.decide import decide
from postrail.decision.decision import AddComment, Decision
from postrail.decision.facts import Facts, IssueRef, NamedIssue, PersonFact
from tests.makers.configuration import snapshot
from tests.makers.parsing import made

BOSS = PersonFact(address="boss@desk.example", name="Boss")
ACCOUNT = MailAccount(
    name="support",
    host="imap.desk.example",
    username="support",
    password="env:POSTRAIL_SECRET_X",
    address="help@desk.example",
    project="HELP",
    authserv_ids=["mx.desk.example"],
)
HELP_1 = IssueRef(issue_id=1, issue_key="HELP-1", project="HELP")
OURS = "Authentication-Results: mx.desk.example;"
PASSED = f"{OURS} dmarc=pass header.from=desk.example"
FAILED = f"{OURS} dmarc=fail header.from=desk.example"
FOREIGN = "Authentication-Results: mx.evil.example; dmarc=pass header.from=desk.example"
OF_MALLORY = f"{OURS} dmarc=pass header.from=evil.example"
RECEIVED = "Received: from out.evil.example by mx.desk.example with ESMTP; Mon, 30 Nov 2026"
RELAYED = "Received: from evil by relay.example with ESMTP; Mon, 30 Nov 2026"
FROM = "From: Boss <boss@desk.example>"
MALLORY = "mallory@evil.example"

# What is in the header; the verdict; what its answer becomes; what a key alone makes of it; whether
# its field command is obeyed; whether its sender watches HELP-1 then.
Row = tuple[str, list[str], str, str, str, bool, bool]
OUTSIDER = "waits to be accepted"
ROWS: list[Row] = [
    ("proven by our server", [PASSED, RECEIVED, FROM], "pass", "comment", "comment", True, True),
    ("nothing", [RECEIVED, FROM], "none", OUTSIDER, "new issue", False, False),
    (
        "a field with a foreign authserv-id",
        [RECEIVED, FOREIGN, FROM],
        "none",
        OUTSIDER,
        "new issue",
        False,
        False,
    ),
    (
        "several fields, ours says fail",
        [FAILED, RECEIVED, FOREIGN, FROM],
        "fail",
        "quarantined",
        "quarantined",
        False,
        False,
    ),
    (
        "a forged field of ours at the top, below it our own",
        [RECEIVED, PASSED, FAILED, FROM],
        "fail",
        "quarantined",
        "quarantined",
        False,
        False,
    ),
    (
        "a forged field of ours below a stranger's Received",
        [RECEIVED, RELAYED, PASSED, FROM],
        "none",
        OUTSIDER,
        "new issue",
        False,
        False,
    ),
    ("DMARC fails", [FAILED, RECEIVED, FROM], "fail", "quarantined", "quarantined", False, False),
    (
        "ARC passes, DMARC fails",
        [f"{OURS} arc=pass; dmarc=fail header.from=desk.example", RECEIVED, FROM],
        "fail",
        "quarantined",
        "quarantined",
        False,
        False,
    ),
    (
        "DKIM of another domain",
        [f"{OURS} dkim=pass header.d=evil.example", RECEIVED, FROM],
        "none",
        OUTSIDER,
        "new issue",
        False,
        False,
    ),
    (
        "a display name that looks like an address",
        [OF_MALLORY, RECEIVED, f'From: "boss@desk.example" <{MALLORY}>'],
        "pass",
        OUTSIDER,
        "new issue",
        False,
        False,
    ),
    (
        "two From fields",
        [PASSED, RECEIVED, FROM, f"From: {MALLORY}"],
        "none",
        OUTSIDER,
        "new issue",
        False,
        False,
    ),
    (
        "two addresses in From",
        [PASSED, RECEIVED, f"{FROM}, {MALLORY}"],
        "none",
        OUTSIDER,
        "new issue",
        False,
        False,
    ),
    (
        "a comment in From that hides an address",
        [PASSED, RECEIVED, f"From: ({MALLORY}) boss@desk.example"],
        "none",
        OUTSIDER,
        "new issue",
        False,
        False,
    ),
    (
        "the field Sender only",
        [PASSED, RECEIVED, "Sender: boss@desk.example"],
        "none",
        OUTSIDER,
        "new issue",
        False,
        False,
    ),
    (
        "Reply-To",
        [OF_MALLORY, RECEIVED, f"From: {MALLORY}", "Reply-To: boss@desk.example"],
        "pass",
        OUTSIDER,
        "new issue",
        False,
        False,
    ),
    (
        "control fields of ours",
        [RECEIVED, FROM, "X-Postrail-Issue: HELP-1", "X-Postrail-Verified: yes"],
        "none",
        OUTSIDER,
        "new issue",
        False,
        False,
    ),
]


def decided(header: list[str], *, answer: bool) -> Decision:
    subject = "Re: fire" if answer else "HELP-1"
    lines = [*header, f"Subject: {subject}", "Message-ID: <new@evil.example>"]
    lines += ["In-Reply-To: <known@desk.example>"] if answer else []
    mail = made("\n".join([*lines, "", "#priority high", "Pay me."]).encode()).record
    # Facts are about the address that the parser takes for the sender's.
    is_boss = mail.sender is not None and mail.sender.address == BOSS.address
    facts = Facts(
        conversation_issues=(HELP_1,) if answer else (),
        named_issues=() if answer else (NamedIssue(issue=HELP_1),),
        sender=BOSS if is_boss else None,
        insider_in=(1,) if is_boss else (),
    )
    configured = replace(
        snapshot(),
        accounts={"support": ACCOUNT},
        handlers=(MailHandler(name="all", field_commands=["priority"]),),
    )
    return decide(mail, configured, facts)


def outcome_of(decision: Decision) -> str:
    for effect in decision.effects:
        if isinstance(effect, AddComment):
            return OUTSIDER if effect.outsider else "comment"
    return "new issue" if decision.effects else decision.outcome


@pytest.mark.parametrize(
    ("header", "verdict", "answer", "key", "command", "watches"),
    [row[1:] for row in ROWS],
    ids=[row[0] for row in ROWS],
)
def test_what_a_message_may_do(
    header: list[str], verdict: str, answer: str, key: str, command: bool, watches: bool
) -> None:
    answered, named = decided(header, answer=True), decided(header, answer=False)
    assert answered.trace is not None
    assert answered.trace.verdict == verdict
    assert (outcome_of(answered), outcome_of(named)) == (answer, key)
    both = [one for one in (*answered.effects, *named.effects) if isinstance(one, AddComment)]
    assert any(one.commands for one in both) is command
    # Who writes as one of the people watches; an outsider does not (effects.add_comment).
    assert any(not one.outsider for one in both) is watches
