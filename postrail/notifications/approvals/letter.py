"""Holds what a message about an approval request is written from, and its parts in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from postrail.approvals.request import Assignment, Request
from postrail.approvals.token import IN_TEXT, ApprovalToken, mailto
from postrail.approvals.words import OwnWords
from postrail.notifications.approvals.choices import choice_word
from postrail.notifications.mime.fields import clean
from postrail.notifications.phrases.phrases import Phrases
from postrail.notifications.said import shown_size

# Programs of people refuse links that are very long.
LINK_SUBJECT_CHARACTERS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """A request, and what its messages need beside it."""

    request: Request
    # Of the issue that it is about, or "".
    issue_key: str = ""
    # How many people are asked: a delegate counts with the person they decide for.
    places: int = 1
    # The words of the setup in the place of ours, by language.
    own_words: Mapping[str, OwnWords] = field(default_factory=dict)
    # The address of the console, which has a page for each approver; "": there is none.
    page_url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Approver:
    """One of those who are asked, and by what the answer is known."""

    assignment: Assignment
    token: ApprovalToken
    # The address with the token, where it takes one.
    reply_to: str
    time_zone: str = ""


def subject_of(about: About) -> str:
    """Returns the subject, the same for all messages about the request."""
    return f"[{about.issue_key or about.request.key}] {one_line(about.request.subject)}"


def title_of(about: About) -> str:
    """Returns the name of the request and what it asks for."""
    return f"{about.request.key} {one_line(about.request.subject)}"


def requester_of(request: Request, phrases: Phrases) -> str:
    """Returns who asks: the name, or the address of somebody without one."""
    return one_line(request.requester_name or request.requester_address) or phrases.help_desk


def token_line(token: ApprovalToken) -> str:
    """Returns the line by which an answer finds its request, whatever address it has lost."""
    return f"[{token}]"


def fields_of(request: Request, phrases: Phrases) -> tuple[tuple[str, str], ...]:
    """Returns the fields of the request, and the names of its files."""
    files = "\n".join(
        f"{one_line(one.name)} ({shown_size(one.size, phrases)})" for one in request.attachments
    )
    fields = tuple((shown(label), shown(value)) for label, value in request.fields)
    return (*fields, *([(phrases.approval_files, files)] if files else []))


def answers_of(about: About, approver: Approver, phrases: Phrases) -> tuple[tuple[str, str], ...]:
    """Returns the numbered answers, each with the link to a reply that begins with it."""
    words = [
        one_line(choice_word(one, phrases.language, about.own_words))
        for one in about.request.choices
    ]
    subject = f"Re: {subject_of(about)}"[:LINK_SUBJECT_CHARACTERS]
    line = token_line(approver.token)
    return tuple(
        (
            phrases.approval_answer.format(number=number, choice=word),
            mailto(approver.reply_to, subject, f"{word}\n\n{line}\n"),
        )
        for number, word in enumerate(words, start=1)
    )


def page_of(about: About, approver: Approver) -> str:
    """Returns the address of the page that shows the request to the approver, or ""."""
    return f"{about.page_url}/approvals/{approver.token}" if about.page_url else ""


def one_line(text: str) -> str:
    """Returns words from elsewhere in one line, so that none looks like one of ours."""
    return " ".join(clean(shown(text)).split())


def shown(text: str) -> str:
    """Returns words from elsewhere without tokens: an answer that quotes them would name two."""
    return IN_TEXT.sub("…", text)
