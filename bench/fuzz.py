"""Searches for messages that break the parser, guided by code coverage (atheris, libFuzzer).

Run: pip install -e '.[fuzz]'; python -m bench.fuzz FINDINGS [CORPUS …] [-max_total_time=1800 …].
The first message that breaks an invariant in each way is written to the folder FINDINGS.
"""

from __future__ import annotations

import dataclasses
import hashlib
import sys
import tempfile
import time
import traceback
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["services.parser"]):
    from services.parser import parse as _parse  # noqa: F401

from postrail.records import MailParsed
from postrail.stream import avro
from services.parser.parse import Mail, parse
from services.parser.record.make import make_record
from tests.makers.parsing import INLINE_MAX_BYTES, NOW, PLACE, fetched, texts_of
from tests.makers.pieces import PIECES

MAILS = Path(__file__).parents[1] / "tests" / "mails"
# The header that makes each kind of file a message.
HEADS = {
    ".eml": b"",
    ".txt": b"Subject: Re: s\nContent-Type: text/plain; charset=utf-8\n\n",
    ".html": b"Subject: Re: s\nContent-Type: text/html; charset=utf-8\n\n",
}
# About 30 times the time of an ordinary message, since instrumented code is slower.
SECONDS_MIN = 0.25
SECONDS_PER_KIB = 0.02


class Fuzzer:
    """Parses inputs, and keeps those that break an invariant."""

    def __init__(self, findings: Path) -> None:
        self._findings = findings
        self._seen: set[str] = set()

    def __call__(self, data: bytes) -> None:
        """Parses one message; never raises, so that a finding does not end the search."""
        try:
            require_invariants(data)
        except Exception as error:  # noqa: BLE001
            self._keep(data, error)

    def _keep(self, data: bytes, error: Exception) -> None:
        place = traceback.extract_tb(error.__traceback__)[-1]
        what = error if isinstance(error, AssertionError) else type(error).__name__
        name = f"{what}-{Path(place.filename).stem}-{place.lineno}"
        if name not in self._seen:
            self._seen.add(name)
            (self._findings / f"{name}.eml").write_bytes(data)
            print(f"FINDING {name}: {error}", flush=True)


def require_invariants(data: bytes) -> None:
    """Raises if the message is not parsed in time, or its record is not consistent."""
    mail = timed(data)
    for attachment in mail.content.attachments:
        assert hashlib.sha256(attachment.content).hexdigest() == attachment.sha256, "content"
    made = make_record(
        fetched(data), PLACE, data, mail, parsed_at=NOW, inline_max_bytes=INLINE_MAX_BYTES
    )
    require_record(made.record)


def timed(data: bytes) -> Mail:
    """Parses a message; a time above the limit is measured again, as the machine may be busy."""
    limit = SECONDS_MIN + SECONDS_PER_KIB * len(data) / 1024
    for _ in range(3):
        start = time.process_time()
        mail = parse(data)
        if (needed := time.process_time() - start) < limit:
            return mail
    raise TimeoutError(f"{needed:.2f} s for {len(data)} bytes")


def require_record(record: MailParsed) -> None:
    """Raises if Kafka or PostgreSQL could not store the record."""
    encoded = avro.encode(record)
    assert avro.decode(encoded) == record, "decoded"
    # Encoding has excluded lone surrogates, but not NUL.
    for field in dataclasses.fields(record):
        assert not any("\x00" in text for text in texts_of(getattr(record, field.name))), field.name


def dictionary(folder: Path) -> Path:
    """Writes the pieces of messages as a dictionary for libFuzzer."""
    lines = ('"' + "".join(f"\\x{byte:02x}" for byte in piece) + '"' for piece in PIECES)
    path = folder / "pieces.dict"
    path.write_text("\n".join(lines) + "\n")
    return path


def seeds(folder: Path) -> Path:
    """Writes the messages of tests/mails to the folder, as the first inputs."""
    for path in (*MAILS.glob("*.eml"), *MAILS.glob("replies/*.txt"), *MAILS.glob("replies/*.html")):
        (folder / path.name).write_bytes(HEADS[path.suffix] + path.read_bytes())
    return folder


def main() -> None:
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    findings = Path(sys.argv[1])
    findings.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as words, tempfile.TemporaryDirectory() as corpus:
        options = [f"-dict={dictionary(Path(words))}", "-max_len=16384", *sys.argv[2:]]
        atheris.Setup([sys.argv[0], *options, str(seeds(Path(corpus)))], Fuzzer(findings))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
