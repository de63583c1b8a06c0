"""The layers of a reply: lines in, the layer of each line (new, quoted, signature) out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

from services.parser.reply.attribution import SENTENCE_END, mark_attribution_ends
from services.parser.reply.headings import (
    Heading,
    announces_forwarded,
    has_reply_marker,
    heading_at,
    is_recipient_field,
)
from services.parser.reply.lines import (
    COLONS,
    Line,
    fold,
    is_marked_by_initials,
    is_rule,
    other_quote_mark,
)
from services.parser.reply.signature import signature_at
from services.parser.reply.words import FORWARD_OR_REPLY, FORWARD_PREFIXES

MARKER_MAX = 200
MARKED_WITHIN = 4
RULES_ABOVE = 8
WRAP_MIN = 55
WRAPPED_LINES = 2
SENTENCE_ENDS = (*SENTENCE_END, ":")


class Layer(Enum):
    """The layer of a line. A question is quoted, and stays above the answer to it."""

    NEW = "new"
    QUOTED = "quoted"
    QUESTION = "question"
    SIGNATURE = "signature"


# Looking up a member of an Enum is slow, and happens for each line.
_NEW, _QUOTED = Layer.NEW, Layer.QUOTED


def layers_of(lines: Sequence[Line], text: str, subject: str = "") -> list[Layer]:
    """Returns the layer of each line that `inner_headings` marked; `text` contains the lines."""
    layers = [_NEW] * len(lines)
    if not lines:
        return layers
    marked = has_reply_marker(text)
    own = _mark_quotes(lines, layers, subject, marked)
    # Most messages quote nothing.
    if _QUOTED in layers:
        _mark_wrapped(lines, layers)
        _mark_blank(lines, layers)
    for start, end in list(_new_runs(lines, layers, own)):
        stop = end
        while stop > start and not lines[stop - 1].bare:
            stop -= 1
        for index in range(signature_at(lines, start, stop), stop):
            layers[index] = Layer.SIGNATURE
    if _QUOTED in layers:
        _mark_questions(lines, layers)
    return layers


def _mark_quotes(lines: Sequence[Line], layers: list[Layer], subject: str, marked: bool) -> int:
    """Marks quoted lines up to a forwarded message, and returns the line where that begins."""
    index, count, quoted = 0, len(lines), False
    while index < count:
        line = lines[index]
        if line.depth and (quoted or not line.weak):
            if line.opens and not quoted and _begins_forwarded(lines, index, subject):
                return index
            start = index
            if not quoted and ":" in line.bare and heading_at(lines, index):
                start = _rules_above(lines, index)
            _mark(layers, start, index + 1, _QUOTED)
            index, quoted = index + 1, True
        elif not line.bare:
            index += 1
        elif marked and len(line.bare) <= MARKER_MAX and has_reply_marker(line.bare):
            return _mark_rest(lines, layers, _attribution_above(lines, index))
        elif heading := heading_at(lines, index):
            if heading.forwards or _is_forward(subject, heading):
                return index
            marked_end = _marked_end(lines, index + heading.length)
            end = len(lines) if marked_end is None else marked_end
            _mark(layers, _rules_above(lines, index), end, _QUOTED)
            if heading.doubtful:
                layers[index] = Layer.QUESTION
            index, quoted = end, True
        else:
            index += 1
    return count


def _mark_rest(lines: Sequence[Line], layers: list[Layer], start: int) -> int:
    _mark(layers, start, len(lines), _QUOTED)
    return len(lines)


def _mark(layers: list[Layer], start: int, end: int, layer: Layer) -> None:
    layers[start:end] = [layer] * (end - start)


def _marked_end(lines: Sequence[Line], start: int) -> int | None:
    """Returns the end of a heading if the lines below it are marked as quoted, else None."""
    index = _next_text(lines, start)
    if index - start >= MARKED_WITHIN or index == len(lines):
        return None
    if lines[index].depth:
        return start
    if mark := other_quote_mark(lines[index].bare):
        # Marks all lines of this kind at once, so that later headings need not do it again.
        for line in lines[index:]:
            line.depth = line.depth or int(other_quote_mark(line.bare) == mark)
        mark_attribution_ends(lines)
        return start
    return None


def _next_text(lines: Sequence[Line], index: int) -> int:
    """Returns the next line that is not empty."""
    while index < len(lines) and not lines[index].bare and not lines[index].depth:
        index += 1
    return index


def _is_forward(subject: str, heading: Heading) -> bool:
    """Tells by the subject whether the message below a header block was forwarded."""
    word = _forward_word(subject) if heading.sender_field else ""
    return word in FORWARD_PREFIXES or (word == FORWARD_OR_REPLY and heading.sender_field == "fra")


def _forward_word(subject: str) -> str:
    """Returns the prefix of the subject if it may mean a forwarded message, else ""."""
    word, colon, _ = fold(subject.lstrip()[:20]).replace("\uff1a", ":").partition(":")
    word = word.strip()
    return word if colon and (word in FORWARD_PREFIXES or word == FORWARD_OR_REPLY) else ""


def _begins_forwarded(lines: Sequence[Line], index: int, subject: str) -> bool:
    """Tells a forwarded message that begins here from a quotation."""
    if announces_forwarded(lines[index]):
        return True
    asked = lines[index].bare and _forward_word(subject)
    heading = heading_at(lines, index) if asked else None
    return heading is not None and _is_forward(subject, heading)


def _rules_above(lines: Sequence[Line], start: int) -> int:
    """Returns the first of the rules above a heading, or the heading itself.

    The fields of the recipients may be between them.
    """
    for index in range(start - 1, max(-1, start - 1 - RULES_ABOVE), -1):
        line = lines[index]
        if is_rule(line.text.strip()):
            start = index
        elif line.bare and not is_recipient_field(line):
            break
    return start


def _attribution_above(lines: Sequence[Line], start: int) -> int:
    """Returns the unknown attribution above a reply marker, or the marker itself."""
    index = start - 1
    while index > 0 and not lines[index].bare:
        index -= 1
    bare = lines[index].bare if index > 0 else ""
    return index if bare and bare[-1] in COLONS and "@" in bare else start


def _mark_wrapped(lines: Sequence[Line], layers: list[Layer]) -> None:
    """Marks lines that continue a quoted line, and lost their quotation mark by wrapping."""
    for start, end in list(_new_runs(lines, layers, len(lines))):
        if start == 0 or end - start > WRAPPED_LINES or not lines[start - 1].depth:
            continue
        before, first = lines[start - 1], lines[start].bare
        if not first or not before.bare or before.bare.endswith(SENTENCE_ENDS):
            continue
        quote_follows = end == len(lines) or lines[end].depth
        width = len(before.text) + 1 + len(first.split(None, 1)[0])
        if quote_follows and all(line.bare for line in lines[start:end]) and width > WRAP_MIN:
            _mark(layers, start, end, _QUOTED)


def _mark_blank(lines: Sequence[Line], layers: list[Layer]) -> None:
    """Marks empty lines below quoted lines as quoted."""
    for index in range(1, len(lines)):
        if layers[index - 1] is _QUOTED and not lines[index].bare:
            layers[index] = _QUOTED


def _new_runs(
    lines: Sequence[Line], layers: Sequence[Layer], end: int
) -> Iterator[tuple[int, int]]:
    """Yields the stretches of new lines that begin with text, up to `end`."""
    start = None
    for index in range(end + 1):
        if index < end and layers[index] is _NEW:
            if start is None and lines[index].bare:
                start = index
        elif start is not None:
            yield start, index
            start = None


def _mark_questions(lines: Sequence[Line], layers: list[Layer]) -> None:
    """Marks quotations with answers below as questions, and citations, which keep their places."""
    quotes = [
        index
        for index, line in enumerate(lines)
        if layers[index] is _QUOTED and line.depth and line.bare
    ]
    if not quotes:
        return
    answers = [run for run in _new_runs(lines, layers, len(lines)) if run[0] > quotes[0]]
    between = any(run[0] < quotes[-1] for run in answers)
    for start, _ in answers:
        first = _quotation_above(lines, layers, start)
        if between or _is_citation(lines, layers, first):
            for index in range(first, start):
                if layers[index] is _QUOTED:
                    layers[index] = Layer.QUESTION


def _quotation_above(lines: Sequence[Line], layers: Sequence[Layer], end: int) -> int:
    """Returns the first of the quoted lines that end here."""
    while end > 0 and (layers[end - 1] is _QUOTED or not lines[end - 1].bare):
        end -= 1
    return end


def _is_citation(lines: Sequence[Line], layers: Sequence[Layer], first: int) -> bool:
    """Tells whether a quotation follows new text, without an attribution."""
    start = _next_text(lines, first)
    above = first > 0 and layers[first - 1] is _NEW
    line = lines[start]
    return above and line.depth > 0 and not line.opens and not is_marked_by_initials(line)
