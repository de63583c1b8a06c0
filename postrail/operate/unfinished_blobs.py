"""Removes from the folder of a blob store what killed processes have left of their writes.

A write goes to NAME#NUMBER, which gets its name when it is whole; no listing of the store shows
these files. A bucket has none: its lifecycle rules end unfinished uploads.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from postrail.blobs import folder_of
from postrail.observe.log import log

logger = log(__name__)

UNFINISHED = re.compile(r".+#\d+")
# Each write is done long before.
ABANDONED_AFTER = timedelta(days=1)


async def remove_unfinished(url: str, now: datetime) -> int:
    """Removes the files that were last written a day ago; returns their number.

    What cannot be read or removed is logged, and keeps nothing else.
    """
    folder = folder_of(url)
    if folder is None:
        return 0
    before = (now - ABANDONED_AFTER).timestamp()
    return await asyncio.to_thread(lambda: sum(_remove(path, before) for path in _found(folder)))


def _found(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder, onerror=_leave):
        yield from (Path(parent, name) for name in names if UNFINISHED.fullmatch(name))


def _remove(path: Path, before: float) -> bool:
    try:
        if path.stat().st_mtime >= before:
            return False
        path.unlink()
    except OSError as error:
        _leave(error)
        return False
    return True


def _leave(error: OSError) -> None:
    # Another process may have finished or removed it meanwhile.
    if not isinstance(error, FileNotFoundError):
        logger.warning("unfinished blobs are left", path=str(error.filename), reason=str(error))
