"""Makes SHA-256 digests of values, the same on every machine and in every release. Pure."""

from __future__ import annotations

import hashlib
import json


def canonical(value: object) -> str:
    """Returns the value as JSON in its one spelling: sorted names, no spaces, ASCII only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def sha256_of(value: object) -> str:
    """Returns the SHA-256 of the value's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
