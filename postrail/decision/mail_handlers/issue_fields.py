"""Decides the fields of an issue that a handler creates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from postrail import patterns
from postrail.configuration.configured import folded
from postrail.configuration.models.handler_parts import FromMail
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.project import Project
from postrail.decision.decision import IssueFields
from postrail.decision.question import Question

CUSTOM_CHARACTERS = 255


def issue_fields(handler: MailHandler, question: Question, project_key: str) -> IssueFields:
    """Returns the fields of a new issue of the project; later actions go before earlier ones."""
    project = question.snapshot.projects[project_key]
    given: dict[str, object] = {
        "type": handler.issue_type,
        "priority": handler.priority,
        "assignee": handler.assignee or _addressed(handler, question, project_key),
    }
    labels, components = list(handler.labels), list(handler.components)
    custom = {name: _value(one, question) for name, one in handler.fields.items()}
    for action in handler.then:
        labels += action.labels or []
        for name, value in (action.set or {}).items():
            match folded(name), value:
                case "labels", list():
                    labels += value
                case "components", list():
                    components += value
                case ("type" | "priority" | "assignee") as known, _:
                    given[known] = value
                case _:
                    custom[name] = ", ".join(value) if isinstance(value, list) else str(value)
    return IssueFields(
        summary=handler.default_summary,
        issue_type=_type(project, str(given["type"])),
        priority=_priority(question.snapshot.priorities, str(given["priority"])),
        labels=_each_once(labels),
        components=_known(components, project.components),
        assignee=str(given["assignee"]).lower(),
        custom=tuple((name, value) for name, value in custom.items() if value),
    )


def _addressed(handler: MailHandler, question: Question, project: str) -> str:
    """Returns the first of the project's people in To, then Cc, then Bcc."""
    if not handler.cc_assignee:
        return ""
    people = (one.address for one in question.facts.addressed if project in one.agent_of)
    return next(people, "")


def _value(given: str | FromMail, question: Question) -> str:
    if isinstance(given, str):
        return given
    for text in _source(given.source, question):
        if found := patterns.find(given.pattern, text):
            value = next((group for group in found.groups if group), found.text)
            return " ".join(value.split())[:CUSTOM_CHARACTERS]
    return ""


def _source(source: str, question: Question) -> Sequence[str]:
    word, _, name = source.partition(" ")
    if word == "header":
        return question.values.headers.get(name.lower(), ())
    return question.values.texts[word]


def _type(project: Project, wanted: str) -> str:
    """Returns the project's name for a type that is given by name or number; "": the default."""
    for one in project.issue_types:
        if folded(one.name) == folded(wanted) or str(one.number) == wanted:
            return one.name
    return ""


def _priority(priorities: Mapping[int, str], wanted: str) -> int | None:
    for level, name in priorities.items():
        if folded(name) == folded(wanted) or str(level) == wanted:
            return level
    return None


def _known(wanted: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    by_name = {folded(name): name for name in names}
    return _each_once([by_name[folded(one)] for one in wanted if folded(one) in by_name])


def _each_once(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
