"""The same message in several mailboxes has one result, in whatever order its copies arrive."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.decide import decide
from postrail.decision.decision import AddComment, CreateIssue, Decision, NoteAddress, Outcome
from postrail.decision.facts import EarlierMail, Facts, IssueRef, NamedIssue
from postrail.message_parts import Address
from postrail.records import MailParsed
from tests.makers.configuration import mail_account, snapshot
from tests.makers.records import AUTHSERV_ID, mail_parsed, verified

ACCOUNTS = ("anna", "bert", "cleo")
IGNORE = {"enabled": False}
HOLD = {"then": [{"quarantine": "odd"}]}
COMMENTS_ONLY = {"kind": "comment"}
TO_SALES = {"project": "SALE", "labels": ["routed"]}
OLD = IssueRef(issue_id=1, issue_key="HELP-1", project="HELP")

# An issue with its project, its labels, and the addresses at which it arrived.
Issue = tuple[str, tuple[str, ...], frozenset[str]]


@dataclass
class Desk:
    """What the copies have made so far."""

    snapshot: ConfigurationSnapshot
    conversation: list[IssueRef] = field(default_factory=list)
    earlier: list[EarlierMail] = field(default_factory=list)
    labels: dict[int, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    addresses: dict[int, set[str]] = field(default_factory=dict)
    comments: list[int] = field(default_factory=list)
    held: set[str] = field(default_factory=set)

    def arrive(self, mail: MailParsed) -> None:
        """Handles one copy as the handler does, with the facts of this moment."""
        facts = Facts(
            earlier=tuple(self.earlier),
            conversation_issues=tuple(self.conversation),
            taking_part=tuple(one.issue_id for one in self.conversation),
        )
        decision = decide(mail, self.snapshot, facts)
        for effect in decision.effects:
            self._apply(mail, decision, effect)
        if not decision.effects:
            self.held.add(f"{mail.mailbox} {decision.outcome}")

    def _apply(self, mail: MailParsed, decision: Decision, effect: object) -> None:
        address = self.snapshot.accounts[mail.mailbox].address
        match effect:
            case CreateIssue():
                number = 10 + len(self.conversation)
                issue = IssueRef(
                    issue_id=number,
                    issue_key=f"{effect.project}-{number}",
                    project=effect.project,
                )
                self.conversation.append(issue)
                self.labels[number] = (effect.project, effect.fields.labels)
            case AddComment():
                issue = effect.issue
                self.comments.append(issue.issue_id)
            case NoteAddress():
                self.addresses[effect.issue.issue_id].add(effect.address)
                return
            case _:
                raise AssertionError(effect)
        self.addresses.setdefault(issue.issue_id, set()).add(address)
        self.earlier.append(
            EarlierMail(
                mail_id=mail.mail_id,
                mailbox=mail.mailbox,
                source=mail.source,
                issue=issue,
                made_issue=decision.outcome is Outcome.ISSUE,
            )
        )

    @property
    def result(self) -> tuple[list[Issue], list[int], set[str]]:
        """Returns the issues, the comments and what was not let in; keys do not count."""
        issues = [
            (*labels, frozenset(self.addresses[number])) for number, labels in self.labels.items()
        ]
        return in_order(issues), sorted(self.comments), self.held


def in_order(issues: Iterable[Issue]) -> list[Issue]:
    """Sorts issues by their values; the same set of addresses may have several texts."""
    return sorted(issues, key=lambda issue: (issue[0], issue[1], sorted(issue[2])))


def configured(
    handlers: Mapping[str, dict[str, Any]],
    projects: Mapping[str, str] | None = None,
    own: Sequence[str] = (),
) -> ConfigurationSnapshot:
    places = projects or {}
    accounts = {
        name: mail_account(name, places.get(name, "HELP"), fan_in="own" if name in own else "note")
        for name in ACCOUNTS
    }
    return replace(
        snapshot(),
        accounts=accounts,
        handlers=tuple(
            MailHandler.model_validate({"name": f"of-{name}", "accounts": [name]} | values)
            for name, values in handlers.items()
        ),
    )


def results(
    settings: ConfigurationSnapshot, to: Sequence[str] = ACCOUNTS, *known: IssueRef
) -> list[tuple[list[Issue], list[int], set[str]]]:
    """Returns the results of all orders of arrival."""
    recipients = [Address(name="", address=f"{name}@example.com") for name in to]
    mail = mail_parsed(to=recipients or [Address(name="", address="list@example.org")])
    found = []
    for order in itertools.permutations(ACCOUNTS):
        desk = Desk(settings, conversation=list(known))
        for name in order:
            desk.arrive(replace(mail, mailbox=name, mail_id=name))
        found.append(desk.result)
    return found


def addresses(*names: str) -> frozenset[str]:
    return frozenset(f"{name}@example.com" for name in names)


def labelled(project: str, label: str, *names: str) -> Issue:
    return (project, (label,) if label else (), addresses(*names))


LABELS: dict[str, dict[str, Any]] = {name: {"labels": [name]} for name in ACCOUNTS}


@pytest.mark.parametrize(
    ("settings", "to", "issues", "held"),
    [
        # one issue, with the other addresses noted
        (configured({}), ACCOUNTS, [labelled("HELP", "", *ACCOUNTS)], set()),
        # the same for a mailing list, which names no account
        (configured({}), (), [labelled("HELP", "", *ACCOUNTS)], set()),
        # the first account decides
        (configured(LABELS), ACCOUNTS, [labelled("HELP", "anna", *ACCOUNTS)], set()),
        # of those that the author has addressed
        (configured(LABELS), ("bert", "cleo"), [labelled("HELP", "bert", *ACCOUNTS)], set()),
        # one that ignores it stays out, and keeps no other from it
        (
            configured(LABELS | {"anna": IGNORE}),
            ACCOUNTS,
            [labelled("HELP", "bert", "bert", "cleo")],
            {"anna ignored"},
        ),
        (
            configured(LABELS | {"cleo": IGNORE}),
            ACCOUNTS,
            [labelled("HELP", "anna", "anna", "bert")],
            {"cleo ignored"},
        ),
        (
            configured(LABELS | {"anna": COMMENTS_ONLY}),
            ACCOUNTS,
            [labelled("HELP", "bert", "bert", "cleo")],
            {"anna ignored"},
        ),
        (
            configured(LABELS | {"anna": HOLD}),
            ACCOUNTS,
            [labelled("HELP", "bert", "bert", "cleo")],
            {"anna quarantined"},
        ),
        (
            configured(dict.fromkeys(ACCOUNTS, IGNORE)),
            ACCOUNTS,
            [],
            {f"{name} ignored" for name in ACCOUNTS},
        ),
        # an issue in each project
        (
            configured(LABELS, {"bert": "SALE"}),
            ACCOUNTS,
            [labelled("HELP", "anna", "anna", "cleo"), labelled("SALE", "bert", "bert")],
            set(),
        ),
        # a handler may give it to another project
        (
            configured(LABELS | {"anna": TO_SALES}),
            ACCOUNTS,
            [labelled("SALE", "routed", *ACCOUNTS)],
            set(),
        ),
        (
            configured(LABELS | {"anna": TO_SALES}, {"cleo": "SALE"}),
            ACCOUNTS,
            [labelled("SALE", "cleo", "cleo"), labelled("SALE", "routed", "anna", "bert")],
            set(),
        ),
        # each message is an issue, and each copy is no message of its own
        (
            configured({name: LABELS[name] | {"kind": "create"} for name in ACCOUNTS}),
            ACCOUNTS,
            [labelled("HELP", "anna", *ACCOUNTS)],
            set(),
        ),
        # an account with its own issue
        (
            configured(LABELS, own=["anna"]),
            ACCOUNTS,
            [labelled("HELP", "anna", "anna"), labelled("HELP", "bert", "bert", "cleo")],
            set(),
        ),
        (
            configured({}, own=ACCOUNTS),
            ACCOUNTS,
            [labelled("HELP", "", name) for name in ACCOUNTS],
            set(),
        ),
    ],
)
def test_all_orders_have_this_result(
    settings: ConfigurationSnapshot, to: Sequence[str], issues: list[Issue], held: set[str]
) -> None:
    for found in results(settings, to):
        assert found == (in_order(issues), [], held)


@pytest.mark.parametrize("own", [(), ("bert",), ACCOUNTS])
def test_an_answer_is_one_comment_in_all_orders(own: Sequence[str]) -> None:
    for issues, comments, held in results(configured(LABELS, own=own), ACCOUNTS, OLD):
        assert (issues, comments, held) == ([], [OLD.issue_id], set())


def test_a_copy_in_the_same_mailbox_stays_a_duplicate() -> None:
    desk = Desk(configured({}, own=ACCOUNTS))
    mail = mail_parsed(mailbox="anna")
    desk.arrive(mail)
    desk.arrive(replace(mail, mail_id="again"))
    assert desk.held == {"anna duplicate"}
    assert len(desk.labels) == 1


def test_the_reason_names_the_account_that_decides() -> None:
    to = [Address(name="", address=f"{name}@example.com") for name in ACCOUNTS]
    decision = decide(mail_parsed(mailbox="cleo", to=to), configured(LABELS), Facts())
    assert decision.reason == (
        "no known conversation; decided as for account anna, which is before cleo"
    )


def test_a_copy_is_judged_by_the_servers_of_its_own_mailbox() -> None:
    accounts = configured(LABELS).accounts
    trusting = mail_account("anna", authserv_ids=[AUTHSERV_ID])
    settings = replace(configured(LABELS), accounts=accounts | {"anna": trusting})
    to = [Address(name="", address=f"{name}@example.com") for name in ACCOUNTS]
    # Cleo's server lets anybody write the results of anna's.
    decision = decide(verified(mail_parsed(mailbox="cleo", to=to)), settings, Facts())
    (effect,) = decision.effects
    assert isinstance(effect, CreateIssue)
    assert (effect.fields.labels, effect.neutral) == (("anna",), True)


@pytest.mark.parametrize(
    ("lenient", "strict", "outcome"),
    [
        ({"key_alone": "anybody"}, {"key_alone": "never"}, "issue"),
        ({"key_alone": "anybody"}, {"key_alone": "participants"}, "issue"),
        ({"weak_keys": "comment"}, {"weak_keys": "new_issue"}, "issue"),
        ({"weak_keys": "comment"}, {"weak_keys": "quarantine"}, "quarantined"),
        ({"key_alone": "anybody"}, {"key_alone": "never", "fan_in": "own"}, "issue"),
        ({"weak_keys": "comment"}, {"weak_keys": "comment"}, "comment"),
    ],
)
@pytest.mark.parametrize("to", [("anna",), ("cleo", "anna")])
def test_no_account_lends_its_rights(
    lenient: dict[str, Any], strict: dict[str, Any], outcome: str, to: Sequence[str]
) -> None:
    base = configured(LABELS)
    accounts = {
        "anna": mail_account("anna", "HELP", **lenient),
        "cleo": mail_account("cleo", "HELP", **strict),
    }
    mail = mail_parsed(
        subject="HELP-1",
        mailbox="cleo",
        to=[Address(name="", address=f"{name}@example.com") for name in to],
    )
    facts = Facts(named_issues=(NamedIssue(issue=OLD),))
    assert decide(mail, replace(base, accounts=accounts), facts).outcome == outcome


KINDS = st.sampled_from([{}, IGNORE, HOLD, COMMENTS_ONLY, TO_SALES, {"kind": "create"}])


@settings(max_examples=200, deadline=None)
@given(
    kinds=st.tuples(KINDS, KINDS, KINDS),
    projects=st.tuples(*[st.sampled_from(["HELP", "SALE"])] * 3),
    own=st.sets(st.sampled_from(ACCOUNTS)),
    # At most one that the author has not addressed.
    to=st.sets(st.sampled_from(ACCOUNTS), min_size=2),
    answers=st.booleans(),
)
def test_the_order_changes_nothing(
    kinds: Sequence[dict[str, Any]],
    projects: Sequence[str],
    own: set[str],
    to: set[str],
    answers: bool,
) -> None:
    handlers = {name: {"labels": [name]} | kind for name, kind in zip(ACCOUNTS, kinds, strict=True)}
    places = dict(zip(ACCOUNTS, projects, strict=True))
    known = (OLD,) if answers else ()
    found = results(configured(handlers, places, sorted(own)), sorted(to), *known)
    assert found == found[:1] * 6
