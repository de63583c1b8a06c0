"""Saves a file of an issue, and kills itself by SIGKILL instead of a call of the system.

python -m tests.processes.killed_saver URL SHA256 FOLDER CALL
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from postrail.blobs import BlobStore
from postrail.operate.files.save import save_files
from postrail.views.issue_detail import AttachmentRow


def kill(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    url, sha256, folder, call = sys.argv[1:]
    setattr(os, call, kill)
    one = AttachmentRow(
        attachment_id=1,
        name="plan.pdf",
        original_name=None,
        content_type="application/pdf",
        size=1,
        sha256=sha256,
        content_id=None,
        comment_id=None,
    )
    asyncio.run(save_files([one], Path(folder), BlobStore(url)))
