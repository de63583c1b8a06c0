"""Makes the words of the messages that say what became of a request."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.approvals.request import (
    Assignment,
    AssignmentState,
    ClosedBecause,
    Meaning,
    State,
)
from postrail.notifications.approvals.choices import PLAIN, choice_word
from postrail.notifications.approvals.letter import (
    About,
    one_line,
    requester_of,
    subject_of,
    title_of,
)
from postrail.notifications.phrases.phrases import Phrases
from postrail.notifications.readers import shown_time
from postrail.notifications.templates.words import GREETING, Words
from postrail.rendering.events import MessageEvent


def result_words(
    about: About, assignments: Sequence[Assignment], time_zone: str, phrases: Phrases
) -> Words:
    """Returns what tells the requester how the request has ended, and who answered what."""
    answered = [one for one in assignments if one.state is AssignmentState.ANSWERED]
    return Words(
        event=MessageEvent.APPROVAL_RESULT,
        language=phrases.language,
        subject=subject_of(about),
        sentence=_result(about, assignments, phrases),
        colon=phrases.colon,
        full_stop=phrases.full_stop,
        title=title_of(about),
        previews_title=True,
        greeting=GREETING,
        fields=tuple(_answer(about, one, time_zone, phrases) for one in answered),
        why=phrases.why_requester,
        stop=phrases.stop_none,
        issue_key=about.issue_key,
        issue_summary=one_line(about.request.subject),
    )


def ran_out(assignments: Sequence[Assignment]) -> bool:
    """Tells whether the request expired while somebody was still to answer, at its deadline.

    Otherwise all had answered, and no choice had enough answers.
    """
    return any(one.closed_because == ClosedBecause.EXPIRED for one in assignments)


def _result(about: About, assignments: Sequence[Assignment], phrases: Phrases) -> str:
    request = about.request
    if request.state is State.WITHDRAWN:
        return phrases.approval_taken_back
    if request.state is not State.DECIDED:
        return phrases.approval_expired if ran_out(assignments) else phrases.approval_undecided
    choice = next((one for one in request.choices if one.name == request.choice), None)
    by_person = any(one.choice == request.choice for one in assignments)
    if choice and choice.meaning is Meaning.REJECT and not by_person:
        return phrases.approval_rejected_late
    if choice is None or choice.name not in PLAIN:
        chosen = chosen_word(about, request.choice, phrases)
        return phrases.approval_chosen.format(choice=chosen)
    approved = choice.meaning is Meaning.APPROVE
    return phrases.approval_approved if approved else phrases.approval_rejected


def _answer(about: About, one: Assignment, time_zone: str, phrases: Phrases) -> tuple[str, str]:
    """Returns who answered, and what: the choice, the time, the comment below it."""
    word = chosen_word(about, one.choice, phrases)
    time = f" ({shown_time(one.answered_at, time_zone)})" if one.answered_at else ""
    return one_line(one.name or one.address), f"{word}{time}\n{one.comment.strip()}".strip()


def chosen_word(about: About, name: str, phrases: Phrases) -> str:
    """Returns the words of the choice with this name."""
    found = next((one for one in about.request.choices if one.name == name), None)
    return choice_word(found, phrases.language, about.own_words) if found else name


def closed_words(about: About, replaced: bool, phrases: Phrases) -> Words:
    """Returns what tells an approver that they need not answer: another one does, or nobody."""
    author = requester_of(about.request, phrases)
    return Words(
        event=MessageEvent.APPROVAL_CLOSED,
        language=phrases.language,
        subject=subject_of(about),
        sentence=phrases.approval_reassigned if replaced else phrases.approval_withdrawn,
        colon=phrases.colon,
        full_stop=phrases.full_stop,
        title=title_of(about),
        previews_title=True,
        greeting=GREETING,
        body=phrases.approval_nothing_to_do,
        why=phrases.why_was_asked,
        stop=phrases.stop_none,
        issue_key=about.issue_key,
        issue_summary=one_line(about.request.subject),
        author_name=author,
    )
