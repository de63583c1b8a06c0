"""Mails made to be slow: for each family the CPU time at n and at 4n, and their ratio.

Run: python -m bench.hostile [family …]. Exit code 1 when a ratio is 6 or more.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

from services.parser.parse import parse

RATIO_MAX = 6.0
# Below this the clock and the processor's caches are what is measured.
SECONDS_MIN = 0.02
HEAD = b"From: a@b.example\nSubject: s\nMessage-ID: <m@b.example>\n"

Family = Callable[[int], bytes]


def mixed(parts: Iterator[bytes] | list[bytes]) -> bytes:
    """A multipart of these parts."""
    body = b"".join(b"--x\n%b\n" % part for part in parts)
    return HEAD + b'Content-Type: multipart/mixed; boundary="x"\n\n' + body + b"--x--\n"


def nested(n: int) -> bytes:
    """Multiparts within each other."""
    return HEAD + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level)
        for level in range(n // 100)
    )


def html(opening: bytes) -> Family:
    """HTML that is this over and over."""
    return lambda n: HEAD + b"Content-Type: text/html\n\n" + opening * (n // len(opening))


def text(line: bytes) -> Family:
    """A text that is this over and over."""
    return lambda n: HEAD + b"\n" + line * (n // len(line))


def field(name: bytes, piece: bytes) -> Family:
    """A header field that is this over and over."""
    return lambda n: HEAD + name + b": " + piece * (n // len(piece)) + b"\n\ntext"


def bounce(piece: bytes) -> Family:
    """A bounce whose text is this over and over."""
    head = b"From: MAILER-DAEMON@b.example\nSubject: Undelivered\nReturn-Path: <>\n\n"
    return lambda n: head + b"could not be delivered to\n" + piece * (n // len(piece))


FAMILIES: dict[str, Family] = {
    "one long line": text(b"a"),
    "one long line of spaces": text(b" "),
    "empty lines": text(b"\n"),
    "quoted lines": text(b"> quoted\n"),
    "quote marks": text(b">"),
    "attribution lines": text(b"On Monday somebody wrote:\n"),
    "addresses without an end": text(b"a@"),
    "uuencode that never ends": text(b"begin 644 a\n"),
    "uuencoded lines": lambda n: HEAD + b"\nbegin 644 a\n" + b"M" * 61 * 0 + b"#86)C\n" * (n // 6),
    "references": field(b"References", b"<a@b.example>\n "),
    "encoded words": field(b"Subject", b"=?utf-8?q?a?= "),
    "openings of encoded words": field(b"Subject", b"=?utf-8?q?"),
    "addresses": field(b"To", b"a@b.example, "),
    "nested comments in addresses": field(b"To", b"("),
    "quotes in addresses": field(b"To", b'"\\'),
    "parameters": field(b"Content-Type", b"text/plain; a=b"),
    "sections of a parameter": field(b"Content-Disposition", b"attachment; a*0*=b"),
    "header fields": lambda n: HEAD + b"X-A: b\n" * (n // 7) + b"\ntext",
    "header lines that are no fields": lambda n: HEAD + b"\xff: b\n" * (n // 5) + b"To: a\n\ntext",
    "nested parts": nested,
    "many parts": lambda n: mixed([b"\ntext\n"] * (n // 12)),
    "many messages": lambda n: mixed([b"Content-Type: message/rfc822\n\nSubject: x\n"] * (n // 50)),
    "boundaries": lambda n: mixed([]) + b"--x\n" * (n // 4),
    "nested elements": html(b"<div>"),
    "nested tables": html(b"<table><tr><td>"),
    "openings of elements": html(b"<"),
    "openings of comments": html(b"<!--"),
    "entities": html(b"&amp"),
    "attributes": html(b"<p a='"),
    "styles": html(b"<style>"),
    "a bounce of addresses": bounce(b"aaaa@bbbb.example failed\n"),
    "a bounce without line ends": bounce(b"user unknown a@b "),
    "a status of groups": lambda n: mixed(
        [b"Content-Type: message/delivery-status\n\n" + b"Action: failed\n\n" * (n // 16)]
    ),
    "base64 of nothing": lambda n: mixed(
        [b"Content-Transfer-Encoding: base64\n\n" + b"!=" * (n // 2)]
    ),
    "quoted-printable": lambda n: mixed(
        [b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=3D=\n" * (n // 5)]
    ),
}


def seconds(raw: bytes) -> float:
    """CPU seconds to parse this, the best of three."""
    times = []
    for _ in range(3):
        start = time.process_time()
        parse(raw)
        times.append(time.process_time() - start)
    return min(times)


def ratio_of(family: Family) -> tuple[int, float, float]:
    """The n from which on the time can be measured, the time at n, and the ratio at 4n."""
    n = 32 * 1024
    while (once := seconds(family(n))) < SECONDS_MIN and n < 2 * 1024 * 1024:
        n *= 4
    return n, once, seconds(family(4 * n)) / max(once, SECONDS_MIN)


def main() -> int:
    worst = 0.0
    for name in sys.argv[1:] or FAMILIES:
        n, once, ratio = ratio_of(FAMILIES[name])
        worst = max(worst, ratio)
        print(
            f"{name:36} n = {n // 1024:5} KiB {once * 1000:9.1f} ms  ratio {ratio:5.1f}", flush=True
        )
    return int(worst >= RATIO_MAX)


if __name__ == "__main__":
    raise SystemExit(main())
