"""Makes the words of what the desk or a person sends from an issue or a project. Pure.

Rejections, mail that a person writes, sums of a day, notices of faults.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from postrail.notifications.issue_words import Occasion, marker_line
from postrail.notifications.phrases.phrases import Phrases
from postrail.notifications.templates.words import GREETING, Words
from postrail.rendering.events import MessageEvent


def written_by_person(
    about: Occasion, phrases: Phrases, *, canned: bool = False, internal: bool = False
) -> Words:
    """Returns what a person writes to somebody from an issue; the greeting is the person's own.

    A canned answer, which a template holds, may have ours. An internal one says so of its answers.
    """
    audience = about.audience
    return Words(
        event=MessageEvent.MANUAL,
        language=phrases.language,
        subject=f"[{audience.issue_key}] {audience.summary}",
        marker=marker_line(phrases, internal=internal),
        greeting=GREETING if canned else "",
        body=about.body,
        hint=phrases.hint_internal if internal else "",
        why=phrases.why_written_to,
        issue_key=audience.issue_key,
        issue_summary=audience.summary,
        project_key=audience.project,
        project_name=about.project_name,
        author_name=about.author.name,
        author_address=about.author.address,
    )


def rejected(phrases: Phrases) -> Words:
    """Returns what tells an author that a sender filter has not accepted a message.

    It has no word of the message, which somebody else may have sent.
    """
    return Words(
        event=MessageEvent.REJECTION,
        language=phrases.language,
        subject=phrases.rejection_title,
        sentence=phrases.rejection,
        full_stop=phrases.full_stop,
        greeting=phrases.greeting_of_all,
        body=phrases.rejection_reason,
        why=phrases.why_wrote,
        stop=phrases.stop_none,
    )


def summed_up(
    project: str,
    project_name: str,
    lines: Sequence[tuple[str, str]],
    phrases: Phrases,
    *,
    internal: bool = False,
) -> Words:
    """Returns the sum of a day: each issue, by key and summary, and what happened to it.

    The marker of one with internal events keeps what an answer quotes out of public texts.
    """
    return Words(
        event=MessageEvent.DIGEST,
        language=phrases.language,
        subject=phrases.digest.format(project=project_name),
        title=phrases.digest.format(project=project_name),
        marker=marker_line(phrases, internal=True) if internal else "",
        greeting=GREETING,
        sections=tuple(lines),
        why=phrases.why_digest.format(project=project_name),
        stop=phrases.stop_asking.format(project=project_name),
        project_key=project,
        project_name=project_name,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A fault that people must know of, in no language yet."""

    # What happened: there is one notice an hour of each cause.
    cause: str
    # The phrases that say what happened, the details before the reason, and what follows, or "".
    happened: str
    details: str
    reason: str
    follows: str = ""
    # The phrase of each thing that people may do, and its command.
    acts: Sequence[tuple[str, str]]
    # Filled into the phrases.
    names: Mapping[str, str]
    # The issue that it is about, or "".
    issue_key: str = ""


def fault_noticed(fault: Fault, project: str, project_name: str, phrases: Phrases) -> Words:
    """Returns what tells people of a fault, and how to mend it; project is "" for none."""

    def phrase(name: str, **more: str) -> str:
        text: str = getattr(phrases, name)
        return text.format(**fault.names, **more)

    title = phrase(fault.happened)
    blocks = [
        phrase(fault.details),
        fault.reason,
        phrase(fault.follows) if fault.follows else "",
        "\n".join(phrase(name, command=command) for name, command in fault.acts),
    ]
    return Words(
        event=MessageEvent.ERROR_NOTICE,
        language=phrases.language,
        subject=f"Postrail: {title}",
        sentence=phrases.error_notice.format(project=project_name) if project else "",
        colon=phrases.colon,
        full_stop=phrases.full_stop,
        title=title,
        body="\n\n".join(filter(None, blocks)),
        why=phrases.why_told.format(project=project_name) if project else phrases.why_named,
        stop=phrases.stop_asking.format(project=project_name) if project else "",
        issue_key=fault.issue_key,
        project_key=project,
        project_name=project_name,
    )
