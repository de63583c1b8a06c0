"""Parsers to compare, each run in a separate process: `python -m bench.peers.parsers NAME DIR`.

Each of them returns what an inbox needs: decoded header fields, texts and files. The time and the
memory for the messages in the folder are printed as JSON.
"""

from __future__ import annotations

import email
import email.header
import email.message
import importlib
import json
import sys
import time
from collections.abc import Callable
from email.policy import default
from pathlib import Path

Parse = Callable[[bytes], object]

# The package that a contender outside the standard library needs.
PACKAGES = {"mail-parser": "mailparser", "fast-mail-parser": "fast_mail_parser"}


def postrail() -> Parse:
    """Returns our parser, with all its results: also the kind and the new part of a reply."""
    return importlib.import_module("services.parser.parse").parse  # type: ignore[no-any-return]


def compat32() -> Parse:
    """Returns Python's original email parser, with each header field decoded once."""
    return lambda data: _walk_old(email.message_from_bytes(data))


def policy_default() -> Parse:
    """Returns Python's email parser with its modern policy."""
    return lambda data: _walk_new(email.message_from_bytes(data, policy=default))


def mail_parser() -> Parse:
    """Returns mail-parser, which is built on compat32."""
    module = importlib.import_module("mailparser")
    return lambda data: module.parse_from_bytes(data).mail


def fast_mail_parser() -> Parse:
    """Returns fast-mail-parser, which is written in Rust."""
    module = importlib.import_module("fast_mail_parser")

    def parse(data: bytes) -> object:
        mail = module.parse_email(data)
        return mail.headers, mail.text_plain, mail.text_html, mail.attachments

    return parse


CONTENDERS: dict[str, Callable[[], Parse]] = {
    "postrail": postrail,
    "email, compat32": compat32,
    "email, policy.default": policy_default,
    "mail-parser": mail_parser,
    "fast-mail-parser": fast_mail_parser,
}


def _walk_old(message: email.message.Message) -> object:
    fields = [
        str(email.header.make_header(email.header.decode_header(value)))
        for value in message.values()
    ]
    parts = [part for part in message.walk() if not part.is_multipart()]
    return fields, [(part.get_payload(decode=True), part.get_filename()) for part in parts]


def _walk_new(message: email.message.EmailMessage) -> object:
    fields = [str(value) for value in message.values()]
    parts = [part for part in message.walk() if not part.is_multipart()]
    return fields, [(part.get_content(), part.get_filename()) for part in parts]


def run(parse: Parse, folder: Path) -> dict[str, float]:
    """Measures CPU and wall seconds, failed messages, and the peak memory."""
    paths = sorted(folder.iterdir())
    before, used, waited, refused = _peak_bytes(), 0.0, 0.0, 0
    for path in paths:
        data = path.read_bytes()
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            parse(data)
        # Each parser raises exceptions of its own on messages that it cannot parse.
        except Exception:  # noqa: BLE001
            refused += 1
        used += time.process_time() - cpu
        waited += time.perf_counter() - wall
    return {
        "cpu_seconds": used,
        "wall_seconds": waited,
        "refused": refused,
        "memory_bytes": _peak_bytes(),
        "memory_before_bytes": before,
    }


def _peak_bytes() -> int:
    # The peak of getrusage would include the memory of the parent process.
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(line for line in lines if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024


def main() -> None:
    name, folder = sys.argv[1:]
    parse = CONTENDERS[name]()
    # Tables that are built at the first message belong to the start.
    parse(b"From: a@b.example\nSubject: first\nContent-Type: text/html\n\n<p>text</p>")
    print(json.dumps(run(parse, Path(folder))))


if __name__ == "__main__":
    main()
