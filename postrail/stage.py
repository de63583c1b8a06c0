"""Runs a stage that works from its own tables: intake, the stage's loops and the outbox sweeper."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic

from postrail.database import Pool, require_current_schema, transaction
from postrail.instance import require_own
from postrail.process import Process, open_database
from postrail.records import R
from postrail.stream.intake import IntakeOffsets
from postrail.stream.outbox import Sweeper
from postrail.stream.topics import Topic
from postrail.stream.worker import BatchWork, Worker
from postrail.tasks import side_by_side

Loop = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, kw_only=True)
class Stage(Generic[R]):
    """What differs from stage to stage: where records go, and the loops that work on them."""

    # Writes a batch into the stage's tables, together with its offsets.
    take_in: BatchWork[R]
    # Each runs until the process stops.
    loops: tuple[Loop, ...]


async def run_stage(
    process: Process,
    topic: Topic[R],
    group: str,
    make_stage: Callable[[Pool, IntakeOffsets], Stage[R]],
) -> None:
    """Runs the stage until the process stops; when one of its parts fails, all end.

    Waits for a database that is unavailable at the start, and refuses to work on one with another
    schema or another owner.
    """
    settings = process.settings
    pool = await open_database(process)
    if pool is None:
        return
    try:
        async with transaction(pool) as connection:
            await require_current_schema(connection)
        await require_own(pool, settings.instance, process.clock.now())
        offsets = IntakeOffsets(group, topic.name, pool)
        stage = make_stage(pool, offsets)
        worker = Worker(
            topic=topic,
            group=group,
            settings=settings.kafka,
            process=stage.take_in,
            producer=process.producer,
            health=process.health,
            clock=process.clock,
            positions=offsets,
        )
        sweeper = Sweeper(pool, process.producer, settings.outbox, process.clock)
        await side_by_side(
            worker.run(process.stop),
            *(loop() for loop in stage.loops),
            sweeper.run(process.stop),
        )
    finally:
        await pool.close()
