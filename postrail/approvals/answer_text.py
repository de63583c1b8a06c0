"""Finds words, clauses, sentences and greetings in the text of an answer. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from postrail.approvals.token import IN_TEXT
from postrail.approvals.words import folded, folded_all

GREETED_NAMES_MAX = 5
# A line that mail programs may have wrapped; its sentence goes on in the next one.
WRAPPED_CHARACTERS = 50
WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
# With these and no space, two words are one thing: "yes/no", "1.5", "no-reply".
JOINS = re.compile(r"[-/'_@&+.:·=]+")
SENTENCE_END = re.compile(r"[.!?。！？…]")
# Marks of bold text and quotation marks end nothing.
CLAUSE_END = re.compile(r"[^\s*_~\"'“”„‘«»「」『』]|\n")
IDEOGRAPHIC = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
INVISIBLE = re.compile(r"[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
# What introduces the token in its line.
LABEL = re.compile(r"[^:]{0,40}:")
GREETINGS = folded_all(
    "hi, hello, hey, dear, good morning, good afternoon, good evening, good day, greetings,"
    " hallo, guten morgen, guten tag, guten abend, liebe, lieber, liebes, moin, servus, grüß gott,"
    " grüezi, sehr geehrte, sehr geehrter, bonjour, bonsoir, salut, cher, chère, chers, chères,"
    " hola, buenos días, buen día, buenas tardes, buenas noches, buenas, estimado, estimada,"
    " estimados, estimadas, querido, querida, olá, oi, bom dia, boa tarde, boa noite, caro, cara,"
    " caros, prezado, prezada, prezados, こんにちは, こんばんは, おはようございます, お疲れ様です,"
    " お疲れさまです, お世話になっております, お世話になります, いつもお世話になっております"
)
# What follows the name of a person whom a Japanese message greets.
GREETED = ("様", "さま", "さん", "殿", "各位")
# A full stop behind them ends nothing: "Dear Mr. Smith,".
TITLES = folded_all("mr, mrs, ms, dr, prof, hr, fr, sr, sra, srta, m, mme, st")
# Lines that mail programs add, above the answer too.
PROGRAM_LINES = (
    "sent from my", "sent from outlook", "sent from mail", "sent via", "sent with", "get outlook",
    "von meinem", "gesendet von", "gesendet mit", "holen sie sich outlook", "outlook für",
    "envoyé de mon", "envoyé depuis", "envoyé à partir", "télécharger outlook", "obtenez outlook",
    "enviado desde", "enviado con", "obtener outlook", "enviado do", "enviado de", "enviado pelo",
    "obter o outlook", "baixe o outlook", "iphoneから送信", "ipadから送信", "androidから送信",
    "outlook for", "スマートフォンから送信",
)  # fmt: skip
_PROGRAM_LINES = tuple(folded(line) for line in PROGRAM_LINES)


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A word of the text, and its folded spelling."""

    start: int
    end: int
    word: str


def without_frame(text: str) -> str:
    """Returns the text without our tokens, invisible signs, and the lines of mail programs."""
    text = unicodedata.normalize("NFC", INVISIBLE.sub("", text.replace("\r\n", "\n")))
    lines = [_without_token(line.strip()) for line in text.split("\n")]
    kept = [place for place, line in enumerate(lines) if not _is_frame(line)]
    return "\n".join(lines[kept[0] : kept[-1] + 1]) if kept else ""


def _is_frame(line: str) -> bool:
    return not line or folded(line[:100]).startswith(_PROGRAM_LINES)


def _without_token(line: str) -> str:
    """Returns the line without our token, and without the words that introduce it."""
    found = IN_TEXT.search(line)
    if found is None:
        return line
    before, after = line[: found.start()].strip(" ([<*_"), line[found.end() :].strip(" )]>*_")
    return "" if not after and LABEL.fullmatch(before) else f"{before} {after}".strip()


def tokens_of(text: str) -> list[Token]:
    """Returns the words of a text."""
    return [
        Token(start=one.start(), end=one.end(), word=folded(one[0]))
        for one in WORD.finditer(text.replace("’", "'"))
    ]


def found_in(words: Iterable[str], sentence: str) -> Iterator[str]:
    """Yields those of the words, or phrases, that stand in a sentence of folded words.

    Japanese ones are found within words, too.
    """
    padded = f" {sentence} "
    for word in words:
        if (word if IDEOGRAPHIC.search(word) else f" {word} ") in padded:
            yield word


class AnswerText:
    """The text of an answer; places in it are numbers of words, the end being their count."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens_of(text)

    def __len__(self) -> int:
        return len(self.tokens)

    def original(self, at: int) -> str:
        """Returns a word as it is written."""
        return self.text[self.tokens[at].start : self.tokens[at].end][:30]

    def words(self, start: int, end: int) -> str:
        """Returns folded words with spaces between them."""
        return " ".join(one.word for one in self.tokens[start:end])

    def begin_of(self, at: int) -> int:
        """Returns the position of a word in the text."""
        return self.tokens[at].start if at < len(self) else len(self.text)

    def gap(self, at: int) -> str:
        """Returns the text between a word and the one before."""
        return self.text[self.tokens[at - 1].end if at else 0 : self.begin_of(at)]

    def is_joined(self, at: int) -> bool:
        """Tells whether a word is part of one thing with the word before."""
        return at < len(self) and bool(JOINS.fullmatch(self.gap(at)))

    def ends_clause(self, at: int) -> bool:
        """Tells whether a line or clause ends before a word."""
        return at >= len(self) or bool(CLAUSE_END.search(self.gap(at)))

    def clause_end(self, at: int) -> int:
        """Returns the end of the clause of the word before."""
        while not self.ends_clause(at):
            at += 1
        return min(at, len(self))

    def sentence_end(self, at: int) -> int:
        """Returns the end of the sentence of the word before."""
        while at < len(self) and not self._ends_sentence(at):
            at += 1
        return at

    def _ends_sentence(self, at: int) -> bool:
        gap = self.gap(at)
        if SENTENCE_END.search(gap):
            return True
        if "\n" not in gap:
            return False
        before = self.tokens[at - 1].end
        line = before - (self.text.rfind("\n", 0, before) + 1)
        is_wrapped = gap.count("\n") == 1 and line >= WRAPPED_CHARACTERS
        return not is_wrapped and not self.text[self.tokens[at].start].islower()

    def after_greetings(self) -> int:
        """Returns the place of the first word behind greetings such as "Hi Anna,"."""
        at = 0
        while (after := self._greeting_end(at)) > at:
            at = after
        return at

    def _greeting_end(self, at: int) -> int:
        for length in (4, 3, 2, 1):
            if at + length <= len(self) and self.words(at, at + length) in GREETINGS:
                return self._named_end(at, at + length, GREETED_NAMES_MAX)
        for end in range(at + 1, min(at + 3, len(self)) + 1):
            if self.tokens[end - 1].word.endswith(GREETED):
                return self._named_end(at, end, 0)
        return at

    def _named_end(self, at: int, end: int, names_max: int) -> int:
        """Returns the end of a greeting: where its line or clause ends, behind a few names."""
        ends = range(end, min(end + names_max, len(self)) + 1)
        closed = (one for one in ends if self.ends_clause(one))
        return next((one for one in closed if self.tokens[one - 1].word not in TITLES), at)
