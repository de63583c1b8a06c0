"""Writes the messages about approval requests of the tests of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from postrail.approvals.request import Assignment, Choice, Meaning, Request
from postrail.approvals.token import reply_address, token_for
from postrail.notifications.approvals.asking import request_words
from postrail.notifications.approvals.ending import closed_words, result_words
from postrail.notifications.approvals.helping import HelpReason, help_words
from postrail.notifications.approvals.letter import About, Approver
from postrail.notifications.phrases import phrases_in
from postrail.notifications.readers import tokens_of
from postrail.notifications.templates.render import Rendered, rendered
from postrail.notifications.templates.words import Words
from postrail.notifications.tokens import filled, filled_html
from tests.makers.approvals.requests import assignment, request
from tests.makers.records import NOON

REPLIES = "approvals@desk.example"
NAMED = (
    Choice(name="east", label="Roll out in the east", meaning=Meaning.APPROVE),
    Choice(name="west", label="Roll out in the west", meaning=Meaning.APPROVE),
    Choice(name="reject", meaning=Meaning.REJECT),
)


def about(**changes: Any) -> About:
    """Returns what the messages about a request to deploy something are made of."""
    own = {
        name: changes.pop(name)
        for name in ("issue_key", "places", "own_words", "page_url")
        if name in changes
    }
    return About(request=request(**changes), **{"places": 3, **own})


def approver(asked: Request, part: Assignment | None = None, zone: str = "") -> Approver:
    """Returns an approver of the request whose reply address has the token."""
    part = part or assignment(request_id=asked.request_id, name="Ana Sol")
    token = token_for(b"key", part.assignment_id, asked.request_id, part.address)
    return Approver(
        assignment=part, token=token, reply_to=reply_address(REPLIES, token), time_zone=zone
    )


def asking(
    language: str = "en",
    *,
    again: bool = False,
    part: Assignment | None = None,
    zone: str = "",
    **changes: Any,
) -> Rendered:
    """Returns the message that asks Ana in the default template."""
    given = about(**changes)
    words = request_words(
        given, approver(given.request, part, zone), phrases_in(language), again=again
    )
    return to_ana(words)


def helping(reason: HelpReason, language: str = "en", **changes: Any) -> Rendered:
    """Returns the answer to a reply that has decided nothing."""
    given = about(**changes)
    words = help_words(
        given, approver(given.request), reason, "bo@elsewhere.example", phrases_in(language)
    )
    return to_ana(words)


def ending(language: str = "en", answers: Sequence[Assignment] = (), **changes: Any) -> Rendered:
    """Returns what the requester is told."""
    return to_ana(result_words(about(**changes), answers, "", phrases_in(language)))


def closing(language: str = "en", *, replaced: bool = False, **changes: Any) -> Rendered:
    """Returns what an approver is told who need not answer."""
    return to_ana(closed_words(about(**changes), replaced, phrases_in(language)))


def to_ana(words: Words) -> Rendered:
    """Returns the message with the greeting of Ana."""
    made = rendered(words)
    tokens = tokens_of(f"{made.text}{made.html}", "Ana Sol", "", NOON, phrases_in(words.language))
    return replace(made, text=filled(made.text, tokens), html=filled_html(made.html, tokens))
