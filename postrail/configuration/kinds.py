"""All configured kinds, and what holds for a thing of any kind."""

from __future__ import annotations

from typing import Any

from postrail.configuration.accounts.kind import MAIL_ACCOUNT
from postrail.configuration.approvals.kind import APPROVAL_SETUP
from postrail.configuration.configured import Configured
from postrail.configuration.connections.kind import OUTGOING_CONNECTION
from postrail.configuration.contexts.kind import CONTEXT
from postrail.configuration.handlers.kind import MAIL_HANDLER
from postrail.configuration.kind import Kind
from postrail.configuration.models.credential import OAUTH_CREDENTIAL
from postrail.configuration.models.limit import LIMIT
from postrail.configuration.models.priority import PRIORITY
from postrail.configuration.models.sender_filter import SENDER_FILTER
from postrail.configuration.person_rows import PERSON
from postrail.configuration.project_rows import PROJECT
from postrail.configuration.templates.message_template import MESSAGE_TEMPLATE
from postrail.secrets import is_reference

# In the order of applying and exporting: a kind comes after those that it refers to.
KINDS: tuple[Kind[Any], ...] = (
    OUTGOING_CONNECTION,
    PRIORITY,
    PROJECT,
    OAUTH_CREDENTIAL,
    MAIL_ACCOUNT,
    APPROVAL_SETUP,
    MAIL_HANDLER,
    SENDER_FILTER,
    PERSON,
    LIMIT,
    MESSAGE_TEMPLATE,
    CONTEXT,
)


def kind_of(thing: Configured) -> Kind[Any]:
    """Returns the descriptor of the thing's kind."""
    return next(kind for kind in KINDS if kind.model is type(thing))


def identity(thing: Configured) -> str:
    """Returns the name, key or address of the thing."""
    return kind_of(thing).identity_of(thing)


def shown(thing: Configured, before: Configured | None = None) -> dict[str, Any]:
    """Returns the values with secrets hidden: only references to secrets are shown as they are."""
    values = thing.model_dump(mode="json")
    for field in kind_of(thing).secrets:
        secret = values[field]
        if secret and not is_reference(secret):
            changed = before is not None and getattr(before, field) != secret
            values[field] = "(new secret)" if changed else "(secret)"
    return values
