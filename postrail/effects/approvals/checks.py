"""Checks what an approval order says, beside the people it names. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from postrail.approvals.answer import says_opposite
from postrail.approvals.order import ApprovalOrder
from postrail.approvals.request import AtDeadline, Choice, Meaning, Rule
from postrail.approvals.words import words_of
from postrail.configuration.approvals.action import (
    CHOICE_MAX_CHARACTERS,
    CHOICES_MAX,
    SUBJECT_MAX_CHARACTERS,
)
from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.configured import folded
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.effects.approvals.refused import RequestRefused
from postrail.errors import ConfigurationError
from postrail.message_parts import is_address
from postrail.webhooks.address import checked_url
from postrail.workflow.transitions import status_named

BODY_MAX_CHARACTERS = 50_000
KEY_MAX_CHARACTERS = 250
FIELDS_MAX = 50
FIELD_MAX_CHARACTERS = 2_000
URL_MAX_CHARACTERS = 2_000
# A request that is open for years helps nobody, and dates end some day.
DEADLINE_MAX = timedelta(days=3660)


def setup_named(snapshot: ConfigurationSnapshot, name: str) -> ApprovalSetup:
    """Returns the enabled approval setup with this name; raises RequestRefused."""
    setup = snapshot.approval_setups.get(name)
    if setup is None:
        known = ", ".join(sorted(snapshot.approval_setups)) or "none is configured yet"
        raise RequestRefused(
            f"there is no approval setup {name!r}", remedy=f"Name one of these: {known}"
        )
    if not setup.enabled:
        raise RequestRefused(
            f"approval setup {name!r} is disabled",
            remedy="Set enabled: true in its entry of approvals, and run: postrail apply",
        )
    if snapshot.connection_of_setup(setup) is None:
        raise ConfigurationError(
            f"no outgoing connection sends the requests of approval setup {name!r}",
            setting=f"approvals: {name}: connection",
            remedy="Add an outgoing connection, or enable one, and run: postrail apply",
        )
    return setup


def check(
    order: ApprovalOrder, setup: ApprovalSetup, snapshot: ConfigurationSnapshot, now: datetime
) -> None:
    """Raises RequestRefused, ConfigurationError or InvalidValue for an order that cannot be asked.

    How many people it names is checked once they are found.
    """
    _check_texts(order)
    if order.requester_address and not is_address(order.requester_address):
        raise RequestRefused(
            f"the requester {order.requester_address!r} is no address", remedy="Give an address"
        )
    _check_choices(order.choices, setup)
    _check_rule(order)
    _check_deadline(order, now)
    if order.callback_url:
        _check_callback(order.callback_url, setup)
    statuses = [one for one in (order.approved_status, order.rejected_status) if one]
    project = snapshot.projects.get(order.project)
    if not statuses:
        return
    if project is None:
        raise RequestRefused(
            "a status follows the decision, and the request has no issue",
            remedy="Name the issue, or leave out the status",
        )
    for status in statuses:
        status_named(project, status)


def deadline_of(order: ApprovalOrder, now: datetime) -> datetime | None:
    """Returns the time of the deadline of a request that is made now."""
    return now + order.deadline if isinstance(order.deadline, timedelta) else order.deadline


def subject_of(summary: str, most: int = SUBJECT_MAX_CHARACTERS) -> str:
    """Returns the summary of an issue as a subject: in one line, of so many characters."""
    return " ".join(summary.split())[:most]


def _check_texts(order: ApprovalOrder) -> None:
    subject = order.subject
    if not subject.strip() or len(subject.splitlines()) > 1:
        raise RequestRefused(
            "the subject has no text" if not subject.strip() else "the subject has several lines",
            remedy="Say in one line what is to be approved",
        )
    _check_length("the subject", subject, SUBJECT_MAX_CHARACTERS)
    _check_length("the idempotency key", order.idempotency_key, KEY_MAX_CHARACTERS)
    _check_length("the text", order.body, BODY_MAX_CHARACTERS)
    if len(order.fields) > FIELDS_MAX:
        raise RequestRefused(
            f"the request has {len(order.fields)} fields, and {FIELDS_MAX} are the most",
            remedy="Put the others into the text or into a file",
        )
    for label, value in order.fields:
        if not label.strip():
            raise RequestRefused("a field has no label", remedy="Give it as LABEL=VALUE")
        _check_length(f"field {label!r}", f"{label}{value}", FIELD_MAX_CHARACTERS)


def _check_length(what: str, text: str, most: int) -> None:
    if len(text) > most:
        raise RequestRefused(
            f"{what} has {len(text):,} characters, and {most:,} are the most",
            remedy="Shorten it, or attach a file",
        )


def _check_choices(choices: Sequence[Choice], setup: ApprovalSetup) -> None:
    if len(choices) > CHOICES_MAX:
        raise RequestRefused(
            f"the request has {len(choices)} choices, and {CHOICES_MAX} are the most",
            remedy="Ask in several requests",
        )
    words = [word for one in choices for word in {folded(one.name), folded(one.label)} - {""}]
    for word in words:
        _check_word(word, twice=words.count(word) > 1)
    for one in choices:
        _check_own_word(one, setup)
    if not any(one.meaning is Meaning.APPROVE for one in choices):
        raise RequestRefused("no choice approves", remedy="Give at least one choice that approves")


def _check_word(word: str, *, twice: bool) -> None:
    if twice:
        raise RequestRefused(
            f"{word!r} stands for two choices", remedy="Name each choice differently"
        )
    if word.isdigit() or not any(map(str.isalpha, word)):
        raise RequestRefused(
            f"a choice is called {word!r}, and numbers stand for the places of the choices",
            remedy="Give it a name with letters",
        )
    _check_length(f"choice {word!r}", word, CHOICE_MAX_CHARACTERS)


def _check_own_word(one: Choice, setup: ApprovalSetup) -> None:
    """Raises RequestRefused for a choice whose name says the opposite of its meaning."""
    other = Meaning.REJECT if one.meaning is Meaning.APPROVE else Meaning.APPROVE
    for word in (one.name, one.label):
        if says_opposite(word, one.meaning, words_of(setup.words, setup.words)):
            raise RequestRefused(
                f"choice {word!r} means {one.meaning}",
                remedy=f"Name it differently, or let it mean {other}",
            )


def _rejects(order: ApprovalOrder) -> bool:
    return any(one.meaning is Meaning.REJECT for one in order.choices)


def _check_rule(order: ApprovalOrder) -> None:
    if order.rule is not Rule.COUNT:
        return
    if order.needed < 1:
        raise RequestRefused("nobody is needed to approve", remedy="Give a number from 1")
    if not _rejects(order):
        raise RequestRefused(
            f"{order.needed} must approve, and no choice says what follows if they do not",
            remedy="Add a choice whose meaning is reject",
        )


def _check_deadline(order: ApprovalOrder, now: datetime) -> None:
    at = order.at_deadline
    if order.deadline is None:
        if at is not AtDeadline.EXPIRE or order.escalate_to:
            raise RequestRefused(
                "the request says what its deadline means, and has none", remedy="Give a deadline"
            )
    elif not now < _bounded(order, now) <= now + DEADLINE_MAX:
        raise RequestRefused(
            "the deadline is past" if _bounded(order, now) <= now else "the deadline is too far",
            remedy="Give a time from now to ten years ahead",
        )
    if (at is AtDeadline.ESCALATE) != bool(order.escalate_to):
        raise RequestRefused(
            "the deadline escalates to nobody"
            if not order.escalate_to
            else f"the request names people to escalate to, and its deadline means {at}",
            remedy="Give both: who is asked then, and that the deadline escalates",
        )
    if at is AtDeadline.REJECT and not _rejects(order):
        raise RequestRefused(
            "the deadline rejects, and no choice does",
            remedy="Add a choice whose meaning is reject",
        )


def _bounded(order: ApprovalOrder, now: datetime) -> datetime:
    """Returns the deadline; of a longer time than dates have, one that is too far."""
    given = order.deadline
    if isinstance(given, timedelta):
        return now + min(given, DEADLINE_MAX + timedelta(days=1))
    assert given is not None
    return given


def _check_callback(url: str, setup: ApprovalSetup) -> None:
    """Raises unless the decision may be posted there, as far as one can tell without DNS."""
    if len(url) > URL_MAX_CHARACTERS:
        raise RequestRefused(
            f"the callback's address has more than {URL_MAX_CHARACTERS} characters",
            remedy="Give a shorter one",
        )
    try:
        checked_url(url, setup.callback_hosts)
    except ConfigurationError as error:
        raise RequestRefused(error.problem, remedy=error.remedy, setting=error.setting) from None
    if not setup.callback_secret:
        raise ConfigurationError(
            f"approval setup {setup.name!r} has no secret to sign callbacks with",
            setting=f"approvals: {setup.name}: callback_secret",
            remedy="Give one, and run: postrail apply",
        )
