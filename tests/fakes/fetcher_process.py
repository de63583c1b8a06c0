"""A whole fetcher as a process of its own, and what it needs to have work."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from postrail.accounts.models import Configured, Project
from postrail.accounts.store import save
from postrail.database import one_connection
from postrail.settings import Settings
from postrail.stream.topics import apply_topics

REPOSITORY = Path(__file__).parents[2]


@contextlib.contextmanager
def fetcher(
    environment: Mapping[str, str], log: Path, module: str = "services.fetcher", *arguments: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is killed at the end of the block if it still runs."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=REPOSITORY,
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def configure(settings: Settings, things: Sequence[Configured]) -> None:
    """Makes topics, the project HELP and the things."""
    await asyncio.to_thread(apply_topics, settings.kafka)
    now = datetime.now(UTC)
    async with one_connection(settings.database) as connection:
        for thing in (Project(key="HELP", name="Help"), *things):
            await save(connection, thing, before=None, author="test", now=now)
