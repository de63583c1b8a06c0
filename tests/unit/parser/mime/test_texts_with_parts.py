"""Texts with a boundary: which are a multipart, and that none of their words is lost."""

from __future__ import annotations

import pytest

from services.parser.parse import parse


def text_of(body: str, fields: str = "Content-Type: text/plain; boundary=sep") -> str:
    return parse(f"From: a@b.example\n{fields}\n\n{body}".encode()).content.text


@pytest.mark.parametrize(
    "body",
    [
        "The first words.\n\n--sep\nPrice: 5\n\nrest of it",
        "--sep\nPrice: 5\n\nrest of it\n--sep--",
        "One\n--sep\nTo: Bo\nDate: Monday\n\nTwo\n--sep\nNote: x\n\nThree\n--sep--\nFour",
    ],
)
def test_lines_with_a_colon_below_a_boundary_are_text(body: str) -> None:
    assert text_of(body) == body


@pytest.mark.parametrize(
    ("above", "fields"),
    [
        ("The first words.", "Content-Type: text/plain; boundary=sep"),
        ("The <b>first</b> words.", "Content-Type: text/html; boundary=sep"),
        (
            "The=20first words.",
            "Content-Type: text/plain; boundary=sep\nContent-Transfer-Encoding: quoted-printable",
        ),
    ],
)
def test_the_words_above_the_first_part_stay(above: str, fields: str) -> None:
    body = f"{above}\n\n--sep\nContent-Type: text/plain\n\nThe second words.\n--sep--"
    words = text_of(body, fields).split()
    assert " ".join(words) == "The first words. The second words."


def test_an_explanation_above_the_first_part_is_no_text() -> None:
    body = "This is a multipart message.\n--sep\nContent-Type: text/plain\n\nThe words.\n--sep--"
    assert text_of(body) == "The words."
