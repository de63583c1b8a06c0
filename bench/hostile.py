"""Measures messages made to be slow: for each family the CPU time at n and 4n, and their ratio.

Run: python -m bench.hostile [family …]. The exit code is 1 if a ratio is 6 or more.
"""

from __future__ import annotations

import base64
import struct
import sys
import time
from collections.abc import Callable, Iterator

from services.parser.parse import parse

RATIO_MAX = 6.0
# Shorter times would measure the clock and the processor's caches.
SECONDS_MIN = 0.02
HEAD = b"From: a@b.example\nSubject: s\nMessage-ID: <m@b.example>\n"

Family = Callable[[int], bytes]


def mixed(parts: Iterator[bytes] | list[bytes]) -> bytes:
    """Returns a multipart of these parts."""
    body = b"".join(b"--x\n%b\n" % part for part in parts)
    return HEAD + b'Content-Type: multipart/mixed; boundary="x"\n\n' + body + b"--x--\n"


def two_texts(text: bytes, html: bytes) -> bytes:
    """Returns a multipart/alternative of a text and its HTML."""
    parts = [b"\n" + text, b"Content-Type: text/html\n\n" + html]
    return mixed(parts).replace(b"mixed", b"alternative", 1)


def nested(n: int) -> bytes:
    """Returns nested multiparts."""
    return HEAD + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level)
        for level in range(n // 100)
    )


