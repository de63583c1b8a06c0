"""The choice that a text names by its first word: what decides, and what is unclear."""

from __future__ import annotations

import pytest

from postrail.approvals.answer import COMMENT_MAX_CHARACTERS, READ_CHARACTERS, read_choice
from postrail.approvals.request import APPROVE_OR_REJECT, Choice, Meaning
from postrail.approvals.token import token_for
from postrail.approvals.words import words_of

TOKEN = token_for(b"key", 12, "r", "a")


def read(text: str, language: str = "en") -> tuple[str, str]:
    """Returns the name of the choice and the comment, or "" and why it is unclear."""
    found = read_choice(text, APPROVE_OR_REJECT, words_of([language]))
    return (found.choice.name, found.comment) if found.choice else ("", found.why)


@pytest.mark.parametrize(
    ("text", "choice", "comment"),
    [
        ("Approve", "approve", ""),
        ("APPROVED!!!", "approve", ""),
        ("  approved.  ", "approve", ""),
        ("Yes", "approve", ""),
        ("yes please", "approve", "please"),
        ("Yes, go ahead", "approve", "go ahead"),
        ("Yes - go ahead", "approve", "go ahead"),
        ("Yes 👍", "approve", "👍"),
        ("Yes, approved", "approve", ""),
        ("I approve", "approve", ""),
        ("Approved for production", "approve", "for production"),
        ("Approved by me", "approve", "by me"),
        ("Approve\nDo not forget the backup", "approve", "Do not forget the backup"),
        ("Approved. No further questions.", "approve", "No further questions."),
        (
            "Approved, thanks!\n\nCan you send me the log?",
            "approve",
            "thanks!\n\nCan you send me the log?",
        ),
        ("Reject", "reject", ""),
        ("No", "reject", ""),
        ("No thanks", "reject", "thanks"),
        ("No, not ready", "reject", "not ready"),
        ("No. I cannot approve this.", "reject", "I cannot approve this."),
        ("No. Not on a Friday.", "reject", "Not on a Friday."),
        ("No, wait for Monday.", "reject", "wait for Monday."),
        ("Rejected, not before the tests pass", "reject", "not before the tests pass"),
        ("Rejected, it isn't tested", "reject", "it isn't tested"),
        ("Not approved", "reject", ""),
        ("I don’t approve this", "reject", "this"),
        # Numbers of the choices.
        ("1", "approve", ""),
        ("1.", "approve", ""),
        ("#1", "approve", ""),
        ("(2)", "reject", ""),
        ("２", "reject", ""),
        ("2)\nToo early", "reject", "Too early"),
        ("2, too early", "reject", "too early"),
        ("1. Approve", "approve", ""),
        # Greetings before it.
        ("Hi Anna,\n\nApproved, thanks", "approve", "thanks"),
        ("Hi Anna, yes", "approve", ""),
        ("Hello,\nno", "reject", ""),
        ("Dear Mr. Smith,\napproved.", "approve", ""),
        ("Good morning everybody!\n\nYes", "approve", ""),
        # Marks of a bold word, quotation marks, invisible signs.
        ("*Approved*", "approve", ""),
        ("“Approve”", "approve", ""),
        ("\ufeff\u200bApprove", "approve", ""),
        # Lines of mail programs around it, and our token.
        ("Sent from my iPhone\n\nApprove", "approve", ""),
        ("Approve\n\nSent from my iPhone", "approve", ""),
        (f"approve\n\nReference: {TOKEN}", "approve", ""),
        (f"Reference: {TOKEN}\n\nreject\nToo early", "reject", "Too early"),
        (f"approve {TOKEN}", "approve", ""),
        (f"approve\n\n[{TOKEN}]", "approve", ""),
        (f"approve\n\n[{TOKEN}]\n\nSorry for the delay.", "approve", "Sorry for the delay."),
        # It may also mean that the message was read, unless nothing else follows.
        ("OK", "approve", ""),
        ("OK, approved", "approve", ""),
        ("ok thanks\nAnna", "approve", "thanks\nAnna"),
    ],
)
def test_the_first_word_decides(text: str, choice: str, comment: str) -> None:
    assert read(text) == (choice, comment)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the text says nothing"),
        ("Hi Anna,", "the text says nothing"),
        (
            "Yes, thank you. I am on leave until Monday.",
            "'am on leave' may be the answer of a program",
        ),
        ("👍", "the text says nothing"),
        ("Thanks, approved", "its first word, 'Thanks', names no choice"),
        ("Please approve", "its first word, 'Please', names no choice"),
        ("I will approve it", "its first word, 'I', names no choice"),
        ("Yess", "its first word, 'Yess', names no choice"),
        # Quoted words, and lists.
        ("> Yes", "it begins with '>'"),
        ("Hi Anna,\n> yes", "it begins with '>'"),
        ("| yes", "it begins with '|'"),
        ("- yes", "it begins with '-'"),
        # Part of something longer.
        ("yes/no", "'yes' is part of something longer"),
        ("Yes-men approve everything", "'yes' is part of something longer"),
        ("1.5", "'1' is part of something longer"),
        ("1: what?", "words follow the number '1' in its line"),
        ("1. Please add tests\n2. Then deploy", "words follow the number '1' in its line"),
        ("1 May", "words follow the number '1' in its line"),
        ("3", "its first word, '3', names no choice"),
        ("No problem", "'no' goes on without a comma or full stop"),
        ("Yes I have read it", "'yes' goes on without a comma or full stop"),
        ("Agree with Tom's doubts", "'agree' goes on without a comma or full stop"),
        ("Approved versions are in the wiki", "'are' makes it another sentence"),
        ("Approved by Tom", "it may report the decision of another person"),
        # Negations, conditions and questions.
        ("Yes, not", "'not' may mean no"),
        ("Approved? No", "it is a question"),
        ("Approve it?", "it is a question"),
        ("Approved if the tests pass", "'if' may be a condition"),
        ("Yes, but only after Friday", "'but' may be a condition"),
        ("Yes.\n\nBut only after Friday", "'but' may be a condition"),
        ("Yes\nbut only after Friday", "'but' may be a condition"),
        ("Approved. Wait, I forgot the tests", "'wait' may take it back"),
        ("No. Actually, yes", "'actually' may take it back"),
        ("Yes, wait for Monday", "'wait' may mean not yet"),
        ("Yes. After Monday, please", "'after' may mean not yet"),
        ("Reject after Monday", "'after' may mean not yet"),
        ("Yes. Not on a Friday", "'not' may take it back"),
        ("Yes! No wait, don't", "'no wait' may take it back"),
        # Below the word that the link has written.
        (f"approve\n\n[{TOKEN}]\n\nActually, I am unsure", "'actually' may take it back"),
        (f"No\n\napprove\n\n[{TOKEN}]", "'approve' names another choice"),
        ("Approved with minor changes", "'with minor changes' may be a condition"),
        ("Approved, I don't mind", '"don\'t" may mean no'),
        ("Approved as long as Ben agrees", "'long as' may be a condition"),
        ("No, unless Ben agrees", "'unless' may be a condition"),
        ("Rejecting is not what I want", "its first word, 'Rejecting', names no choice"),
        ("Reject is not what I want", "'not' may mean no"),
        (
            "Approved for production as discussed in the meeting with\nAnna, but not before Friday",
            "'but' may be a condition",
        ),
        # Two choices.
        ("yes no", "'yes' goes on without a comma or full stop"),
        ("Yes, no", "'no' may mean no"),
        ("Approve or reject", "'or' may be a condition"),
        ("Approved, rejected, who knows", "'rejected' names another choice"),
        ("Yes\nNo", "'No' names another choice"),
        ("Approved.\n\nRejected.", "'Rejected' names another choice"),
        ("1, 2", "'2' names another choice"),
        ("1\n2", "'2' names another choice"),
        ("1. Reject", "words follow the number '1' in its line"),
        # Acknowledgements.
        ("OK, I will look at it tomorrow", "'ok' may only mean that the message was read"),
        ("Ok\nI will look at it tomorrow", "'ok' may only mean that the message was read"),
    ],
)
def test_an_unclear_text_decides_nothing(text: str, why: str) -> None:
    assert read(text) == ("", why)


