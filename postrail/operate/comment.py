"""Comments on an issue for a person, or in the name of the help desk."""

from __future__ import annotations

from datetime import datetime

from postrail.configuration import load
from postrail.database import Connection, Pool, transaction
from postrail.effects.comment import Commented, add_comment
from postrail.errors import ConfigurationError
from postrail.tracker.builtin.tracker import BuiltinTracker
from postrail.views.issues import issue


async def comment_on_issue(
    pool: Pool,
    issue_key: str,
    text: str,
    *,
    author_address: str | None,
    message_id_key: bytes,
    excerpt_max_characters: int,
    now: datetime,
) -> Commented:
    """Commits a comment with its notifications; the services' sweepers publish these to Kafka.

    Without an author the comment is from the address that the project's mail is from. Raises
    PermanentError when the issue does not exist, ConfigurationError when it has no such address.
    """
    async with transaction(pool) as connection:
        address, name = (
            await _help_desk(connection, issue_key)
            if author_address is None
            else await _person(connection, author_address)
        )
    return await add_comment(
        pool,
        BuiltinTracker(),
        issue_key=issue_key,
        author_address=address,
        author_name=name,
        text=text,
        message_id_key=message_id_key,
        excerpt_max_characters=excerpt_max_characters,
        now=now,
    )


async def _person(connection: Connection, address: str) -> tuple[str, str]:
    """Returns the address with the name of its person, which is blank for a stranger."""
    names = {person.address: person.name for person in await load.people(connection)}
    return address, names.get(address.lower(), "")


async def _help_desk(connection: Connection, issue_key: str) -> tuple[str, str]:
    project = (await issue(connection, issue_key)).issue.project
    sender = (await load.load_snapshot(connection)).connection_for(project)
    if sender is None:
        raise ConfigurationError(
            f"no outgoing connection sends the mail of {issue_key}",
            remedy="Name the author of the comment with --author",
        )
    return sender.from_address, sender.from_name
