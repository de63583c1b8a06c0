"""The entries of a notice: its lines in, each address with the lines that belong to it out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from services.parser.kind.bounce.codes import codes_of, first_code
from services.parser.kind.bounce.notice import ADDRESS, bare_address
from services.parser.kind.bounce.words import CONTACT, DELAY, FAILURE, SENDER_LABEL

ENTRY_LINES_MAX = 30
# At the beginning of a line: bullets, a number, a label, brackets; then the address.
HEAD = re.compile(
    r"[ \t>|*•·・-]{0,40}(?:\d{1,3}[.)][ \t]{1,4})?"
    r"(?:(?P<label>[^\W\d][^:：=@<>|\n]{0,40})[:：=|][ \t]{0,20})?"
    r"(?:[\[\"'(<]|(?:SMTP|RFC822|mailto)[:=;][ \t]{0,3}){0,4}"
    rf"(?P<address>{ADDRESS.pattern})"
    r"[>\])\"']{0,4}(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
# What follows an address that a line is about; a sentence would go on with a word.
HEAD_END = re.compile(r"[ \t]*(?:$|[:：;,()\[{|<=/–-]|\.{1,3}(?:[ \t]|$)|on\b)|[ \t]{2,}|\t")
# Postfix and Exim: the alias that the sender used, after the address that it was expanded to.
ALIAS = re.compile(
    r"\((?:expanded|(?:ultimately )?generated) from:?\s{1,9}"
    rf"<?(?P<address>{ADDRESS.pattern})>?\)(?P<rest>.*)",
    re.IGNORECASE,
)
ALIAS_ONLY = re.compile(r"\((?:expanded|(?:ultimately )?generated) from:?[^()]{1,400}\)")
# "… because they accept no mail from <a@b.example>".
SENDER_BEFORE = re.compile(
    r"\b(?:from|by|sender|von|de la part de)[:\s]{1,3}[<\"'(\[]{0,2}$", re.IGNORECASE
)
BRACKETS = ">)]\"' \t"
SENTENCE_MAX = 60
# Postfix: "(in reply to RCPT TO command)", which does not ask for a reply.
IN_REPLY = re.compile(r"\breply to [\w ]{4,20} command\b", re.IGNORECASE)
# Below the end of a reply, a line that goes on so is an entry, whatever stands above it.
ENTRY_REST = re.compile(r"[ \t]{0,9}[:：]|[ \t]{0,9}\((?:expanded|(?:ultimately )?generated) from")
# The next entry in the same line, after a mail program has joined the lines.
JOINED = re.compile(
    rf"(?<= command\))[ \t]{{1,9}}(?=<{ADDRESS.pattern}>(?: \(expanded from <[^<>]{{1,300}}>\))?:)"
)
# A line of an SMTP session, or one that introduces a reply.
REPLY_LINE = re.compile(r"[ \t]*(?:>>>|<<<|<-|->|\.\.\. while talking)")


@dataclass(slots=True)
class Entry:
    """A line, or an address with the lines below that belong to it."""

    # The numbers of its first and last line.
    number: int
    last: int
    text: str
    # The address that the line begins with, or "".
    address: str = ""
    # The address that was expanded to it, or "".
    alias: str = ""
    # The addresses in a sentence, and those in a server's reply; without those to ask for help.
    mentioned: list[str] = field(default_factory=list)
    replied: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    # Whether it contains a code, or words about a failure or delay.
    fails: bool = False

    @property
    def details(self) -> str:
        """Returns what follows the address, or the lines from the first code on below it."""
        text = self.text
        behind = ""
        if self.address and self.address in text.split("\n", 1)[0]:
            text = ALIAS_ONLY.sub("", text.partition(self.address)[2].lstrip(BRACKETS))
            text = text.lstrip(f"{BRACKETS}:;,.-")
            behind = text.split("\n", 1)[0]
        lines = [line.strip() for line in text.split("\n")]
        coded = next((number for number, line in enumerate(lines) if codes_of(line)), 0)
        # A reply may begin behind the address; Exchange gives the time there.
        begin = 0 if behind.strip() and not behind.startswith("on ") else coded
        return "\n".join(lines[begin:]).strip()


def read_entries(lines: list[str]) -> list[Entry]:
    """Returns the entries of a notice in their order."""
    lines = [one for line in lines for one in JOINED.split(line)]
    entries: list[Entry] = []
    number = 0
    # The indentation of the reply that the lines belong to, or -1.
    reply = -1
    while number < len(lines):
        line = lines[number]
        if not line.strip():
            reply, number = -1, number + 1
            continue
        inside = 0 <= reply < _indent(line)
        head = None if inside else _head(line)
        if head and not ENTRY_REST.match(head["rest"]) and _asks(lines, number, ""):
            head = None
        entry = _entry(lines, number, head, in_reply=reply >= 0)
        if head is None and (reply < 0 or entry.codes) and _is_reply(entry):
            reply = _indent(line)
        elif head is not None:
            reply = -1
        entries.append(entry)
        number = entry.last + 1
    return entries


def _is_reply(entry: Entry) -> bool:
    return bool(entry.codes or REPLY_LINE.match(entry.text))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _head(line: str) -> re.Match[str] | None:
    """Returns the address that a line begins with and is about, or None."""
    if expanded := ALIAS.match(line.lstrip()):
        # It was expanded to a file or a program instead of an address.
        return expanded
    found = HEAD.match(line)
    if found is None:
        return None
    label, rest = found["label"], found["rest"]
    if label:
        return None if first_code(label) >= 0 or SENDER_LABEL.search(label) else found
    if HEAD_END.match(rest) or first_code(rest) >= 0:
        return found
    return found if FAILURE.search(rest) else None


def _entry(lines: list[str], number: int, head: re.Match[str] | None, *, in_reply: bool) -> Entry:
    last = _last_line(lines, number, head) if head else number
    text = "\n".join(lines[number : last + 1])
    codes = codes_of(text)
    entry = Entry(number, last, text, codes=codes)
    entry.fails = bool(codes or FAILURE.search(text) or DELAY.search(text))
    if head:
        alias = ALIAS.search(text)
        entry.address = bare_address(head["address"])
        entry.alias = bare_address(alias["address"]) if alias else ""
        return entry
    start = len(text)
    if in_reply or REPLY_LINE.match(text):
        start = 0
    elif codes:
        start = max(first_code(text), 0)
    for found in ADDRESS.finditer(text):
        if SENDER_BEFORE.search(text, max(0, found.start() - 20), found.start()):
            continue
        if _asks(lines, number, text[: found.start()]):
            break
        which = entry.mentioned if found.start() < start else entry.replied
        which.append(bare_address(found.group()))
    return entry


def _asks(lines: list[str], number: int, before: str) -> bool:
    """Tells whether the sentence up to an address names it as one to ask for help."""
    above = lines[number - 1].rstrip() if number else ""
    # A sentence may begin in the line above.
    if above.endswith((".", ":", "!", "?", ">")):
        above = ""
    sentence = f"{above[-SENTENCE_MAX:]} {before[-SENTENCE_MAX:]}"
    return bool(CONTACT.search(IN_REPLY.sub("", sentence)))


def _last_line(lines: list[str], number: int, head: re.Match[str]) -> int:
    """Returns the last of the lines that belong to an address: deeper ones, or all after ":"."""
    indent = _indent(lines[number])
    all_below = head["rest"].strip() in (":", "：") or head.re is ALIAS
    last = number
    for below in range(number + 1, min(len(lines), number + ENTRY_LINES_MAX)):
        line = lines[below]
        deeper = _indent(line) > indent
        if not line.strip() or not (deeper or all_below) or (not deeper and _head(line)):
            break
        last = below
    return last
