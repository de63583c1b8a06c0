"""What Exchange serves in place of a message that it cannot convert, by protocol and language."""

from __future__ import annotations

import base64
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Wording:
    """The subject of a stand-in in one language, and the names that its text gives to fields."""

    subject: str
    opening: str
    fields: tuple[str, str, str]
    missing: str


ENGLISH = Wording(
    subject="Retrieval using the {} protocol failed for the following message: {}",
    opening="The server has no way to give out this message:",
    fields=("Subject", "From", "Sent date"),
    missing="Not available",
)
GERMAN = Wording(
    subject="Fehler beim Abrufen der folgenden Nachricht mit dem {}-Protokoll: {}",
    opening="Diese Nachricht kann der Server nicht ausgeben:",
    fields=("Betreff", "Von", "Gesendet am"),
    missing="Nicht verfügbar",
)
JAPANESE = Wording(
    subject="{}プロトコルで次のメッセージを取得できませんでした: {}",
    opening="サーバーはこのメッセージを渡せません:",
    fields=("件名", "差出人", "送信日時"),
    missing="利用不可",
)
LANGUAGES = {"english": ENGLISH, "german": GERMAN, "japanese": JAPANESE}


def stand_in(
    number: int = 17,
    *,
    wording: Wording = ENGLISH,
    protocol: str = "IMAP4",
    server: str = "Microsoft Exchange Server 2010",
    subject: str = "Broken lamp",
    sender: str = "",
) -> bytes:
    """Returns the stand-in for a message with this subject and sender's address."""
    title = wording.subject.format(protocol, number)
    if not title.isascii():
        title = f"=?utf-8?B?{base64.b64encode(title.encode()).decode()}?="
    names = wording.fields
    text = (
        f'{wording.opening}\r\n\r\n{names[0]}: "{subject}"\r\n'
        f'{names[1]}: "{wording.missing}" ("{sender or wording.missing}")\r\n'
        f"{names[2]}: 05.05.2026 08:15:00\r\n"
    )
    head = (
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"From: {server}\r\nTo: help@example.org\r\nSubject: {title}\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode() + base64.encodebytes(text.encode())
