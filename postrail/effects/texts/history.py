"""Reads the earlier comments that notifications of a comment quote."""

from __future__ import annotations

from collections.abc import Collection

from postrail.database import Connection
from postrail.incoming.senders import OF_PEOPLE, kinds_of
from postrail.notifications.issue_words import HISTORY_MAX_CHARACTERS
from postrail.notifications.said import is_note_of_size
from postrail.tracker.builtin.comments import EarlierComment, comments_before

QUOTED_MAX = 5
# More are read than quoted: some were never told to anybody.
READ_MAX = 10


async def earlier_comments(
    connection: Connection, asked: Collection[tuple[int, str, bool]]
) -> dict[int, tuple[EarlierComment, ...]]:
    """Returns the comments that the notifications of these quote, by the ids of these.

    `asked` has the ids of the comments, their issues, and whether all recipients see internal
    comments. Automatic messages, of which nobody was notified, are left out, and so are our own
    notes in the place of messages that were too large.
    """
    read = await comments_before(
        connection, asked, most=READ_MAX, characters=HISTORY_MAX_CHARACTERS + 1
    )
    kinds = await kinds_of(connection, {one.mail_id for one in read if one.mail_id})
    found: dict[int, tuple[EarlierComment, ...]] = {}
    for one in read:
        if kinds.get(one.mail_id or "", "") in OF_PEOPLE and not is_note_of_size(one.body):
            found[one.before] = (*found.get(one.before, ()), one)[:QUOTED_MAX]
    return found
