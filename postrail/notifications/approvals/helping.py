"""Makes the words of the answer to a reply that has decided nothing."""

from __future__ import annotations

from enum import StrEnum

from postrail.notifications.approvals.letter import (
    About,
    Approver,
    answers_of,
    one_line,
    subject_of,
    title_of,
    token_line,
)
from postrail.notifications.approvals.terms import terms
from postrail.notifications.issue_words import marker_line
from postrail.notifications.phrases.phrases import Phrases
from postrail.notifications.readers import shown_time
from postrail.notifications.templates.words import GREETING, Words
from postrail.rendering.events import MessageEvent


class HelpReason(StrEnum):
    """Why a reply has decided nothing, as its author is told; each names a phrase."""

    UNCLEAR = "approval_unclear"
    NO_COMMENT = "approval_no_comment"
    LATE = "approval_late"
    OVER = "approval_over"
    ANSWERED = "approval_answered"
    NOT_ASKED = "approval_not_asked"
    OTHER_SENDER = "approval_other_sender"
    OTHER_ADDRESS = "approval_other_address"
    UNVERIFIED = "approval_unverified"
    SEVERAL = "approval_several"
    FORWARDED = "approval_forwarded"


# The approver may answer once more, and is told how.
TRY_AGAIN = frozenset(
    {
        HelpReason.UNCLEAR,
        HelpReason.NO_COMMENT,
        HelpReason.OTHER_ADDRESS,
        HelpReason.UNVERIFIED,
        HelpReason.FORWARDED,
    }
)


def help_words(
    about: About, approver: Approver, reason: HelpReason, sender: str, phrases: Phrases
) -> Words:
    """Returns what tells the author of a reply why it has decided nothing, and how to answer.

    `sender` is the address that it came from. Somebody else than the approver gets no word of the
    request, and nothing to answer by.
    """
    request, stranger = about.request, reason is HelpReason.OTHER_SENDER
    again = reason in TRY_AGAIN
    deadline = shown_time(request.deadline, approver.time_zone) if request.deadline else ""
    phrase: str = getattr(phrases, reason.value)
    return Words(
        event=MessageEvent.APPROVAL_HELP,
        language=phrases.language,
        subject=phrases.your_message if stranger else f"Re: {subject_of(about)}",
        sentence=phrases.approval_help,
        colon=phrases.colon,
        full_stop=phrases.full_stop,
        title="" if stranger else title_of(about),
        marker=marker_line(phrases) if again else "",
        greeting=phrases.greeting_of_all if stranger else GREETING,
        note=phrase.format(address=one_line(sender), time=deadline),
        choices=answers_of(about, approver, phrases) if again else (),
        terms=terms(request, about.places, approver.time_zone, phrases) if again else "",
        reference=token_line(approver.token) if again else "",
        why=phrases.why_wrote,
        stop="" if again else phrases.stop_none,
        issue_key="" if stranger else about.issue_key,
        issue_summary="" if stranger else one_line(request.subject),
    )
