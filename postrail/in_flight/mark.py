"""Writes down which messages this process works on, and counts the deaths of its predecessors.

The mark is written on a connection of its own, whose session holds an advisory lock for as long as
the process lives. A mark without its lock is a death: the kernel closes the connection of a process
that ends, however it ends. A paused process keeps its lock. One whose connection was lost, as when
PostgreSQL restarts, takes its deaths back when it connects again.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from postrail.database import Connection, connect, rows
from postrail.database.faults import database_faults
from postrail.errors import PipelineError, TransientError
from postrail.observe.log import log
from postrail.settings import DatabaseSettings

logger = log(__name__)

# A message with this number of deaths alone is not worked again.
DEATHS_MAX = 3
# PostgreSQL notices the end of a process a moment later: a mark is examined twice, after these
# times.
DYING_SECONDS = (0.0, 0.2)
# Deaths of messages that never came again, because another process finished them.
FORGET_AFTER = "30 days"


@dataclass(slots=True)
class Deaths:
    """The deaths of processes that had one message in flight."""

    # With other messages: any of them may be the cause.
    together: int = 0
    alone: int = 0

    @property
    def too_many(self) -> bool:
        """Tells whether the message must not be worked again."""
        return self.alone >= DEATHS_MAX


class Mark:
    """The messages that this process has in flight, as its successors will find them."""

    def __init__(self, settings: DatabaseSettings, service: str) -> None:
        self._settings = settings
        self._service = service
        self._holder = str(uuid.uuid4())
        self._connection: Connection | None = None
        self._empty = True

    async def take(self, work_ids: Sequence[str]) -> dict[str, Deaths]:
        """Commits the mark before the work; returns the deaths of those that have any.

        Raises TransientError when that is not possible now.
        """
        with database_faults():
            try:
                connection = await self._connected()
                found = await self._write(connection, work_ids)
                for seconds in DYING_SECONDS:
                    if any(other for _, _, other in found):
                        await asyncio.sleep(seconds)
                        await self._count_deaths(connection)
                        found = await self._write(connection, work_ids)
            except BaseException:
                await self._disconnect()
                raise
        deaths: dict[str, Deaths] = {}
        for work_id, alone, _ in found:
            if work_id:
                one = deaths.setdefault(work_id, Deaths())
                one.alone += alone
                one.together += not alone
        return deaths

    async def release(self) -> None:
        """Clears the mark: nothing is in flight, or the messages are not why work pauses.

        Best effort: does nothing while PostgreSQL is unavailable.
        """
        if not self._empty:
            self._empty = await self._execute(
                "UPDATE in_flight SET work_ids = '{}' WHERE holder = %s"
            )

    async def forget(self, work_id: str, *, keep: int) -> None:
        """Forgets the deaths of a message, but for `keep` of those alone.

        Raises TransientError when that is not possible now.
        """
        with database_faults():
            connection = await self._connected()
            await connection.execute(
                "DELETE FROM death WHERE service = %(service)s AND work_id = %(id)s"
                " AND holder NOT IN (SELECT holder FROM death WHERE service = %(service)s"
                "  AND work_id = %(id)s AND alone ORDER BY died_at LIMIT %(keep)s)",
                {"service": self._service, "id": work_id, "keep": keep},
            )

    async def close(self) -> None:
        """Removes the mark at a clean stop; best effort."""
        if self._connection is not None or not self._empty:
            await self._execute("DELETE FROM in_flight WHERE holder = %s")
        await self._disconnect()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Removes the mark, unless the process ends by a fault that the messages may cause."""
        if error is None or _is_ordinary(error):
            await self.close()
        else:
            await self.leave()

    async def leave(self) -> None:
        """Leaves the mark as it is: the process ends by a fault that the messages may cause."""
        await self._disconnect()

    async def _execute(self, statement: str) -> bool:
        """Runs a statement about the own mark; returns whether PostgreSQL was available."""
        try:
            with database_faults():
                connection = await self._connected()
                await connection.execute(statement.encode(), [self._holder])
        except TransientError as error:
            logger.debug("the mark was not changed", reason=str(error))
            await self._disconnect()
            return False
        return True

    async def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = await connect(self._settings)
            # A lost mark is a death that is not counted: no reason to wait for the disk.
            await self._connection.execute("SET synchronous_commit = off")
            await self._connection.execute(
                "SELECT pg_advisory_lock(hashtextextended('in flight ' || %s::text, 0))",
                [self._holder],
            )
            # A successor has counted our death while the connection was lost.
            await self._connection.execute("DELETE FROM death WHERE holder = %s", [self._holder])
            await self._count_deaths(self._connection)
        return self._connection

    async def _disconnect(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _write(
        self, connection: Connection, work_ids: Sequence[str]
    ) -> list[tuple[Any, ...]]:
        """Writes the mark; returns deaths (message, alone, None), and (None, False, holder).

        The latter are processes whose marks name one of these messages.
        """
        self._empty = False
        return await rows(
            connection,
            "WITH mine AS ("
            " INSERT INTO in_flight (holder, service, work_ids, since)"
            " VALUES (%(holder)s, %(service)s, %(ids)s::uuid[], now())"
            " ON CONFLICT (holder) DO UPDATE SET work_ids = excluded.work_ids, since = now())"
            " SELECT work_id::text, alone, NULL FROM death"
            "  WHERE service = %(service)s AND work_id = ANY(%(ids)s::uuid[])"
            " UNION ALL SELECT NULL, false, holder::text FROM in_flight"
            "  WHERE service = %(service)s AND holder <> %(holder)s"
            "  AND work_ids && %(ids)s::uuid[]",
            {"holder": self._holder, "service": self._service, "ids": list(work_ids)},
        )

    async def _count_deaths(self, connection: Connection) -> None:
        """Makes a death of each mark whose process has ended, for each of its messages."""
        async with connection.transaction():
            others = await rows(
                connection,
                "SELECT holder::text FROM in_flight WHERE service = %s AND holder <> %s",
                [self._service, self._holder],
            )
            ended = [holder for (holder,) in others if await _has_ended(connection, holder)]
            if not ended:
                return
            counted = await rows(
                connection,
                "WITH ended AS (DELETE FROM in_flight WHERE holder = ANY(%(ended)s::uuid[])"
                "  RETURNING *), forgotten AS ("
                "  DELETE FROM death WHERE died_at < now() - %(forget)s::interval)"
                " INSERT INTO death (service, work_id, holder, alone, died_at)"
                " SELECT service, unnest(work_ids), holder, cardinality(work_ids) = 1, now()"
                "  FROM ended ON CONFLICT DO NOTHING RETURNING work_id::text",
                {"ended": ended, "forget": FORGET_AFTER},
            )
        if counted:
            logger.warning(
                "a process died with messages in flight",
                service=self._service,
                messages=[work_id for (work_id,) in counted],
            )


def _is_ordinary(error: BaseException) -> bool:
    """Tells whether the cause lies outside of the messages in flight."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_ordinary, error.exceptions))
    return isinstance(error, PipelineError | asyncio.CancelledError)


async def forget(connection: Connection, service: str, work_ids: Sequence[str]) -> None:
    """Forgets the deaths of messages that have their outcome, in the caller's transaction."""
    await connection.execute(
        "DELETE FROM death WHERE service = %s AND work_id = ANY(%s::uuid[])",
        [service, list(work_ids)],
    )


async def _has_ended(connection: Connection, holder: str) -> bool:
    """Tells whether the process has no session; until the transaction ends it cannot begin one."""
    (found,) = await rows(
        connection,
        "SELECT pg_try_advisory_xact_lock(hashtextextended('in flight ' || %s::text, 0))",
        [holder],
    )
    return bool(found[0])
