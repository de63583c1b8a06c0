"""Writes the internal comment that says on an issue how an approval request has ended. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.approvals.request import Assignment, Request
from postrail.notifications.approvals.ending import chosen_word, ran_out, result_words
from postrail.notifications.approvals.letter import About
from postrail.notifications.desk_texts import Fault, fault_noticed
from postrail.notifications.phrases import phrases_in


def comment_text(
    request: Request, parts: Sequence[Assignment], fault: Fault | None, language: str
) -> str:
    """Returns what was decided, each answer with its comment, and why the issue stays, if it does.

    Times are in UTC: readers of an issue are in several zones.
    """
    phrases = phrases_in(language)
    about = About(request=request)
    words = result_words(about, parts, "", phrases)
    choice = chosen_word(about, request.choice, phrases)
    title = f"{words.title}{phrases.colon}{choice}" if choice else words.title
    answers = [f"{name}{phrases.colon}{answer}" for name, answer in words.fields]
    by_person = any(one.choice and one.choice == request.choice for one in parts)
    if not by_person and (request.choice or ran_out(parts)):
        answers.append(phrases.nobody_in_time)
    blocks = [title, *answers]
    if fault:
        noticed = fault_noticed(fault, "", "", phrases)
        blocks += [f"{noticed.title}{phrases.full_stop}\n{noticed.body}"]
    return "\n\n".join(blocks)
