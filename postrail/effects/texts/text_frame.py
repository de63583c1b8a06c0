"""What stands around the text of a message in its issue or comment: events, sender, files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from postrail import patterns
from postrail.decision.decision import TextRules
from postrail.incoming.calendar_text import calendar_text, with_calendar
from postrail.message_parts import Attachment
from postrail.records import MailParsed


@dataclass(frozen=True, kw_only=True, slots=True)
class TextFrame:
    """Changes a text: ends it before a pattern, and writes above and below it."""

    # The events of the message's calendar.
    above: str = ""
    below: str = ""
    # "": the text is whole.
    ends_before: str = ""
    # The lines at the top that are left out.
    skipped_lines: int = 0

    @property
    def changes(self) -> bool:
        """Returns whether a text may become another one."""
        return bool(self.above or self.below or self.ends_before or self.skipped_lines)

    def around(self, text: str) -> str:
        """Returns the text as the issue has it."""
        if self.skipped_lines:
            text = "\n".join(text.split("\n")[self.skipped_lines :]).lstrip("\n")
        if self.ends_before and (found := patterns.find(self.ends_before, text)):
            text = text[: found.start].rstrip()
        text = with_calendar(self.above, text)
        return "\n\n".join(filter(None, [text.rstrip(), self.below])) if self.below else text


def frame_of(mail: MailParsed, rules: TextRules, further: Sequence[str] = ()) -> TextFrame:
    """Returns what stands around the text of a message; `further` are lines below it."""
    lines = [f"From: {rules.signed_by}"] if rules.signed_by else []
    if rules.told_by:
        lines.append(f"The author's address is as {rules.told_by} gave it.")
    lines += [f"Attachment left out: {one}" for one in rules.left_out]
    return TextFrame(
        above=calendar_text(mail),
        below="\n".join([*lines, *further]),
        ends_before=rules.ends_before,
        skipped_lines=rules.skipped_lines,
    )


def taken(rules: TextRules, attachments: Sequence[Attachment]) -> tuple[Attachment, ...]:
    """Returns the attachments that the rules take."""
    if rules.attachments is None:
        return tuple(attachments)
    return tuple(attachments[place] for place in rules.attachments)
