"""Reads field commands: lines at the top of a message that set fields of its issue.

Two forms are known: `#priority high` or `#priority=high`, as JEMH has them, and `Status: done`, as
Redmine has them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from postrail.configuration.configured import folded
from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.decision import AddComment, CreateIssue, Decision, Effect, FieldCommand
from postrail.decision.message_values import first_text, new_text
from postrail.decision.question import Question

COMMAND = re.compile(
    r"\s*(?:#(?P<hash>[^\W\d][\w.-]*)(?:\s*[=:]\s*|\s+)|(?P<word>[^\W\d_][\w .-]{0,99}?)\s*:\s+)"
    r"(?P<value>\S.*?)\s*"
)
# A message has no more of them.
COMMANDS_MAX = 20
LINE_CHARACTERS = 1000


def with_commands(handler: MailHandler, question: Question, decision: Decision) -> Decision:
    """Returns the decision with the field commands of a proven agent.

    Of anyone else, and of automatic messages, the lines stay text, and the reason says why.
    """
    if not handler.field_commands:
        return decision
    effects, notes = [], []
    for effect in decision.effects:
        changed, note = _obeyed(handler, question, effect)
        effects.append(changed)
        notes += [note] if note else []
    reason = "; ".join([decision.reason, *notes])
    return replace(decision, effects=tuple(effects), reason=reason)


def _obeyed(handler: MailHandler, question: Question, effect: Effect) -> tuple[Effect, str]:
    if not isinstance(effect, AddComment | CreateIssue):
        return effect, ""
    written = _text(question, effect)
    lines, commands = read_commands(written, handler.field_commands)
    if not commands:
        return effect, ""
    named = ", ".join(one.field for one in commands)
    if refusal := _refusal(question, effect):
        return effect, f"field commands are text ({named}): {refusal}"
    # A message of commands alone keeps them as its text.
    more = "".join(written.split("\n")[lines:]).strip()
    text = replace(effect.text, skipped_lines=lines if more else 0)
    return replace(effect, commands=commands, text=text), f"field commands found: {named}"


def _refusal(question: Question, effect: AddComment | CreateIssue) -> str:
    """Returns why the sender's lines are no commands, or ""."""
    if question.muted:
        return f"the message is {question.mail.kind}"
    if not question.verified:
        return f"the sender is not verified: {question.judged.reason}"
    if isinstance(effect, CreateIssue):
        project = effect.project
        is_agent = question.is_agent_of(project)
    else:
        project = effect.issue.project
        is_agent = effect.issue.issue_id in question.facts.insider_in
    return "" if is_agent else f"the sender is no agent of {project}"


def _text(question: Question, effect: AddComment | CreateIssue) -> str:
    """Returns the text that the commands stand at the top of, or its beginning."""
    mail = question.mail
    if isinstance(effect, CreateIssue) and effect.quotes_internal:
        # Only its new text is taken, line by line as it is.
        return ""
    if effect.text.new_text_only and not effect.text.ends_before and new_text(mail).strip():
        return new_text(mail)
    return first_text(mail)


def read_commands(text: str, allowed: Sequence[str]) -> tuple[int, tuple[FieldCommand, ...]]:
    """Returns the number of lines at the top that are commands or blank, and the commands.

    Only a line that names one of the allowed fields is a command; the first other line ends them.
    """
    names = {_key(name): name for name in allowed}
    commands: list[FieldCommand] = []
    lines = 0
    for place, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        found = COMMAND.fullmatch(line[:LINE_CHARACTERS])
        name = names.get(_key(found["hash"] or found["word"])) if found else None
        if found is None or name is None or len(commands) == COMMANDS_MAX:
            break
        commands.append(FieldCommand(field=name, value=found["value"]))
        lines = place
    return lines, tuple(commands)


def _key(name: str) -> str:
    """Returns the name as commands are compared: #room_number stands for the field Room number."""
    return folded(name.replace("_", " ").replace("-", " "))
