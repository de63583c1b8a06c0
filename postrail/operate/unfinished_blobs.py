"""Removes from the folder of a blob store what killed processes have left of their writes.

A write goes to NAME#NUMBER, which gets its name when it is whole; no listing of the store shows
these files. A bucket has none: its lifecycle rules end unfinished uploads.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from datetime import datetime, timedelta
from pathlib import Path

from postrail.blobs import SETTING, folder_of
from postrail.errors import TransientError

UNFINISHED = re.compile(r".+#\d+")
# No write takes so long.
ABANDONED_AFTER = timedelta(days=1)


async def remove_unfinished(url: str, now: datetime) -> int:
    """Removes the files that were last written a day ago; returns their number.

    Raises TransientError when the folder cannot be read or written.
    """
    folder = folder_of(url)
    if folder is None:
        return 0
    try:
        return await asyncio.to_thread(_remove, folder, (now - ABANDONED_AFTER).timestamp())
    except OSError as error:
        raise TransientError(f"the blob store {url}: {error}", setting=SETTING) from error


def _remove(folder: Path, before: float) -> int:
    removed = 0
    for path in folder.rglob("*#*"):
        # Another process may have finished or removed it meanwhile.
        with contextlib.suppress(FileNotFoundError):
            if UNFINISHED.fullmatch(path.name) and path.stat().st_mtime < before:
                path.unlink()
                removed += 1
    return removed
