"""Answers that begin with a word for yes or no, and mean something else."""

from __future__ import annotations

import pytest

from postrail.approvals.answer import read_choice
from postrail.approvals.request import APPROVE_OR_REJECT
from postrail.approvals.words import words_of


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "No problem"),
        ("en", "No, no problem"),
        ("en", "No. All good, go ahead"),
        ("en", "Nope, all good"),
        ("en", "No - fine by me"),
        ("en", "Rejected? No"),
        ("en", "Yes. I decline."),
        ("en", "Yes, veto"),
        ("en", "Yes, received"),
        ("en", "Yes, I will look at it tomorrow"),
        ("en", "Approve. Correction: reject."),
        ("en", "Approve\n\nJust kidding"),
        ("de", "Nein, kein Problem"),
        ("de", "Nö, passt schon"),
        ("de", "Lehne ab? Nein"),
        ("de", "Ja, das lehne ich ab"),
        ("de", "Ja, schaue ich mir an"),
        ("de", "Ich genehmige das keinesfalls"),
        ("fr", "Non, pas de problème"),
        ("fr", "Non, allez-y"),
        ("fr", "Non refusé"),
        ("fr", "Oui, bien reçu"),
        ("es", "No rechazo"),
        ("es", "No lo rechazo"),
        ("es", "Si apruebo esto mañana falla todo"),
        ("es", "No, no hay problema"),
        ("pt", "Não rejeito"),
        ("pt", "Não, sem problema"),
        ("ja", "いいえ、問題ありません"),
        ("ja", "承認。やめます。"),
    ],
)
def test_it_is_unclear(language: str, text: str) -> None:
    assert read_choice(text, APPROVE_OR_REJECT, words_of([language, "en"])).choice is None


@pytest.mark.parametrize(
    ("language", "text", "choice"),
    [
        ("en", "No, rejected", "reject"),
        ("en", "No. There is a problem with the tests.", "reject"),
        ("en", "No. Do not go ahead.", "reject"),
        ("en", "Yes I approve", "approve"),
        ("de", "Nein ich lehne ab", "reject"),
        ("de", "Nein, das Problem ist noch da", "reject"),
        ("es", "Si, apruebo", "approve"),
        ("es", "No, rechazado", "reject"),
        ("pt", "Não, rejeito", "reject"),
    ],
)
def test_these_decide_all_the_same(language: str, text: str, choice: str) -> None:
    found = read_choice(text, APPROVE_OR_REJECT, words_of([language, "en"]))
    assert found.choice is not None, found.why
    assert found.choice.name == choice
