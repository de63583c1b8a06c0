"""Writes schemas/*.avsc from the record dataclasses; with --release also into schemas/released/."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from postrail.stream.schema import fingerprint_of, schema_files

FOLDER = Path(__file__).resolve().parent.parent / "schemas"


def main() -> None:
    for name, text in schema_files():
        (FOLDER / name).write_text(text)
        if "--release" in sys.argv:
            fingerprint = fingerprint_of(json.loads(text)).hex()
            released = FOLDER / "released" / f"{name.removesuffix('.avsc')}.{fingerprint}.avsc"
            released.parent.mkdir(exist_ok=True)
            released.write_text(text)


if __name__ == "__main__":
    main()
