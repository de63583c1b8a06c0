"""Makes the words of a message that reports several events of an issue. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from postrail.notifications.phrases.phrases import Phrases
from postrail.notifications.templates.words import Words
from postrail.rendering.events import MessageEvent


def bundle_words(events: Sequence[Words], phrases: Phrases) -> Words:
    """Returns the words of the message about these events, oldest first; of one, its own.

    What all have in common, such as the subject, is taken from the latest one.
    """
    latest = events[-1]
    if len(events) == 1:
        return latest
    return replace(
        latest,
        event=MessageEvent.BUNDLED,
        sentence=phrases.bundled.format(key=latest.issue_key, count=len(events)),
        title=latest.issue_summary,
        note="",
        body="",
        body_label="",
        quotes=False,
        sections=tuple(section(one) for one in events),
        why=_all_of([one.why for one in events]),
        issue_status=next((one.issue_status for one in reversed(events) if one.issue_status), ""),
        author_name=_common([one.author_name for one in events]),
        author_address=_common([one.author_address for one in events]),
    )


def as_moved(words: Words, key: str, project: str, project_name: str) -> Words:
    """Returns the words about an issue that has this key by now; what people wrote stays."""
    before = words.issue_key
    return replace(
        words,
        subject=re.sub(rf"^\[{re.escape(before)}\]", f"[{key}]", words.subject),
        sentence=_with_key(words.sentence, before, key),
        note=_with_key(words.note, before, key),
        why=_with_key(words.why, before, key),
        stop=_with_key(words.stop, before, key),
        issue_key=key,
        project_key=project,
        project_name=project_name,
    )


def _with_key(text: str, before: str, key: str) -> str:
    # Not \w: in Japanese a letter may follow the key.
    return re.sub(rf"(?<![A-Za-z0-9-]){re.escape(before)}(?![0-9])", key, text)


def section(words: Words) -> tuple[str, str]:
    """Returns what happened in a sentence, and the new words."""
    text = "\n\n".join(filter(None, [words.note, words.body]))
    end = words.colon.rstrip() if text else words.full_stop
    return f"{words.sentence}{end}", text


def _all_of(sentences: Sequence[str]) -> str:
    return " ".join(dict.fromkeys(sentences))


def _common(values: Sequence[str]) -> str:
    return values[0] if len(set(values)) == 1 else ""
