"""What the answers make of a request, by each rule."""

from __future__ import annotations

import itertools

import pytest

from postrail.approvals.request import APPROVE_OR_REJECT, Choice, Meaning, Rule
from postrail.approvals.rule import Result, result_of

YES, NO = APPROVE_OR_REJECT
NOW, LATER, NEVER = NAMED = (
    Choice(name="now"),
    Choice(name="later"),
    Choice(name="never", meaning=Meaning.REJECT),
)
ONLY_APPROVING = (NOW, LATER)
OPEN, IMPOSSIBLE = Result(), Result(impossible=True)
Y, N = "approve", "reject"
_: str | None = None


@pytest.mark.parametrize(
    ("rule", "needed", "answers", "expected"),
    [
        # Anybody: the first answer decides.
        (Rule.ANY, 1, {1: _, 2: _}, OPEN),
        (Rule.ANY, 1, {1: _, 2: Y}, YES),
        (Rule.ANY, 1, {2: N, 1: Y}, NO),
        (Rule.ANY, 1, {}, IMPOSSIBLE),
        # All: the first rejection rejects.
        (Rule.ALL, 1, {1: _, 2: _}, OPEN),
        (Rule.ALL, 1, {1: Y, 2: _}, OPEN),
        (Rule.ALL, 1, {1: Y, 2: Y}, YES),
        (Rule.ALL, 1, {1: _, 2: N}, NO),
        (Rule.ALL, 1, {1: Y}, YES),
        (Rule.ALL, 1, {}, IMPOSSIBLE),
        # A number of them; a rejection counts once an approval is impossible.
        (Rule.COUNT, 2, {1: _, 2: _, 3: _}, OPEN),
        (Rule.COUNT, 2, {1: Y, 2: _, 3: _}, OPEN),
        (Rule.COUNT, 2, {1: Y, 2: Y, 3: _}, YES),
        (Rule.COUNT, 2, {1: N, 2: _, 3: _}, OPEN),
        (Rule.COUNT, 2, {1: N, 2: Y, 3: _}, OPEN),
        (Rule.COUNT, 2, {1: N, 2: Y, 3: Y}, YES),
        (Rule.COUNT, 2, {1: N, 2: N, 3: _}, NO),
        (Rule.COUNT, 2, {1: N, 2: Y, 3: N}, NO),
        (Rule.COUNT, 1, {1: N, 2: _}, OPEN),
        (Rule.COUNT, 1, {1: N, 2: N}, NO),
        # More than there are people: everybody.
        (Rule.COUNT, 3, {1: Y, 2: Y}, YES),
        (Rule.COUNT, 3, {1: Y, 2: _}, OPEN),
        (Rule.COUNT, 3, {1: N, 2: _}, NO),
        (Rule.COUNT, 2, {1: _}, OPEN),
        (Rule.COUNT, 1, {}, IMPOSSIBLE),
        # In order: one after the other is asked.
        (Rule.ORDER, 1, {1: _, 2: _, 3: _}, Result(next_place=1)),
        (Rule.ORDER, 1, {1: Y, 2: _, 3: _}, Result(next_place=2)),
        (Rule.ORDER, 1, {3: _, 1: Y, 2: _}, Result(next_place=2)),
        (Rule.ORDER, 1, {1: Y, 2: Y, 3: _}, Result(next_place=3)),
        (Rule.ORDER, 1, {1: Y, 2: Y, 3: Y}, YES),
        (Rule.ORDER, 1, {1: Y, 2: N, 3: _}, NO),
        (Rule.ORDER, 1, {}, IMPOSSIBLE),
        # The place of a person who was not replaced is missing.
        (Rule.ORDER, 1, {1: Y, 3: _}, Result(next_place=3)),
    ],
)
def test_answers_decide_by_the_rule(
    rule: Rule, needed: int, answers: dict[int, str | None], expected: Result | Choice
) -> None:
    wanted = Result(choice=expected) if isinstance(expected, Choice) else expected
    assert result_of(rule, needed, APPROVE_OR_REJECT, answers) == wanted


@pytest.mark.parametrize(
    ("rule", "needed", "choices", "answers", "expected"),
    [
        (Rule.ANY, 1, NAMED, {1: "later", 2: "now"}, LATER),
        # All have approved: the choice of most of them, or of these the one given first.
        (Rule.ALL, 1, NAMED, {1: "now", 2: "later", 3: "later"}, LATER),
        (Rule.ALL, 1, NAMED, {2: "later", 1: "now"}, LATER),
        (Rule.ALL, 1, NAMED, {1: "now", 2: "never"}, NEVER),
        # In order, the last one has the last word.
        (Rule.ORDER, 1, NAMED, {1: "now", 2: "now", 3: "later"}, LATER),
        (Rule.ORDER, 1, NAMED, {3: "later", 1: "now", 2: "now"}, LATER),
        # As many as needed must have the same choice.
        (Rule.COUNT, 2, NAMED, {1: "now", 2: "later", 3: None}, OPEN),
        (Rule.COUNT, 2, NAMED, {1: "now", 2: "later", 3: "later"}, LATER),
        (Rule.COUNT, 2, NAMED, {1: "now", 2: "never", 3: "now"}, NOW),
        (Rule.COUNT, 2, NAMED, {1: "now", 2: "later", 3: "never"}, NEVER),
        (Rule.COUNT, 3, NAMED, {1: "now", 2: "later", 3: None}, IMPOSSIBLE),
        (Rule.COUNT, 2, ONLY_APPROVING, {1: "now", 2: "later"}, IMPOSSIBLE),
        (Rule.COUNT, 2, ONLY_APPROVING, {1: "now", 2: "later", 3: None}, OPEN),
    ],
)
def test_named_choices_decide_by_their_meaning(
    rule: Rule,
    needed: int,
    choices: tuple[Choice, ...],
    answers: dict[int, str | None],
    expected: Result | Choice,
) -> None:
    wanted = Result(choice=expected) if isinstance(expected, Choice) else expected
    assert result_of(rule, needed, choices, answers) == wanted


def test_a_choice_that_the_request_does_not_have_is_refused() -> None:
    with pytest.raises(KeyError):
        result_of(Rule.ANY, 1, APPROVE_OR_REJECT, {1: "perhaps"})


@pytest.mark.parametrize("rule", list(Rule))
@pytest.mark.parametrize("needed", [1, 2, 3, 4])
def test_a_request_is_decided_by_a_given_answer_and_once_all_have_answered_it_has_ended(
    rule: Rule, needed: int
) -> None:
    for given in itertools.product([None, "now", "later", "never"], repeat=3):
        answers = dict(enumerate(given, 1))
        result = result_of(rule, needed, NAMED, answers)
        ends = [result.choice is not None, result.impossible, None in given]
        assert any(ends), given
        assert result.choice is None or result.choice.name in given
        assert sum([result.choice is not None, result.impossible, bool(result.next_place)]) <= 1


@pytest.mark.parametrize("rule", [Rule.ANY, Rule.COUNT])
@pytest.mark.parametrize("needed", [1, 2, 3])
def test_a_further_answer_never_changes_a_decision(rule: Rule, needed: int) -> None:
    for given in itertools.product(["approve", "reject"], repeat=3):
        decided = None
        for count in range(1, 4):
            answers: dict[int, str | None] = dict(enumerate(given[:count], 1))
            answers |= dict.fromkeys(range(count + 1, 4))
            found = result_of(rule, needed, APPROVE_OR_REJECT, answers).choice
            assert decided is None or found == decided, given
            decided = found