NAMED = (
    Choice(name="now", label="Deploy now"),
    Choice(name="friday", label="On Friday"),
    Choice(name="never", label="Do not deploy", meaning=Meaning.REJECT),
)


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("now", "now"),
        ("Deploy now", "now"),
        ("deploy now.", "now"),
        ("2", "friday"),
        ("On Friday, please", "friday"),
        ("Do not deploy", "never"),
        ("3. Do not deploy", "never"),
        # The only choice that rejects.
        ("No", "never"),
        ("Rejected", "never"),
        # Two approve.
        ("Yes", None),
        ("Approved", None),
        # Names and labels stand alone.
        ("Now I understand", None),
        ("On Friday I will answer", None),
        ("now, friday", None),
        ("3. Deploy now", None),
    ],
)
def test_named_choices_are_given_by_name_label_or_number(text: str, choice: str | None) -> None:
    found = read_choice(text, NAMED, words_of(["en"])).choice
    assert (found.name if found else None) == choice


def test_a_word_of_two_choices_decides_nothing() -> None:
    choices = (Choice(name="a", label="Go"), Choice(name="b", label="go", meaning=Meaning.REJECT))
    assert read_choice("Go", choices, []).why == "'go' names several choices"
    assert read_choice("1", choices, []).choice == choices[0]


def test_the_rest_of_a_long_text_is_a_comment_of_limited_length() -> None:
    name, comment = read("Approved.\n" + "Long. " * 100_000)
    assert name == "approve"
    assert len(comment) == COMMENT_MAX_CHARACTERS


def test_a_sentence_that_does_not_end_decides_nothing() -> None:
    assert read("Approved " + "really " * READ_CHARACTERS) == (
        "",
        "its first sentence is very long",
    )


@pytest.mark.parametrize("text", ["\n" * 500_000, "a" * 500_000, "hi " * 200_000, "yes " * 200_000])
def test_very_long_texts_are_read_at_once(text: str) -> None:
    assert read(text)[0] == ""
