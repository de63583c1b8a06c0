"""What of a POP3 dialogue may be shown: commands and the lines that answer them, without secrets.

What follows an answer (a mail, a listing) never gets here.
"""

from __future__ import annotations

from postrail.mailbox.dialogue_log import MASK, Dialogue

SECRET_COMMANDS = ("PASS", "APOP")


class Listener:
    """Hands what one connection says and hears on to the dialogue in the log."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        # An AUTH is under way: whatever is said until its answer is secret (RFC 5034).
        self._login = False

    def sent(self, command: str) -> None:
        """A command, or a piece of a login."""
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
        """The line that answers."""
        answer = line.decode("utf-8", "replace").rstrip("\r\n")
        if answer.upper().startswith(("+OK", "-ERR")):
            self._login = False
            self._dialogue.received(answer)
        elif self._login and answer.startswith("+"):
            self._dialogue.received(f"+ {MASK}" if answer.strip() != "+" else "+")
        else:
            self._dialogue.received(f"{{{len(line.rstrip())} bytes}}")
