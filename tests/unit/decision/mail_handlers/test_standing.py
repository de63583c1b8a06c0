"""What a message may cause by what it proves about its sender and the issue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postrail.decision.decision import AddComment, Brings, CreateIssue
from postrail.decision.facts import Facts, NamedIssue
from tests.makers.records import AUTHSERV_ID, mail_parsed, verified
from tests.unit.decision.mail_handlers.test_handlers import (
    ADA,
    ANSWER,
    BO,
    DONE,
    HELP_1,
    KNOWN,
    created,
    decided,
)

# It only names one who takes part; or not even that.
CLAIMED = replace(ANSWER, answered_in=())
STRANGER = replace(CLAIMED, taking_part=())
VERIFIED = verified(mail_parsed())
TRUSTING = {"authserv_ids": [AUTHSERV_ID]}


@pytest.mark.parametrize(
    ("facts", "proven", "brings"),
    [
        (ANSWER, False, Brings.ALL),
        (CLAIMED, False, Brings.AUTHOR),
        (CLAIMED, True, Brings.ALL),
        # an agent who watches the issue, as each default assignee does
        (replace(CLAIMED, insider_in=(1,)), False, None),
        (replace(CLAIMED, insider_in=(1,)), True, Brings.ALL),
        (replace(ANSWER, insider_in=(1,)), False, Brings.ALL),
        (replace(STRANGER, insider_in=(1,)), False, None),
        (replace(STRANGER, insider_in=(1,)), True, Brings.ALL),
        (STRANGER, False, None),
        (STRANGER, True, None),
    ],
)
def test_whom_a_comment_brings(facts: Facts, proven: bool, brings: Brings | None) -> None:
    """None: it is an outsider's, who brings nobody until a person accepts it."""
    mail = VERIFIED if proven else mail_parsed()
    (effect,) = decided(mail=mail, facts=facts, **TRUSTING).effects
    assert isinstance(effect, AddComment)
    assert (None if effect.outsider else effect.brings) is brings


@pytest.mark.parametrize(
    ("facts", "brings"),
    [(STRANGER, Brings.NOBODY), (CLAIMED, Brings.AUTHOR)],
)
def test_a_key_that_anybody_may_use_lets_no_stranger_hear_of_the_issue(
    facts: Facts, brings: Brings
) -> None:
    named = replace(facts, conversation_issues=(), named_issues=(NamedIssue(issue=HELP_1),))
    (effect,) = decided(facts=named, key_alone="anybody").effects
    assert isinstance(effect, AddComment)
    assert (effect.outsider, effect.brings) == (False, brings)


@pytest.mark.parametrize(
    ("facts", "proven", "watching"),
    [
        (Facts(addressed=(ADA, BO)), False, ["bo@example.org"]),
        (Facts(addressed=(ADA, BO)), True, ["ada@example.org", "bo@example.org"]),
        # on an issue
        (replace(ANSWER, addressed=(ADA, BO)), False, ["ada@example.org", "bo@example.org"]),
        (replace(CLAIMED, addressed=(ADA, BO)), False, ["bo@example.org"]),
        (replace(CLAIMED, addressed=(ADA, BO)), True, ["ada@example.org", "bo@example.org"]),
        (replace(STRANGER, addressed=(ADA, BO)), False, []),
        (replace(STRANGER, addressed=(ADA, BO)), True, []),
    ],
)
def test_only_proven_senders_let_others_than_the_project_s_people_watch(
    facts: Facts, proven: bool, watching: list[str]
) -> None:
    mail = verified(mail_parsed()) if proven else mail_parsed()
    account = {"authserv_ids": [AUTHSERV_ID]}
    effect = decided({"cc_watchers": True}, mail=mail, facts=facts, **account).effects[0]
    assert isinstance(effect, CreateIssue | AddComment)
    assert list(effect.watchers) == watching


def test_an_answer_to_an_internal_comment_makes_no_issue_of_its_own() -> None:
    decision = decided({"kind": "create"}, facts=replace(ANSWER, internal_issue=HELP_1))
    effect = decision.effects[0]
    assert isinstance(effect, AddComment)
    assert effect.internal


@pytest.mark.parametrize("values", [{"kind": "create"}, {"closed_issues": "new_issue"}])
@pytest.mark.parametrize(
    ("facts", "brings", "own_conversation"),
    [
        (DONE, Brings.ALL, False),
        (replace(DONE, answered_in=()), Brings.AUTHOR, False),
        (replace(DONE, answered_in=(), taking_part=()), Brings.AUTHOR, True),
    ],
)
def test_an_issue_of_an_outsider_takes_no_conversation_over(
    values: dict[str, Any], facts: Facts, brings: Brings, own_conversation: bool
) -> None:
    effect = created(values, facts=facts)
    assert (effect.brings, effect.own_conversation) == (brings, own_conversation)


@pytest.mark.parametrize("values", [{"kind": "create"}, {}])
@pytest.mark.parametrize("facts", [KNOWN, DONE, replace(KNOWN, taking_part=(1,))])
def test_a_confirmation_to_who_is_not_verified_is_neutral(
    values: dict[str, Any], facts: Facts
) -> None:
    """A subject with all keys took part in one of the issues, and the victim got the words."""
    named = replace(facts, named_issues=(NamedIssue(issue=HELP_1),))
    account = {"authserv_ids": [AUTHSERV_ID], "key_alone": "never"}
    handler = {"closed_issues": "new_issue"} | values
    assert created(handler, facts=named, **account).neutral
    proven = verified(mail_parsed())
    assert not created({"kind": "create"}, facts=named, mail=proven, **account).neutral
