"""Resolves a Maven endpoint and puts its jars into a folder. Run as a script by `java.py`.

    resolve_jars.py ENDPOINT CACHE_FOLDER TARGET_FOLDER

A process of its own, because jgo wants JAVA_HOME in the environment (else it downloads a JDK) and
writes to the terminal.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def main() -> None:
    """Puts one copy of each jar into the target folder."""
    import jgo

    endpoint, cache, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    environment = jgo.build(endpoint, cache_dir=cache)
    for jar in sorted(environment.path.rglob("*.jar")):
        copy = target / jar.name
        if not copy.exists():
            _link_or_copy(jar.resolve(), copy)


def _link_or_copy(source: Path, copy: Path) -> None:
    try:
        os.link(source, copy)
    except OSError:
        shutil.copyfile(source, copy)


if __name__ == "__main__":
    main()
