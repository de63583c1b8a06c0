"""Masks a POP3 dialogue for the log: shows commands and answers without secrets.

The lines that follow an answer (a message, a listing) are not logged.
"""

from __future__ import annotations

from postrail.wire.dialogue_log import MASK, DialogueLog

SECRET_COMMANDS = ("PASS", "APOP")


class Pop3DialogueLog:
    """Logs the commands and answers of one connection."""

    def __init__(self, dialogue: DialogueLog) -> None:
        self._dialogue = dialogue
        # Within AUTH all lines are secret until the server has answered (RFC 5034).
        self._login = False

    def sent(self, command: str) -> None:
        """Logs a command, or a line of a login."""
        if self._login:
            self._dialogue.sent(MASK)
            return
        words = command.split(" ")
        verb = words[0].upper()
        self._login = verb == "AUTH"
        shown = words[:2] if self._login else words[:1]
        secret = verb in SECRET_COMMANDS or (self._login and len(words) > len(shown))
        self._dialogue.sent(" ".join([*shown, MASK]) if secret else command)

    def received(self, line: bytes) -> None:
        """Logs an answer."""
        answer = line.decode("utf-8", "replace").rstrip("\r\n")
        if answer.upper().startswith(("+OK", "-ERR")):
            self._login = False
            self._dialogue.received(answer)
        elif self._login and answer.startswith("+"):
            self._dialogue.received(f"+ {MASK}" if answer.strip() != "+" else "+")
        else:
            self._dialogue.received(f"{{{len(line.rstrip())} bytes}}")