def html(opening: bytes) -> Family:
    """Returns HTML that repeats a piece."""
    return lambda n: HEAD + b"Content-Type: text/html\n\n" + opening * (n // max(1, len(opening)))


def text(line: bytes) -> Family:
    """Returns a text that repeats a line."""
    return lambda n: HEAD + b"\n" + line * (n // len(line))


def field(name: bytes, piece: bytes) -> Family:
    """Returns a header field that repeats a piece."""
    return lambda n: HEAD + name + b": " + piece * (n // len(piece)) + b"\n\ntext"


def bounce(piece: bytes) -> Family:
    """Returns a bounce whose text repeats a piece."""
    head = b"From: MAILER-DAEMON@b.example\nSubject: Undelivered\nReturn-Path: <>\n\n"
    return lambda n: head + b"could not be delivered to\n" + piece * (n // len(piece))


def attached(content_type: bytes, start: bytes, piece: bytes, end: bytes = b"") -> Family:
    """Returns an attachment that the parser reads, and that repeats a piece."""
    head = HEAD + b"Content-Type: " + content_type + b"\nContent-Transfer-Encoding: base64\n\n"
    return lambda n: head + base64.encodebytes(start + piece * (n // len(piece)) + end)


def rtf(start: bytes, piece: bytes) -> Family:
    """Returns a winmail.dat whose RTF body, compressed or not, repeats a piece."""

    def family(n: int) -> bytes:
        body = start + piece * (n // len(piece))
        value = struct.pack("<IHHII", 1, 0x102, 0x1009, 1, len(body)) + body + bytes(-len(body) % 4)
        return HEAD + b"Content-Type: application/ms-tnef\n\n" + TNEF + struct.pack(
            "<BII", 1, 0x00069003, len(value)
        ) + value + b"\0\0"  # fmt: skip

    return family


TNEF = b"\x78\x9f\x3e\x22\0\0"
SIGNED = b"\x30\x80\x06\x09" + bytes.fromhex("2a864886f70d010702") + b"\xa0\x80\x30\x80\x02\x01\x01"
STRING = b"\x31\0\x30\x80\x06\x09" + bytes.fromhex("2a864886f70d010701") + b"\xa0\x80\x24\x80"


def part(head: bytes, piece: bytes) -> Family:
    """Returns a part in a multipart whose body repeats a piece."""
    return lambda n: mixed([head + b"\n\n" + piece * (n // len(piece))])


def whole(head: bytes, piece: bytes) -> Family:
    """Returns a message with this header whose body repeats a piece."""
    return lambda n: HEAD + head + b"\n\n" + piece * (n // len(piece))


def numbered(before: bytes, piece: bytes, after: bytes = b"\n\ntext") -> Family:
    """Returns a message that repeats a piece, each time with another number."""
    return lambda n: HEAD + before + b"".join(piece % i for i in range(n // len(piece))) + after


def pictures(n: int) -> bytes:
    """Returns HTML that shows many parts of the message."""
    count = range(n // 150)
    shown = b"".join(b'<img src="cid:%d@x">' % index for index in count)
    files = [b"Content-Type: image/png\nContent-ID: <%d@x>\n\npng%d" % (i, i) for i in count]
    return mixed([b"Content-Type: text/html\n\n" + shown, *files]).replace(b"mixed", b"related", 1)


def tall_cell(n: int) -> bytes:
    """Returns a table with a cell of many lines next to many others."""
    return html(b"")(0) + b"<table><tr><td>" + b"a<br>" * (n // 10) + b"<td>b" * (n // 10)


def wide_cell(n: int) -> bytes:
    """Returns a table with a long line above many rows."""
    return html(b"")(0) + b"<table><tr><td>" + b"a" * (n // 2) + b"<tr><td>b" * (n // 18)


def deeper_quotes(n: int) -> bytes:
    """Returns lines that are each quoted one level deeper."""
    return HEAD + b"\n" + b"".join(b">" * depth + b" q\n" for depth in range(int((2 * n) ** 0.5)))


FAMILIES: dict[str, Family] = {
    "one long line": text(b"a"),
    "one long line of spaces": text(b" "),
    "empty lines": text(b"\n"),
    "quoted lines": text(b"> quoted\n"),
    "quote marks": text(b">"),
    "attribution lines": text(b"On Monday somebody wrote:\n"),
    "addresses without an end": text(b"a@"),
    "uuencode that never ends": text(b"begin 644 a\n"),
    "uuencoded lines": lambda n: HEAD + b"\nbegin 644 a\n" + b"#86)C\n" * (n // 6),
    "references": field(b"References", b"<a@b.example>\n "),
    "encoded words": field(b"Subject", b"=?utf-8?q?a?= "),
    "openings of encoded words": field(b"Subject", b"=?utf-8?q?"),
    "addresses": field(b"To", b"a@b.example, "),
    "nested comments in addresses": field(b"To", b"("),
    "quotes in addresses": field(b"To", b'"\\'),
    "parameters": field(b"Content-Type", b"text/plain; a=b"),
    "sections of a parameter": field(b"Content-Disposition", b"attachment; a*0*=b"),
    "header fields": lambda n: HEAD + b"X-A: b\n" * (n // 7) + b"\ntext",
    "header lines that are not fields": lambda n: HEAD + b"\xff: b\n" * (n // 5) + b"To: a\n\ntext",
    "indented fields": field(b"X-Any", b"a\n  Precedence: bulk"),
    "indented lines": field(b"X-Any", b"a\n  b"),
    "one long indentation": field(b"X-Any", b"\n" + b" " * 999),
    "nested parts": nested,
    "many parts": lambda n: mixed([b"\ntext\n"] * (n // 12)),
    "many messages": lambda n: mixed([b"Content-Type: message/rfc822\n\nSubject: x\n"] * (n // 50)),
    "boundaries": lambda n: mixed([]) + b"--x\n" * (n // 4),
    "nested elements": html(b"<div>"),
    "nested tables": html(b"<table><tr><td>"),
    "openings of elements and addresses": html(b"<<a@"),
    "openings of comments": html(b"<!--"),
    "entities": html(b"&amp"),
    "ampersands": html(b"& "),
    "paragraphs without an end": html(b"<p>x"),
    "lists in lists": html(b"<ul><li>a"),
    "quotations in HTML": html(b'<div class="gmail_quote">x<blockquote>y'),
    "header blocks in HTML": html(b"<hr><b>From:</b> a<br><b>Sent:</b> b<br>"),
    "style attributes": html(b'<b style="color:red;display:inline-flex">x<img></b>'),
    "rows of a table": html(b"<table><tr><td>a</td><td>b</td></tr></table>"),
    "a tall cell": tall_cell,
    "a wide cell": wide_cell,
    "pictures": pictures,
    "attributes": html(b"<p a='"),
    "styles": html(b"<style>"),
    "links": html(b"<a href=https://b.example/a>y</a> "),
    "cards in links": html(b"<a href=https://b.example><p>x</a>"),
    "texts in tables": html(b"<table>x"),
    "tables in tables in cells": html(b"<td><table>x"),
    "wide and tall cells": html(b"<tr><td colspan=1000 rowspan=1000>x"),
    "end tags of nothing": html(b"</p></div></td>"),
    "elements that the next one reopens": html(b"<b></div>"),
    "struck paragraphs": html(b"<s>x<p>"),
    "hidden elements": html(b"<p style='display:none'>x"),
    "images without a file": html(b"<img src=cid:a.png>"),
    "comments": html(b"<!-- a -->"),
    "embedded images": numbered(
        b"Content-Type: text/html\n\n",
        b"<img src='data:image/gif;base64," + b"QUFB" * 40 + b"%d'>",
        b"",
    ),
    "embedded images without an end": html(b"<img src='data:image/gif;base64,"),
    "lines as they are": html(b"<pre>x\n"),
    "a bounce of addresses": bounce(b"aaaa@bbbb.example failed\n"),
    "a bounce without line ends": bounce(b"user unknown a@b "),
    "a status of groups": lambda n: mixed(
        [b"Content-Type: message/delivery-status\n\n" + b"Action: failed\n\n" * (n // 16)]
    ),
    "a delivery report on many": lambda n: numbered(
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x\n\n"
        + (b"550 5.0.0 " * 98 + b"\n") * (n // 2000)
        + b"--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; b.example\n\n",
        b"Final-Recipient: rfc822; a%d@b.example\nAction: failed\n\n",
    )(n),
    "recipients in prose": lambda n: (
        bounce(b"x")(1) + b"".join(b"\n<a%d@b.example>: user unknown" % i for i in range(n // 31))
    ),
    "replies below recipients": bounce(b"<a@b.example>:\n  550 5.1.1 <c@d.example> unknown\n"),
    "a label before nothing": bounce(b"To: a: b= "),
    "codes": bounce(b"550 5.1.1 "),
    "entries in one line": bounce(b"<a@b.example>: 550 no (in reply to RCPT TO command) "),
    "numbers that are no codes": bounce(b"had 550 Aaaa Bbbb Cccc,\n"),
    "a list of addresses": bounce(b"Bob <a@b.example>\n"),
    "lines of a session": bounce(b">>> RCPT TO:<a@b.example>\n<<< 550 no\n"),
    "aliases without an end": bounce(b"a@b.example (expanded from <"),
    "report fields in a text": bounce(
        b"Final-Recipient: rfc822; a@b.example\nAction: failed\nOriginal-Recipient: c@d.example\n"
    ),
    "report fields without an empty line": lambda n: mixed(
        [
            b"Content-Type: message/delivery-status\n\n"
            + b"Final-Recipient: rfc822; a@b.example\nAction: failed\n" * (n // 52)
        ]
    ),
    "bounces within bounces": lambda n: (
        b"From: MAILER-DAEMON@b.example\nContent-Type: message/rfc822\n\n" * (n // 62)
    ),
    "bounces beside each other": lambda n: mixed(
        [b"Content-Type: message/rfc822\n\nFrom: MAILER-DAEMON@b.example\n\nno\n"] * (n // 70)
    ),
    "openings of JSON objects": text(b'{"a":'),
    "openings of JSON lists": text(b"["),
    "events in JSON": lambda n: (
        HEAD + b"\n[" + b'{"event":"softbounce","email":"a@b.c"},' * (n // 40) + b"1]"
    ),
    "quotes deeper and deeper": deeper_quotes,
    "lines like a boundary": part(b"", b"--xy\n"),
    "the same boundary within": lambda n: (
        HEAD + b"Content-Type: multipart/mixed; boundary=x\n\n--x\n" * (n // 46)
    ),
    "alternatives": lambda n: mixed([b"Content-Type: text/html\n\n<p>hello</p>\n"] * (n // 42)),
    "numbered sections of a parameter": numbered(
        b"Content-Disposition: attachment", b";\n filename*%d*=%%41"
    ),
    "encoded words in addresses": field(b"To", b"=?utf-8?q?a?= <a@b.example>, "),
    "signs of addresses": field(b"To", b"@"),
    "one long field": field(b"X-Any", b"a"),
    "comments in authentication results": field(b"Authentication-Results", b"b; spf=pass ("),
    "references of one field each": lambda n: HEAD + b"References: <a@b>\n" * (n // 18) + b"\nx",
    "combining characters": text("a\u0301\u0301".encode()),
    "characters without a charset": text(b"gr\xfc\xdfe und\n"),
    "lines like fields": text(b"To: b\n"),
    "header blocks": text(b"From: a@b.example\nSent: Monday\nTo: b\nSubject: x\n\n"),
    "rules": text(b"____\n"),
    "lines that may contain a heading": text(
        b"no. On Mon, Nov 3, 2025 4:07 a@b -- wrote: x wrote:\n"
    ),
    "one line of many headings": text(b"no. On Mon, Nov 3, 2025 4:07 a@b wrote: "),
    "lines of initials": text(b"AB> x\n"),
    "pieces of attributions": text(b"On 3 Nov 2025\n<\n\n"),
    "fields in a line": text(b"From: a@b Date: 3 Nov 2025 16:07 From: "),
    "lines of devices": text(b"sent from my ab, excuse typos\n"),
    "elements of signatures": html(b'<div class="signature">x</div>'),
    "the signature in text and HTML": lambda n: two_texts(
        b"new\n" + b"> q\naab\n" * (n // 20), b'new<div class="signature">' + b"a" * (n // 8)
    ),
    "a text that is its HTML": lambda n: two_texts(
        b"aaaa\n" * (n // 40), b"<blockquote>" + b"aaab<br>" * (n // 20)
    ),
    "signatures": text(b"-- \nBob\n"),
    "flowed lines": whole(b"Content-Type: text/plain; format=flowed", b"> a \n"),
    "calendar events": whole(b"Content-Type: text/calendar", b"BEGIN:VEVENT\nSUMMARY:x\n"),
    "folded calendar lines": whole(b"Content-Type: text/calendar", b"x\n "),
    "uuencoded files": text(b"begin 644 a\n#86)C\n`\nend\n"),
    "base64 with rubbish": part(b"Content-Transfer-Encoding: base64", b"QU%$JD\n"),
    "padded base64": part(b"Content-Transfer-Encoding: base64", b"QQ=="),
    "text behind base64": part(b"Content-Transfer-Encoding: base64", b"QUJD\nno base64\n"),
    "words above base64": part(b"Content-Transfer-Encoding: base64", b"no base64 above\n"),
    "base64 for URLs": part(b"Content-Transfer-Encoding: base64", b"QUJ_-\n"),
    "UTF-8 under another name": whole(b"Content-Type: text/plain; charset=cp1251", "é ".encode()),
    "charsets in HTML": html(b"<meta charset"),
    "raw header fields": lambda n: HEAD + b"X-A: \xb4\xf2\xd3\xa1\n" * (n // 10) + b"\ntext",
    "tags behind a boundary": lambda n: (
        HEAD + b"Content-Type: text/html; boundary=b\n\n--b\nA: b\n\n" + b"<a> " * (n // 4)
    ),
    "commands of text/enriched": whole(b"Content-Type: text/enriched", b"<param><<a>"),
    "escapes of ISO-2022-JP": text(b"\x1b$B-!\x1b(B"),
    "base64 of nothing": part(b"Content-Transfer-Encoding: base64", b"!="),
    "quoted-printable": part(b"Content-Transfer-Encoding: quoted-printable", b"=3D=\n"),
    "S/MIME that never ends": attached(b"application/pkcs7-mime", SIGNED, b"\x31\x80"),
    "S/MIME in small pieces": attached(b"application/pkcs7-mime", SIGNED + STRING, b"\x04\x01x"),
    "attributes of a winmail.dat": attached(
        b"application/ms-tnef", TNEF, struct.pack("<BII", 2, 0x00069002, 0) + b"\0\0"
    ),
    "properties of a winmail.dat": attached(
        b"application/ms-tnef",
        TNEF + struct.pack("<BIII", 1, 0x00069003, 1 << 30, 10_000),
        struct.pack("<HHI", 3, 0x1000, 0),
    ),
    "groups of RTF": rtf(struct.pack("<II4sI", 0, 1 << 30, b"MELA", 0), b"{"),
    "characters of RTF": rtf(struct.pack("<II4sI", 0, 1 << 30, b"MELA", 0), b"\\'e4\\u8364?"),
    "RTF that repeats itself": rtf(
        struct.pack("<II4sI", 0, 1 << 30, b"LZFu", 0), b"\xff" + b"\0\x0f" * 8
    ),
    "events": attached(
        b"text/calendar", b"BEGIN:VCALENDAR\n", b"BEGIN:VEVENT\nUID:a\nEND:VEVENT\n"
    ),
    "attendees": attached(
        b"text/calendar", b"BEGIN:VEVENT\n", b"ATTENDEE;CN=a:mailto:a@b.example\n"
    ),
    "folds of a calendar": attached(b"text/calendar", b"BEGIN:VEVENT\nSUMMARY:", b"\n a"),
    "lists": field(b"List-Unsubscribe", b"<https:"),
    "names without quotes": field(b"To", b"a@b, "),
    "results": field(b"Authentication-Results", b'a=b"('),
}


def seconds(raw: bytes) -> float:
    """Returns the CPU seconds to parse a message, the best of three."""
    times = []
    for _ in range(3):
        start = time.process_time()
        parse(raw)
        times.append(time.process_time() - start)
    return min(times)


def ratio_of(family: Family) -> tuple[int, float, float]:
    """Returns an n large enough to measure, the time at n, and the ratio at 4n."""
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
