"""Answers in six languages, and in several at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from postrail.approvals.answer import read_choice
from postrail.approvals.request import APPROVE_OR_REJECT
from postrail.approvals.words import WORDS, folded, words_of


@pytest.mark.parametrize(
    ("language", "text", "choice"),
    [
        ("de", "Ja", "approve"),
        ("de", "Ja bitte", "approve"),
        ("de", "Ja, danke. Ich bin bis Montag im Urlaub.", None),
        ("de", "Hallo Anna,\n\ngenehmigt von meiner Seite", "approve"),
        ("de", "Sehr geehrte Frau Dr. Schmidt,\n\ngenehmigt.", "approve"),
        ("de", "Guten Morgen zusammen,\nstimme zu", "approve"),
        ("de", "Freigabe erteilt", "approve"),
        ("de", "Nein", "reject"),
        ("de", "Nein, noch nicht fertig", "reject"),
        ("de", "Abgelehnt, weil nicht getestet", "reject"),
        ("de", "nicht genehmigt", "reject"),
        ("de", "Ja, aber nur bis Freitag", None),
        ("de", "Genehmigt, wenn die Tests laufen", None),
        ("de", "Genehmigt. Aber erst am Freitag", None),
        ("de", "Genehmigt unter Vorbehalt", None),
        ("de", "Genehmigt wurde das nicht", None),
        ("de", "Ablehnen will ich das nicht", None),
        ("de", "Genehmigt von Thomas", None),
        ("de", "Genehmigt?", None),
        ("de", "Freigabe ist noch offen", None),
        ("de", "Bin im Urlaub", None),
        ("fr", "Oui", "approve"),
        ("fr", "Oui merci", "approve"),
        ("fr", "Bonjour Paul,\nApprouvé pour la prod.", "approve"),
        ("fr", "J’approuve", "approve"),
        ("fr", "D’accord", "approve"),
        ("fr", "Non, pas encore", "reject"),
        ("fr", "Refusé", "reject"),
        ("fr", "pas d'accord", "reject"),
        ("fr", "Oui, mais pas vendredi", None),
        ("fr", "Approuvé si les tests passent", None),
        ("fr", "Approuvé sous réserve", None),
        ("fr", "D'accord, je regarde demain", None),
        ("fr", "Approuvé par Paul", None),
        ("fr", "Oui ?", None),
        ("fr", "Oui, peut-être", None),
        ("es", "Sí, adelante", "approve"),
        ("es", "si", "approve"),
        ("es", "Sí por favor", "approve"),
        ("es", "Buenos días Ana:\nAprobado por mi parte", "approve"),
        ("es", "No", "reject"),
        ("es", "Rechazado", "reject"),
        ("es", "No lo apruebo", "reject"),
        ("es", "Sí, pero mañana", None),
        ("es", "Si todo va bien, sí", None),
        ("es", "Aprobado siempre que pase la prueba", None),
        ("es", "No hay problema", None),
        ("es", "De acuerdo, lo miro", None),
        ("es", "Aprobado, si funciona", None),
        ("es", "Aprobado, sí", "approve"),
        ("pt", "Sim.", "approve"),
        ("pt", "Bom dia Ana,\n\naprovado", "approve"),
        ("pt", "Aprovado e liberado", "approve"),
        ("pt", "Não", "reject"),
        ("pt", "nao aprovado", "reject"),
        ("pt", "Na\u0303o", "reject"),
        ("pt", "Sim, mas só depois", None),
        ("pt", "Aprovado se os testes passarem", None),
        ("pt", "Aprovado pelo Paulo", None),
        ("ja", "承認します。", "approve"),
        ("ja", "はい", "approve"),
        ("ja", "はい、承認します。", "approve"),
        ("ja", "田中様\nお疲れ様です。\n承認します。よろしくお願いします。", "approve"),
        ("ja", "１", "approve"),
        ("ja", "却下", "reject"),
        ("ja", "いいえ、まだです", "reject"),
        ("ja", "承認できません。", "reject"),
        ("ja", "承認しますが、テスト後にしてください", None),
        ("ja", "承認します。ただし、金曜以降にしてください", None),
        ("ja", "承認しますか？", None),
        ("ja", "はい、確認します。後で連絡します", None),
        ("ja", "承認についてですが", None),
    ],
)
def test_an_answer_is_read_in_its_language(language: str, text: str, choice: str | None) -> None:
    found = read_choice(text, APPROVE_OR_REJECT, words_of([language, "en"])).choice
    assert (found.name if found else None) == choice


@pytest.mark.parametrize("language", list(WORDS))
def test_each_default_word_decides_when_it_is_all_there_is(language: str) -> None:
    words = WORDS[language]
    for meaning, given in (("approve", words.approve), ("reject", words.reject)):
        for word in given:
            for text in (word, word.upper(), f"{word}.", f"{word}\n\n-- \nAnna"):
                found = read_choice(text, APPROVE_OR_REJECT, words_of([language, "en"]))
                assert found.choice is not None, (text, found.why)
                assert found.choice.name == meaning, text


def test_no_default_word_has_two_meanings_in_any_two_languages() -> None:
    approving = {folded(word) for words in WORDS.values() for word in words.approve}
    rejecting = {folded(word) for words in WORDS.values() for word in words.reject}
    assert approving & rejecting == set()


def test_words_of_other_languages_decide_nothing() -> None:
    assert read_choice("Genehmigt", APPROVE_OR_REJECT, words_of(["en"])).choice is None
    assert read_choice("Oui", APPROVE_OR_REJECT, words_of(["de", "en"])).choice is None


@dataclass(frozen=True)
class Own:
    approve: list[str] = field(default_factory=list)
    reject: list[str] = field(default_factory=list)


def test_a_setup_has_words_of_its_own() -> None:
    words = words_of(["en", "it", "xx"], {"en": Own(approve=["Go for it"]), "it": Own(["Va bene"])})
    assert [one.language for one in words] == ["en", "it"]
    assert words[0].reject == WORDS["en"].reject

    def name(text: str) -> str:
        found = read_choice(text, APPROVE_OR_REJECT, words).choice
        return found.name if found else ""

    assert name("Go for it!") == "approve"
    assert name("va bene") == "approve"
    assert name("Yes") == ""
    assert name("No") == "reject"
    # The name of the choice is always understood.
    assert name("Approve") == "approve"
    assert name("go for it, but later") == ""


def test_a_word_that_means_both_decides_nothing() -> None:
    words = words_of(["en"], {"en": Own(approve=["no"])})
    assert read_choice("No", APPROVE_OR_REJECT, words).why == "'no' names several choices"


def test_spellings_are_alike() -> None:
    assert folded("  Não\u00a0SÍ ") == "nao si"
    assert folded("Approuvé") == folded("Approuve\u0301") == "approuve"
    assert folded("ＯＫ１") == "ok1"
    # The mark of a Japanese sound is no accent.
    assert folded("が") != folded("か")
