"""A context of outgoing messages, as operators configure it: for which issues, and what it says."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from postrail.configuration.configured import Configured, Name
from postrail.configuration.contexts.recipients import Recipients
from postrail.configuration.models.outgoing_connection import HeaderText, OutgoingConnection
from postrail.configuration.models.project import OptionalAddress
from postrail.rendering.events import MessageEvent


def _listed(given: Any) -> Any:
    """Returns a list of one for a single name."""
    return [given] if isinstance(given, str) else given


Names = Annotated[list[Name], BeforeValidator(_listed), Field(min_length=1)]


class MessageContext(Configured):
    """Decides how messages about the issues of its scope are sent, and by which templates."""

    # Plain texts, as files and the database hold them.
    model_config = ConfigDict(use_enum_values=True)

    name: Name
    description: str = ""
    enabled: bool = True
    # The first context whose scope has the issue decides; those with the same number by name.
    order: Annotated[int, Field(ge=0, le=1_000_000)] = 100
    # A query for issues; blank: every issue.
    scope: str = ""
    # Blank: the project's connection, or the default one.
    connection: str = ""
    # In From, in the place of the connection's own; blank: the connection's own.
    from_address: OptionalAddress = ""
    from_name: HeaderText = ""
    # The templates of events: of several, one in the language of the message.
    templates: dict[MessageEvent, Names] = Field(default_factory=dict)
    # Who is told, by event; others as the project says.
    recipients: Recipients = Field(default_factory=dict)

    def dress(self, connection: OutgoingConnection) -> OutgoingConnection:
        """Returns the connection with the address and name that messages of the context have."""
        own = {
            "from_address": self.from_address or connection.from_address,
            "from_name": self.from_name or connection.from_name,
        }
        return connection.model_copy(update=own)
