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


def test_words_above_the_first_part_are_left_out_with_a_defect() -> None:
    body = "The first words.\n\n--sep\nContent-Type: text/plain\n\nThe second words.\n--sep--"
    mail = parse(f"Content-Type: text/plain; boundary=sep\n\n{body}".encode())
    assert mail.content.text == "The second words."
    assert "text outside of the parts was left out" in mail.defects


def test_an_explanation_above_the_first_part_is_no_text() -> None:
    body = "This is a multipart message.\n--sep\nContent-Type: text/plain\n\nThe words.\n--sep--"
    assert text_of(body) == "The words."
