"""Downloads the jars of a Maven endpoint into a folder. A script, called by `java.py`.

    resolve_jars.py ENDPOINT CACHE_FOLDER TARGET_FOLDER

It is a process of its own, since jgo reads JAVA_HOME (without it, it downloads a JDK) and writes to
the terminal.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import jgo


def main() -> None:
    """Puts one copy of each jar into the target folder."""
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
