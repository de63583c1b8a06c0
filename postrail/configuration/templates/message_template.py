"""A template of messages, as operators configure it, for an event, a project and a language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from postrail.configuration.configured import Configured, Name, faulty
from postrail.configuration.entry import Fault, Proposal, unknown_name
from postrail.configuration.kind import Kind
from postrail.configuration.models.project import Project
from postrail.rendering.checks import faults_of, puts_out
from postrail.rendering.events import MessageEvent

# Blanks at the ends of a text belong to it.
Source = Annotated[str, StringConstraints(strip_whitespace=False), Field(max_length=100_000)]
# Messages that nobody replies to, or whose replies are not divided, need no marker.
UNMARKED = frozenset(
    {
        MessageEvent.ACCOUNT_CREATED,
        MessageEvent.ERROR_NOTICE,
        MessageEvent.REJECTION,
        MessageEvent.FORWARDED,
        MessageEvent.NOTICE,
        MessageEvent.REPLY,
    }
)


class MessageTemplate(Configured):
    """The subject, text and HTML of the messages that report an event."""

    # Plain texts, as files and the database hold them.
    model_config = ConfigDict(use_enum_values=True)

    name: Name
    enabled: bool = True
    event: MessageEvent
    # The key of a project; blank: all projects.
    project: str = ""
    # A code of ISO 639-1; blank: all languages.
    language: Annotated[
        str, Field(pattern="^([a-z]{2})?$", description="two letters, such as en, or blank")
    ] = ""
    # Blank: the default subject, which is the same for all messages about an issue.
    subject: Annotated[str, Field(max_length=1000)] = ""
    text: Annotated[Source, Field(min_length=1)]
    # Blank: made from the text, in the default layout.
    html: Source = ""

    @model_validator(mode="after")
    def _checked(self) -> MessageTemplate:
        if faults := list(_faults(self)):
            raise faulty(faults)
        return self


def _faults(template: MessageTemplate) -> Iterator[tuple[str, str]]:
    for field in ("subject", "text", "html"):
        source = getattr(template, field)
        found = faults_of(source, html=field == "html", subject=field == "subject")
        if found:
            yield field, "; ".join(map(str, found))
        elif field != "subject" and source and template.event not in UNMARKED:
            yield from _faults_of_marker(field, source)


def _faults_of_marker(field: str, source: str) -> Iterator[tuple[str, str]]:
    # In HTML the elements around it come first.
    first = field == "text"
    if not puts_out(source, "marker", first=first):
        place = "put it first" if first else "put it before all other text"
        yield field, f"has no {{{{ marker }}}}, above which people reply: {place}, outside of an if"


def _known_projects(proposal: Proposal) -> Iterable[Fault]:
    projects, templates = proposal.all_of(Project), proposal.all_of(MessageTemplate)
    for name, entry in proposal.entries_of(MessageTemplate).items():
        if (key := templates[name].project) not in {"", *projects}:
            yield entry.fault("project", unknown_name("project", key, projects))


def chosen(
    templates: Iterable[MessageTemplate], event: MessageEvent, project: str, language: str
) -> MessageTemplate | None:
    """Returns the template for a message: the project's first, then the language's; None: ours."""
    fitting = [
        one
        for one in templates
        if one.enabled
        and one.event == event
        and one.project in ("", project)
        and one.language in ("", language)
    ]
    return min(fitting, key=lambda one: (not one.project, not one.language, one.name), default=None)


MESSAGE_TEMPLATE = Kind(
    model=MessageTemplate,
    word="template",
    section="templates",
    title="The texts of messages, where the default ones are not wanted. docs/templates.md has all"
    " variables.",
    table="message_template",
    nullable=frozenset({"project"}),
    checks=(_known_projects,),
)
