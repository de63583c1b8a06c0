"""Reads the choice from the text of an answer: from its first word or number, or not at all. Pure.

It is careful: a text that may mean something else is unclear, and its author is told how to answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from postrail.approvals.answer_text import (
    IDEOGRAPHIC,
    AnswerText,
    found_in,
    tokens_of,
    without_frame,
)
from postrail.approvals.request import Choice, Meaning
from postrail.approvals.words import (
    ABSENCES,
    ALONE,
    DOUBTS,
    POLITE,
    STANDING,
    WORDS,
    ChoiceWords,
    DoubtWords,
    folded,
)

# The choice and its whole sentence must stand within these.
READ_CHARACTERS = 4_000
COMMENT_MAX_CHARACTERS = 20_000
# Longer words may be followed by others of their sentence: "approved for production".
SHORT = 4
NAME_WORDS_MAX = 3
# May stand before the first word: marks of bold text, brackets of a number, quotation marks.
OPENING = " \t\n*_~#([\"'“”„‘«»「『"
AFTER_GREETING = ",.!:;–—-、。，！"
AFTER_CHOICE = " \t\n,.;:!…。、，．！–—-)]*_~\"'“”’»」』"
QUESTION = re.compile(r"[?？]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """What an answer says: a choice with a comment, or why it is unclear."""

    choice: Choice | None = None
    comment: str = ""
    # A clause for people; "" with a choice.
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Phrase:
    """Words that name a choice."""

    words: tuple[str, ...]
    choice: Choice
    # The end of its line, or punctuation, must follow.
    stands_alone: bool = True
    is_number: bool = False


class Unclear(ValueError):
    """The text names no choice for certain; its message says why."""


def read_choice(new_text: str, choices: Sequence[Choice], words: Sequence[ChoiceWords]) -> Read:
    """Returns the choice that a person's own text names, and the rest of it as the comment.

    `words` are those of the approver's languages.
    """
    text = without_frame(new_text)
    reader = _Reader(text, choices, words)
    try:
        choice, end = reader.choice()
    except Unclear as unclear:
        return Read(why=str(unclear))
    comment = text[end:].lstrip(AFTER_CHOICE).rstrip()
    return Read(choice=choice, comment=comment[:COMMENT_MAX_CHARACTERS])


def says_opposite(name: str, meaning: Meaning, own: Iterable[ChoiceWords] = ()) -> bool:
    """Tells whether the name of a choice is a word for the other meaning, in whatever language.

    `own` are further words, such as those of a setup.
    """
    approves = meaning is Meaning.APPROVE
    words = (*WORDS.values(), *own)
    others = (word for one in words for word in (one.reject if approves else one.approve))
    return folded(name) in map(folded, others)


class _Reader:
    """Reads the beginning of a text."""

    def __init__(self, text: str, choices: Sequence[Choice], words: Sequence[ChoiceWords]) -> None:
        self._text = AnswerText(text[:READ_CHARACTERS])
        self._is_cut = len(text) > READ_CHARACTERS
        self._phrases = _phrases(tuple(choices), tuple(words))
        self._longest = max((len(one.split()) for one in self._phrases), default=0)
        languages = dict.fromkeys(["en", *(one.language for one in words)])
        self._doubts = [DOUBTS[one] for one in languages if one in DOUBTS]

    def choice(self) -> tuple[Choice, int]:
        """Returns the choice and the position where the comment begins; raises Unclear."""
        text = self._text
        at = text.after_greetings()
        if at == len(text):
            raise Unclear("the text says nothing")
        if opening := text.gap(at).strip(OPENING + AFTER_GREETING if at else OPENING):
            raise Unclear(f"it begins with {opening[:10]!r}")
        phrase = self._phrase_at(at)
        if phrase is None:
            raise Unclear(f"its first word, {text.original(at)!r}, names no choice")
        end = at + len(phrase.words)
        # The same choice once more: "Yes, approved", "1. Approve".
        while (again := self._phrase_at(end)) and again.choice == phrase.choice:
            if text.is_joined(end) or self._changes_what_follows(at, end):
                break
            phrase, end = again, end + len(again.words)
        self._require_end(phrase, at, end)
        self._require_certainty(phrase, end)
        return phrase.choice, text.tokens[end - 1].end

    def _changes_what_follows(self, at: int, end: int) -> bool:
        """Tells whether the words before `end` ask, or make a doubt of the next: "no rechazo"."""
        text = self._text
        if QUESTION.search(text.gap(end)):
            return True
        doubts = (word for one in self._doubts for word in (*one.negations, *one.conditions))
        return not text.ends_clause(end) and text.words(at, end) in doubts

    def _phrase_at(self, at: int) -> Phrase | None:
        """Returns the longest phrase that begins here; raises Unclear if it has two meanings."""
        for length in range(min(self._longest, len(self._text) - at), 0, -1):
            words = self._text.words(at, at + length)
            found = self._phrases.get(words, ())
            if len({one.choice.name for one in found}) > 1:
                raise Unclear(f"{words!r} names several choices")
            if found:
                return min(found, key=lambda one: one.stands_alone)
        return None

    def _require_end(self, phrase: Phrase, at: int, end: int) -> None:
        """Raises Unclear where words follow the phrase that may change its meaning."""
        text = self._text
        said = text.words(at, end)
        if text.is_joined(end):
            raise Unclear(f"{said!r} is part of something longer")
        if said in ALONE and self._says_more(end):
            raise Unclear(f"{said!r} may only mean that the message was read")
        if phrase.is_number and not self._ends_number(end):
            raise Unclear(f"words follow the number {said!r} in its line")
        while phrase.stands_alone and not text.ends_clause(end):
            if text.tokens[end].word not in POLITE:
                raise Unclear(f"{said!r} goes on without a comma or full stop")
            end += 1

    def _says_more(self, end: int) -> bool:
        """Tells whether more follows than thanks, and a name in a line of its own."""
        text = self._text
        while end < len(text) and text.tokens[end].word in POLITE:
            end += 1
        name = [text.original(one) for one in range(end, len(text))]
        is_name = len(name) <= NAME_WORDS_MAX and all(one[0].isupper() for one in name)
        return bool(name) and not (is_name and "\n" in text.gap(end))

    def _ends_number(self, end: int) -> bool:
        gap = self._text.gap(end)
        return end == len(self._text) or "\n" in gap or gap.startswith((", ", "、"))

    def _require_certainty(self, phrase: Phrase, end: int) -> None:
        """Raises Unclear where the sentence has a doubt, or a word of another choice."""
        text = self._text
        if absence := next(found_in(ABSENCES, text.words(0, len(text))), ""):
            raise Unclear(f"{absence!r} may be the answer of a program")
        last = self._end_with_conditions(end, phrase.choice.meaning)
        if last == len(text) and self._is_cut:
            raise Unclear("its first sentence is very long")
        clause = min(text.clause_end(end), last)
        negated = last if phrase.choice.meaning is Meaning.APPROVE else clause
        contracted = [one.word for one in text.tokens[end:negated] if one.word.endswith("n't")]
        self._refuse(contracted, end, negated, "may mean no")
        for doubts in self._doubts:
            self._refuse(doubts.conditions, end, last, "may be a condition")
            self._refuse(doubts.negations, end, negated, "may mean no")
            self._refuse(doubts.delays, end, negated, "may mean not yet")
            if phrase.choice.meaning is Meaning.REJECT:
                following = text.sentence_end(min(last + 1, len(text)))
                self._refuse(doubts.assents, end, following, "may mean yes")
            if not phrase.stands_alone:
                self._refuse(doubts.verbs, end, clause, "makes it another sentence")
                self._require_own_decision(doubts, end, clause)
        if QUESTION.search(text.text[text.tokens[end - 1].end : text.begin_of(last)]):
            raise Unclear("it is a question")
        others = (self._phrase_at(one) for one in range(end, last))
        if other := next((one for one in others if one and self._contradicts(one, phrase)), None):
            raise Unclear(f"{' '.join(other.words)!r} names another choice")
        self._require_one_choice(phrase, last)

    def _end_with_conditions(self, at: int, meaning: Meaning) -> int:
        """Returns the end of the sentence, with one like "But not before Friday." behind it.

        Raises Unclear where one takes back what was said: "Actually, I am not sure."
        """
        end = self._text.sentence_end(at)
        while end < len(self._text):
            following = self._text.words(end, end + 4)
            for doubts in self._doubts:
                # "No. Not before Friday." says the same twice.
                same = (*doubts.negations, *doubts.delays) if meaning is Meaning.REJECT else ()
                taking_back = [one for one in doubts.retractions if one not in same]
                if found := _opening(taking_back, following):
                    raise Unclear(f"{found!r} may take it back")
            limits = ((*doubts.conditions, *doubts.delays) for doubts in self._doubts)
            if not any(_opening(words, following) for words in limits):
                break
            end = self._text.sentence_end(end + 1)
        return end

    @staticmethod
    def _contradicts(other: Phrase, phrase: Phrase) -> bool:
        return other.choice != phrase.choice and (phrase.is_number or not other.is_number)

    def _require_one_choice(self, phrase: Phrase, at: int) -> None:
        """Raises Unclear where the next sentence begins with another choice."""
        other = self._phrase_at(at)
        if other is None or other.choice == phrase.choice:
            return
        after = at + len(other.words)
        if not other.stands_alone or self._text.ends_clause(after):
            raise Unclear(f"{self._text.original(at)!r} names another choice")

    def _refuse(self, doubts: Iterable[str], start: int, end: int, why: str) -> None:
        sentence = self._text.words(start, end)
        if found := list(found_in(doubts, sentence)):
            raise Unclear(f"{min(found, key=sentence.find)!r} {why}")

    def _require_own_decision(self, doubts: DoubtWords, start: int, end: int) -> None:
        """Raises Unclear for "approved by Jo"."""
        for at in range(start, end):
            word, following = self._text.words(at, at + 1), self._text.words(at + 1, at + 2)
            if word in doubts.agents and following not in doubts.oneself:
                raise Unclear("it may report the decision of another person")


def _opening(doubts: Iterable[str], words: str) -> str:
    """Returns the doubt with which the words begin, or ""."""
    return next((one for one in found_in(doubts, words) if words.startswith(one)), "")


@lru_cache(maxsize=100)
def _phrases(
    choices: tuple[Choice, ...], words: tuple[ChoiceWords, ...]
) -> Mapping[str, Sequence[Phrase]]:
    """Returns the phrases that name one of the choices, by their words."""
    phrases: dict[str, list[Phrase]] = {}
    for one in _all_phrases(choices, words):
        phrases.setdefault(" ".join(one.words), []).append(one)
    return phrases


def _all_phrases(choices: Sequence[Choice], words: Sequence[ChoiceWords]) -> list[Phrase]:
    """Returns the numbers, names and labels of the choices, and the words of the languages.

    Words that mean yes, or no, name a choice only if a single one has that meaning.
    """
    phrases = [
        Phrase(words=(str(number),), choice=choice, is_number=True)
        for number, choice in enumerate(choices, 1)
    ]
    for choice in choices:
        names = (_folded_words(one) for one in (choice.name, choice.label))
        phrases += [Phrase(words=one, choice=choice) for one in names if one]
    for meaning in Meaning:
        own = [choice for choice in choices if choice.meaning is meaning]
        if len(own) == 1:
            given = (
                one
                for language in words
                for one in (language.approve if meaning is Meaning.APPROVE else language.reject)
            )
            phrases += [_phrase(one, own[0]) for one in map(_folded_words, given) if one]
    return phrases


def _phrase(words: tuple[str, ...], choice: Choice) -> Phrase:
    text = " ".join(words)
    # In languages without spaces, words are phrases.
    stands_alone = len(text) <= SHORT or text in STANDING or bool(IDEOGRAPHIC.search(text))
    return Phrase(words=words, choice=choice, stands_alone=stands_alone)


def _folded_words(text: str) -> tuple[str, ...]:
    return tuple(one.word for one in tokens_of(text))
