"""The messages of the benches: those of a workload file if there is one, else generated ones.

A workload file is a Python file with a function `make(mix, index) -> bytes`. The generator makes
the same kinds in the same shares, so that a clone without that file can be measured, too.
"""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

Make = Callable[[str, int], bytes]

# It is outside of the repository, since other systems were measured with it, too.
DEFAULT_FILE = Path(__file__).resolve().parents[2] / "shared" / "bench" / "workload.py"
# The subjects of replies contain issue keys of this project.
PROJECT = "KEY"

BEGIN = datetime(2026, 2, 2, 7, 0, tzinfo=UTC)
VOCABULARY = """
    access account again agreement answer balance billing button calendar cannot change contract
    copy customer delivery device display document error export failed file holiday invoice login
    mailbox meeting missing number office order page password payment permission phone please
    printer question received refund report request screen server signature slow thanks update
    urgent user version website wrong Grüße Straße déjà señor привет
"""
WORDS = VOCABULARY.split()
# Cumulative shares of the kinds in thousandths; the rest have a large attachment.
REPLY, NEW, ATTACHED, AUTOMATIC = 600, 850, 950, 990


def load_maker(file: Path) -> tuple[Make, str]:
    """Returns the function that makes messages, and the name of its source."""
    if not file.exists():
        return make, "own generator"
    spec = importlib.util.spec_from_file_location("workload", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Make = module.make
    return found, file.name


def mails(maker: Make, mix: str, count: int) -> list[bytes]:
    """Makes the first messages of a mix, in order: a maker may depend on its earlier ones."""
    return [maker(mix, index) for index in range(count)]


def make(mix: str, index: int) -> bytes:
    """Makes the message with this index.

    60 % are replies, 25 % new ones, 10 % have attachments, 4 % are automatic, and 1 % have a large
    attachment. In the mix "small" new ones replace those with attachments.
    """
    chance = random.Random(f"postrail {mix} {index}")
    share = _share(index)
    mail = EmailMessage(policy=SMTP)
    person = chance.randrange(150)
    mail["From"] = f"Custömer {person} <customer{person}@example.org>"
    mail["To"] = "Help desk <help@example.com>"
    mail["Date"] = format_datetime(BEGIN + timedelta(minutes=index))
    mail["Message-ID"] = _message_id(mix, index)
    opens = index == 0 or REPLY <= share < ATTACHED or share >= AUTOMATIC
    if opens:
        mail["Subject"] = _subject(mix, index)
        mail.set_content(_text(chance, chance.randint(2000, 8000)), cte="quoted-printable")
        if mix == "real" and share >= NEW:
            _attach(mail, chance, large=share >= AUTOMATIC)
    elif share < REPLY:
        _reply(mail, chance, mix, index)
    else:
        mail["Subject"] = "Automatic reply: " + _subject(mix, index)
        mail["Auto-Submitted"] = "auto-replied"
        mail.set_content(_text(chance, 400))
    return bytes(mail)


def _share(index: int) -> int:
    return random.Random(f"postrail kind {index}").randrange(1000)


def _message_id(mix: str, index: int) -> str:
    return f"<bench-{mix}-{index}@example.org>"


def _subject(mix: str, index: int) -> str:
    chance = random.Random(f"postrail subject {mix} {index}")
    return " ".join(chance.choices(WORDS, k=chance.randint(3, 8)))


def _text(chance: random.Random, size: int) -> str:
    lines, length = [], 0
    while length < size:
        line = " ".join(chance.choices(WORDS, k=10))
        lines.append(line)
        length += len(line) + 1
    return "\n".join(lines) + "\n"


def _reply(mail: EmailMessage, chance: random.Random, mix: str, index: int) -> None:
    parent = _parent(chance, index)
    mail["In-Reply-To"] = mail["References"] = _message_id(mix, parent)
    mail["Subject"] = f"Re: {_subject(mix, parent)}"
    answer, quoted = _text(chance, 300), _text(chance, 600)
    mail.set_content(answer + "\nOn that day somebody wrote:\n> " + quoted.replace("\n", "\n> "))
    page = f"<html><body><p>{answer}</p><blockquote>{quoted}</blockquote></body></html>"
    mail.add_alternative(page, subtype="html")
    mail.set_boundary(f"alternative-{index}")


def _parent(chance: random.Random, index: int) -> int:
    """Returns the index of an earlier message that began a conversation."""
    found = max(0, index - chance.randint(1, 100))
    while found > 0 and not REPLY <= _share(found) < NEW:
        found -= 1
    return found


def _attach(mail: EmailMessage, chance: random.Random, *, large: bool) -> None:
    size = chance.randint(5 << 20, 10 << 20) if large else chance.randint(50 << 10, 500 << 10)
    mail.add_attachment(
        chance.randbytes(size), maintype="application", subtype="pdf", filename="scan.pdf"
    )
    mail.set_boundary(f"mixed-{size}")
