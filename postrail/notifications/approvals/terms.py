"""Says how an approver answers, until when the answer counts, and who decides."""

from __future__ import annotations

from datetime import datetime

from postrail.approvals.request import AtDeadline, Meaning, Request, Rule
from postrail.notifications.phrases.phrases import Phrases
from postrail.notifications.readers import shown_time


def terms(request: Request, places: int, time_zone: str, phrases: Phrases) -> str:
    """Returns the paragraphs; `places` is the number of people who are asked."""
    how = [phrases.approval_how]
    if request.comment_required and any(one.meaning is Meaning.REJECT for one in request.choices):
        how.append(phrases.approval_comment)
    paragraphs = [how, [who_decides(request, places, phrases)]]
    if request.deadline:
        paragraphs.insert(1, until(request.deadline, request.at_deadline, time_zone, phrases))
    return "\n\n".join(phrases.space.join(sentences) for sentences in paragraphs)


def until(
    deadline: datetime, at_deadline: AtDeadline, time_zone: str, phrases: Phrases
) -> list[str]:
    """Returns until when an answer counts, in the reader's time zone, and what follows then."""
    after = {
        AtDeadline.EXPIRE: phrases.approval_expires,
        AtDeadline.REJECT: phrases.approval_rejects,
        AtDeadline.ESCALATE: phrases.approval_escalates,
    }
    time = shown_time(deadline, time_zone)
    return [phrases.approval_until.format(time=time), after[at_deadline]]


def who_decides(request: Request, places: int, phrases: Phrases) -> str:
    """Returns the rule in words."""
    if places == 1:
        return phrases.approval_only
    rule = {
        Rule.ANY: phrases.approval_any,
        Rule.ALL: phrases.approval_all,
        Rule.COUNT: phrases.approval_count,
        Rule.ORDER: phrases.approval_order,
    }
    return rule[request.rule].format(count=places, needed=request.needed)
