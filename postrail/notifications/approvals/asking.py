"""Makes the words of the messages that ask an approver, and of those that ask again."""

from __future__ import annotations

from postrail.notifications.approvals.letter import (
    About,
    Approver,
    answers_of,
    fields_of,
    one_line,
    page_of,
    requester_of,
    shown,
    subject_of,
    title_of,
    token_line,
)
from postrail.notifications.approvals.terms import terms
from postrail.notifications.issue_words import marker_line
from postrail.notifications.phrases.phrases import Phrases
from postrail.notifications.templates.words import GREETING, Words
from postrail.rendering.events import MessageEvent


def request_words(
    about: About, approver: Approver, phrases: Phrases, *, again: bool = False
) -> Words:
    """Returns what asks an approver for a decision; `again`: it reminds them."""
    request, page = about.request, page_of(about, approver)
    author = requester_of(request, phrases)
    sentence = phrases.approval_reminder if again else phrases.approval_request
    answers_for = one_line(approver.assignment.answers_for)
    why = phrases.why_delegate if answers_for else phrases.why_approver
    return Words(
        event=MessageEvent.APPROVAL_REMINDER if again else MessageEvent.APPROVAL_REQUEST,
        language=phrases.language,
        subject=subject_of(about),
        sentence=sentence.format(author=author),
        colon=phrases.colon,
        full_stop=phrases.full_stop,
        title=title_of(about),
        previews_title=True,
        marker=marker_line(phrases),
        greeting=GREETING,
        fields=fields_of(request, phrases),
        body=shown(request.body).strip(),
        quotes=True,
        choices=answers_of(about, approver, phrases),
        terms=terms(request, about.places, approver.time_zone, phrases),
        act_label=phrases.decide if page else "",
        act_url=page,
        reference=token_line(approver.token),
        why=why.format(author=author, name=answers_for),
        issue_key=about.issue_key,
        issue_summary=one_line(request.subject),
        author_name=author,
        author_address=one_line(request.requester_address),
    )
