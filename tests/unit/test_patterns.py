"""Patterns of operators: what RE2 takes, and what it refuses with a remedy."""

from __future__ import annotations

import pytest

from postrail import patterns
from postrail.patterns import Found, InvalidPattern


@pytest.mark.parametrize(
    ("pattern", "text", "groups"),
    [
        ("invoice", "Your INVOICE no. 12", ()),
        (r"^bug:\s*(\d+)", "Bug: 12", ("12",)),
        (r"(a)|(b)", "b", ("", "b")),
        (r"ä+", "Ä", ()),
        (r"请修理(.*)打印机", "请修理三楼的打印机", ("三楼的",)),
    ],
)
def test_a_pattern_is_searched_for_whatever_the_case(
    pattern: str, text: str, groups: tuple[str, ...]
) -> None:
    found = patterns.find(pattern, text)
    assert found is not None
    assert found.groups == groups


def test_a_pattern_may_distinguish_upper_and_lower_case() -> None:
    assert patterns.find("(?-i)Bug", "bug") is None
    assert patterns.find("(?-i)Bug", "a Bug") == Found("Bug", (), start=2)


@pytest.mark.parametrize(
    ("pattern", "name", "remedy"),
    [
        ("(?=a)", "look-ahead", "second condition"),
        ("a(?!b)", "look-ahead", "second condition"),
        ("(?<=a)b", "look-behind", "group"),
        ("(?<!a)b", "look-behind", "group"),
        (r"(a)\1", r"back reference (\1)", "repeat the pattern"),
        ("(?P<n>a)(?P=n)", "back reference", "repeat the pattern"),
        ("(?>a+)", "atomic group", "ordinary group"),
        (r"(?<n>a)\k<n>", "back reference", "repeat the pattern"),
        (r"(a)\g1", "back reference", "repeat the pattern"),
        ("(a[*+]", "is no valid pattern of RE2", "missing )"),
        ("a++b", "possessive repetition (++)", "leave the last + out"),
        ("a*+b", "possessive repetition (*+)", "leave the last + out"),
        ("a?+b", "possessive repetition (?+)", "leave the last + out"),
        ("a{2}+b", "possessive repetition ({2}+)", "leave the last + out"),
        ("(?|(a)|(b))", "resets numbers", "number the groups on"),
        (r"\((?R)?\)", "recursion", "write the nested part out"),
        ("(?x) a b", "free spacing", "without blanks"),
        (r"\u00e4", r"\u", r"\x{00e4}"),
        (r"end\Z", r"\Z", r"write \z"),
        (r"a\hb", r"\h", r"[ \t]"),
        ("(", "is no valid pattern of RE2", "missing )"),
        ("a{2000}", "is no valid pattern of RE2", "repetition"),
        ("x" * 1001, "longer than 1000 characters", "two conditions"),
    ],
)
def test_what_is_refused_is_named_with_a_way_to_write_it(
    pattern: str, name: str, remedy: str
) -> None:
    with pytest.raises(InvalidPattern) as refused:
        patterns.check(pattern)
    assert name in str(refused.value)
    assert remedy in str(refused.value)


@pytest.mark.parametrize(
    "pattern", [r"\\1", r"a\\(?:=b)", "", r"\pL+", r"(?s)a.b", r"\++", "[+*]+"]
)
def test_what_only_looks_refused_is_taken(pattern: str) -> None:
    patterns.check(pattern)


def test_a_pattern_that_others_would_never_finish_ends() -> None:
    assert patterns.find("(a+)+$", "a" * 100_000 + "b") is None
