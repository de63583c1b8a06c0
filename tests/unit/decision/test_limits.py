"""What goes over a limit is quarantined, or is left out, and the reason says so."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import pytest

from postrail.configuration.models.limit import Limit, LimitName
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision import trace as traces
from postrail.decision.decide import decide
from postrail.decision.decision import AddComment, CreateIssue, Decision, Notice, Outcome
from postrail.decision.facts import Facts, PersonFact
from postrail.decision.loops.limits import Standing
from postrail.decision.release import Release
from postrail.message_parts import Address
from postrail.records import MailParsed
from tests.makers.configuration import mail_account
from tests.makers.records import AUTHSERV_ID, mail_parsed, verified
from tests.unit.decision.cases import HELP_1, SNAPSHOT, known

ANN = PersonFact(address="ada@example.org", name="Ada")
FORM = mail_parsed(
    sender=Address(name="", address="web@form.example"),
    reply_to=[Address(name="Bo", address="bo@example.org")],
)


def configured(*limits: Limit) -> ConfigurationSnapshot:
    """Returns the usual accounts, which trust a server, with these limits."""
    accounts = {
        name: mail_account(
            name,
            one.project,
            authserv_ids=[AUTHSERV_ID],
            reply_to_senders=["web@form.example"],
        )
        for name, one in SNAPSHOT.accounts.items()
    }
    by_name = {LimitName(limit.name): limit for limit in limits}
    return replace(SNAPSHOT, accounts=accounts, limits=by_name)


def counted(**counts: int) -> Facts:
    return Facts(counts=counts)


def busy(*standings: str, takes_part: bool = True) -> Facts:
    """Returns an issue that has as many messages of such senders as the limit allows."""
    facts = replace(known(HELP_1), busy=tuple((HELP_1.issue_id, one) for one in standings))
    return facts if takes_part else replace(facts, taking_part=())


def of_everything(number: int) -> dict[str, int]:
    return dict.fromkeys(LimitName, number)


# The message, what is known, and the limit that stops it, or "".
BRAKED: list[tuple[str, MailParsed, Facts, str]] = [
    ("first", mail_parsed(), Facts(), ""),
    ("twentieth", mail_parsed(), counted(sender_messages=19), ""),
    ("sender", mail_parsed(), counted(sender_messages=20), "sender_messages"),
    # Each way to write on an issue counts apart, so that forgers do not brake its people.
    ("conversation", mail_parsed(), busy("unproven"), "conversation_messages"),
    ("forgers", verified(mail_parsed()), busy("unproven", "outsider"), ""),
    ("outsiders", mail_parsed(), busy("outsider"), ""),
    ("proven ones", verified(mail_parsed()), busy("proven"), "conversation_messages"),
    ("outsider", mail_parsed(), busy("outsider", takes_part=False), "conversation_messages"),
    # Anybody may send automatic messages, without end.
    (
        "automatic outsider",
        mail_parsed(kind="auto_generated"),
        busy("outsider", takes_part=False),
        "conversation_messages",
    ),
    ("one outsider", mail_parsed(), busy("unproven", takes_part=False), ""),
    ("other issue", mail_parsed(), replace(known(HELP_1), busy=((99, "unproven"),)), ""),
    # It has the limit of a person, whatever machines may do.
    ("person", mail_parsed(), counted(machine_messages=1000), ""),
    # An automatic message is muted: it answers nobody, so only its number counts.
    (
        "automatic",
        mail_parsed(kind="auto_generated"),
        replace(
            busy("unproven", "proven", "outsider", "machine"),
            counts={"sender_messages": 999, "machine_messages": 999},
        ),
        "",
    ),
    (
        "machines of one issue",
        verified(mail_parsed(kind="auto_generated")),
        busy("machine"),
        "conversation_machines",
    ),
    (
        "forged alarms on one issue",
        mail_parsed(kind="auto_generated"),
        busy("unproven machine"),
        "conversation_machines",
    ),
    (
        "a proven machine beside forged alarms",
        verified(mail_parsed(kind="auto_generated")),
        busy("unproven machine"),
        "",
    ),
    ("people beside machines", mail_parsed(), busy("machine", "unproven machine"), ""),
    (
        "flood",
        mail_parsed(kind="auto_generated"),
        counted(machine_messages=1000),
        "machine_messages",
    ),
    # A machine that an operator names.
    (
        "named machine",
        mail_parsed(sender=Address(name="", address="ALARM@monitor.example")),
        counted(sender_messages=999, machine_messages=999),
        "",
    ),
    # A web form writes for many people, whom it names in Reply-To.
    ("form", FORM, counted(sender_messages=999), ""),
    ("flooded form", FORM, counted(machine_messages=1000), "machine_messages"),
    # A known person whose sender is proven.
    (
        "proven",
        verified(mail_parsed()),
        Facts(sender=ANN, counts={"sender_messages": 199, "proven_messages": 199}),
        "",
    ),
    (
        "proven too often",
        verified(mail_parsed()),
        Facts(sender=ANN, counts={"proven_messages": 200}),
        "proven_messages",
    ),
    # A known person whom anybody may claim to be.
    (
        "unproven",
        mail_parsed(),
        Facts(sender=ANN, counts={"sender_messages": 20}),
        "sender_messages",
    ),
    # A person whom a message has made is not more trusted by that.
    (
        "made by mail",
        verified(mail_parsed()),
        Facts(sender=replace(ANN, made_by_mail=True), counts={"sender_messages": 20}),
        "sender_messages",
    ),
    ("issues", mail_parsed(), counted(sender_issues=500), "sender_issues"),
    ("issues, not comments", mail_parsed(), counted(sender_comments=500), ""),
    (
        "issues of machines",
        mail_parsed(kind="auto_generated"),
        counted(sender_issues=500),
        "sender_issues",
    ),
    (
        "comments",
        mail_parsed(),
        replace(known(HELP_1), counts={"sender_comments": 500}),
        "sender_comments",
    ),
    (
        "comments, not issues",
        mail_parsed(),
        replace(known(HELP_1), counts={"sender_issues": 500}),
        "",
    ),
]
MACHINES = Limit(name=LimitName.MACHINE_MESSAGES, senders=["monitor.example"])


@pytest.mark.parametrize(
    ("mail", "facts", "limit"), [case[1:] for case in BRAKED], ids=[case[0] for case in BRAKED]
)
def test_a_message_over_a_limit_is_quarantined(mail: MailParsed, facts: Facts, limit: str) -> None:
    decision = decide(mail, configured(MACHINES), facts)
    if not limit:
        assert decision.outcome in (Outcome.ISSUE, Outcome.COMMENT)
        return
    assert (decision.outcome, decision.held_by) == (Outcome.QUARANTINED, "limits")
    assert f"limit {limit}: " in decision.reason
    # The people of the project are told, once an hour for each limit.
    (notice,) = decision.effects
    assert isinstance(notice, Notice)
    assert (notice.cause, notice.project) == (f"limit {limit}", "HELP")
    assert f"postrail mail release --all --reason {limit}\n" in notice.text
    assert decision.trace is not None
    stages = [(one.stage, one.outcome) for one in decision.trace.stages]
    assert stages[-1] == ("limits", "quarantined")


def test_the_reason_names_the_limit_its_unit_and_who_reached_it() -> None:
    decision = decide(mail_parsed(), SNAPSHOT, counted(sender_messages=20))
    limit = "limit sender_messages: 20 messages in 120 minutes"
    assert decision.reason == f"{limit}, which ada@example.org (not proven) has reached"
    proven = decide(verified(mail_parsed()), configured(), counted(sender_messages=20))
    assert proven.reason == f"{limit}, which ada@example.org has reached"


@pytest.mark.parametrize(
    ("address", "facts", "whose"),
    [
        (
            "ada@example.org",
            counted(sender_messages=20),
            "'which ada@example.org (not proven) has reached'",
        ),
        # As it is counted: one command for all of them.
        (
            "Ada+7@example.org",
            counted(sender_messages=20),
            "'which ada@example.org (not proven) has reached'",
        ),
        ("ada@example.org", busy("unproven"), "'which HELP-1 has reached'"),
        # What people paste into a shell holds nothing that it runs.
        (
            "$(halt)'`halt`@x",
            counted(sender_messages=20),
            "'which $(halt)'\"'\"'`halt`@x (not proven) has reached'",
        ),
    ],
)
def test_the_notice_says_how_to_release_those_of_one_sender_or_issue(
    address: str, facts: Facts, whose: str
) -> None:
    mail = mail_parsed(sender=Address(name="", address=address))
    (notice,) = decide(mail, SNAPSHOT, facts).effects
    assert isinstance(notice, Notice)
    assert f": postrail mail release --reason {whose}\n" in notice.text
    assert "--dry-run" in notice.text


@pytest.mark.parametrize("name", list(LimitName))
def test_an_operator_sets_each_limit_or_switches_it_off(name: LimitName) -> None:
    off = [Limit(name=one, value=0) for one in LimitName]
    everything = replace(busy(*Standing), counts=of_everything(10**6))
    assert decide(mail_parsed(), configured(*off), everything).outcome is Outcome.COMMENT
    if name not in ("sender_messages", "sender_comments"):
        return
    set_to_3 = [Limit(name=one, value=3 if one is name else 0) for one in LimitName]
    for number, outcome in ((2, Outcome.COMMENT), (3, Outcome.QUARANTINED)):
        facts = replace(known(HELP_1), counts={str(name): number})
        assert decide(mail_parsed(), configured(*set_to_3), facts).outcome is outcome


@pytest.mark.parametrize(
    ("mail", "facts", "standing"),
    [
        (mail_parsed(), known(HELP_1), "unproven"),
        (verified(mail_parsed()), known(HELP_1), "proven"),
        (mail_parsed(), replace(known(HELP_1), taking_part=()), "outsider"),
        (mail_parsed(kind="auto_reply"), known(HELP_1), "unproven machine"),
        (verified(mail_parsed(kind="auto_reply")), known(HELP_1), "machine"),
        (mail_parsed(kind="auto_reply"), replace(known(HELP_1), taking_part=()), "outsider"),
        (mail_parsed(), Facts(), "unproven"),
        # It has no effect.
        (mail_parsed(error="too deep"), Facts(), ""),
        (mail_parsed(), counted(sender_messages=20), ""),
    ],
)
def test_the_trace_says_as_whom_a_sender_counts(
    mail: MailParsed, facts: Facts, standing: str
) -> None:
    decision = decide(mail, configured(), facts)
    assert decision.trace is not None
    assert decision.trace.standing == standing
    assert traces.from_json(traces.to_json(decision.trace)) == decision.trace


def test_a_released_message_is_not_braked_again() -> None:
    release = Release(skips=("limits",))
    facts = Facts(counts=of_everything(10**6), release=release)
    assert decide(mail_parsed(), SNAPSHOT, facts).outcome is Outcome.ISSUE
    other = replace(facts, release=Release(skips=("blocked",)))
    assert decide(mail_parsed(), SNAPSHOT, other).outcome is Outcome.QUARANTINED


def test_what_has_no_effect_is_not_braked() -> None:
    mail = mail_parsed(error="too deep")
    assert decide(mail, SNAPSHOT, Facts(counts=of_everything(10**6))).outcome is Outcome.FAILED


def issue_of(decision: Decision) -> CreateIssue:
    (effect,) = (one for one in decision.effects if isinstance(one, CreateIssue))
    return effect


@pytest.mark.parametrize(
    ("counts", "confirmed"),
    [
        ({}, True),
        ({"address_answers": 1}, False),
        ({"address_answers_daily": 19}, True),
        ({"address_answers_daily": 20}, False),
    ],
)
def test_an_author_gets_one_confirmation_in_ten_minutes(
    counts: dict[str, int], *, confirmed: bool
) -> None:
    decision = decide(mail_parsed(), SNAPSHOT, Facts(counts=counts))
    assert issue_of(decision).confirmed is confirmed
    assert ("not answered: limit address_answers" in decision.reason) is not confirmed


@pytest.mark.parametrize(
    ("facts", "changes", "added"),
    [
        (known(HELP_1), {}, True),
        (replace(known(HELP_1), crowded=(HELP_1.issue_id,)), {}, False),
        (replace(known(HELP_1), crowded=(HELP_1.issue_id + 1,)), {}, True),
        # Nobody would be added anyway.
        (replace(known(HELP_1), crowded=(HELP_1.issue_id,)), {"kind": "auto_reply"}, True),
        (replace(known(HELP_1), crowded=(HELP_1.issue_id,), taking_part=()), {}, True),
    ],
)
def test_an_issue_with_too_many_watchers_gets_no_more_by_mail(
    facts: Facts, changes: dict[str, Any], *, added: bool
) -> None:
    decision = decide(mail_parsed(**changes), SNAPSHOT, facts)
    (effect,) = decision.effects
    assert isinstance(effect, AddComment)
    assert effect.adds_watchers is added
    assert (
        "nobody is added as a watcher: limit issue_watchers: 200" in decision.reason
    ) is not added


def test_our_own_message_is_ignored_before_anything_else() -> None:
    facts = dataclasses.replace(known(HELP_1), own_message="X-Postrail-Message")
    decision = decide(mail_parsed(), SNAPSHOT, facts)
    assert (decision.outcome, decision.held_by) == (Outcome.IGNORED, "")
    assert decision.effects == ()
    assert "its field X-Postrail-Message shows" in decision.reason
