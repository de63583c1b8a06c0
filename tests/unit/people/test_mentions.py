"""The names that a text mentions."""

from __future__ import annotations

import time

import pytest

from postrail.people.mentions import MENTIONS_MAX, names_in


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("@ada", ("ada",)),
        ("Hi @Ada.Lovelace, and @ada@Example.org.", ("ada.lovelace", "ada@example.org")),
        # Punctuation around a name; letters of any script.
        ('(@ada) @bo: "@c-d" @e_f! @jürgen', ("ada", "bo", "c-d", "e_f", "jürgen")),
        ("@ada's and @ada", ("ada",)),
        # Addresses, and an @ in a word or alone.
        ("ada@example.org a@b @ @. @@ada", ()),
        # Quoted lines are of others.
        ("> @ada\n@bo\n>> @c", ("bo",)),
        ("@ada+tag@example.org", ("ada+tag@example.org",)),
    ],
)
def test_names(text: str, names: tuple[str, ...]) -> None:
    assert names_in(text) == names


def test_a_hostile_text_has_few_names_and_is_read_in_linear_time() -> None:
    assert len(names_in(" ".join(f"@n{n}" for n in range(1000)))) == MENTIONS_MAX
    began = time.process_time()
    for text in ("@a" + "." * 500_000, "@a@" * 200_000, "@a.b-" * 100_000, "@" * 500_000):
        names_in(text)
    assert time.process_time() - began < 3
